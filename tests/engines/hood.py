"""Ranks of one host as threads of this process: real sockets and memory, without the seconds of a launch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from akidlab.engines import neighbours
from akidlab.engines.shared import Shared, memory_for


class Talk:
    """What ranks have before they find each other: a broadcast, and a question to all."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size, timeout=60)
        self._said: dict[int, Any] = {}

    def broadcast(self, rank: int, value: Any) -> Any:
        """What rank 0 holds."""
        return self._exchange(rank, value)[0]

    def any(self, rank: int, flag: bool) -> bool:
        """Whether it is so anywhere."""
        return any(self._exchange(rank, flag).values())

    def _exchange(self, rank: int, value: Any) -> dict[int, Any]:
        self._said[rank] = value
        self._barrier.wait()
        said = dict(self._said)
        self._barrier.wait()
        return said


def together(size: int, do: Callable[[Shared], Any]) -> list[Any]:
    """What `do` returns, or raises, on each of so many ranks."""
    talk, results = Talk(size), [None] * size

    def be(rank: int) -> None:
        found = neighbours.find(
            rank,
            size,
            lambda value: talk.broadcast(rank, value),
            lambda flag: talk.any(rank, flag),
            memory_for(size),
        )
        assert found is not None
        try:
            results[rank] = do(Shared(found))
        except Exception as error:
            results[rank] = error  # type: ignore[call-overload]
        finally:
            found.close()

    threads = [threading.Thread(target=be, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results
