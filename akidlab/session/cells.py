"""Cells on ranks: what a notebook has them run, what they say, and the names that they keep for it."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError, WireError
from akidlab.processes import began
from akidlab.session.replies import Heard, Reply
from akidlab.session.travel import pack_for
from akidlab.wire import Connection, Dialer

if TYPE_CHECKING:
    from akidlab.dispatch import Pool

Body = dict[str, Any]
OnOutput = Callable[[int, str, str], None]
GIVEN = ("rank", "size", "engine", "kid")  # names that every cell finds there
LOOK = 0.5  # seconds between looks whether the supervisor lives
PARTING = 15.0  # seconds for ranks that are broken off
GONE = "The ranks are started anew; what cells had bound there is gone."
RENEWED = "The ranks were started anew since the last cell; what cells had bound there is gone."


class RankNotebook:
    """What the ranks of a pool run for this notebook, beside its trainings; get it by `Session.ranks`.

    What a cell binds there is found by the next one, until the pool leaves. Each finds `rank`, `size`,
    `engine`, and `kid`: the one that practises there, or the last that did, which stays until the next
    run begins. While a run is under way, a cell is run by all ranks asked after the same step.

    Args:
        pool: whose ranks.

    Example:
        >>> ranks = Session.current().ranks(2)  # doctest: +SKIP
        >>> [reply.shown for reply in ranks.run("rank * 10")]  # doctest: +SKIP
        ['0', '10']
        >>> ranks.gather("size - rank")  # doctest: +SKIP
        [2, 1]
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._names: dict[int, set[str]] = {}  # that cells have bound there, by rank
        self._uid = uuid.uuid4().hex
        self._generation: int | None = None
        self._size = pool.size
        self._one = threading.Lock()
        self._heard: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self._dialer = Dialer(pool.connection)
        self._dialer.start()
        self._dialer.listen(self._heard.put)

    def run(self, source: str, *, ranks: Sequence[int] | None = None, **more: Any) -> list[Reply]:
        """Run a cell on the ranks, and wait.

        Args:
            source: plain Python.
            ranks: which; all of them by default. On some, nothing can be done together with the others.
            more: as for `perform`.

        Raises:
            RankError: if a rank raised; the message ends with its traceback.
            DispatchError: if a rank was lost.
            MagicError: if names that it needs cannot travel.
        """
        heard = self.perform(source, ranks=ranks, **more)
        heard.check()
        return heard.replies

    def gather(self, expression: str, *, ranks: Sequence[int] | None = None, **more: Any) -> list[Any]:
        """The value of an expression on each rank, in their order.

        Numbers, texts, arrays and tensors come through (those of a GPU to the CPU), and lists, tuples, sets
        and dictionaries of them; at most 1 GB of each rank. Nothing is pickled.

        Args:
            expression: a name, or more.
            ranks: which; all of them by default.
            more: as for `perform`.

        Raises:
            KindError: if a value is of another kind, or too large.
            RankError: if a rank raised.
        """
        heard = self.perform(expression, ranks=ranks, wants="value", **more)
        heard.check()
        return [reply.value for reply in heard.replies]

    def perform(
        self,
        source: str,
        *,
        ranks: Sequence[int] | None = None,
        home: dict[str, Any] | None = None,
        filename: str = "<cell>",
        wants: str = "shown",
        on_output: OnOutput | None = None,
    ) -> Heard:
        """Run a cell on the ranks, wait, and tell what they said, whether it went well or not.

        An interrupt reaches Python code there at once; a second one ends whatever does not heed it.

        Args:
            source: plain Python.
            ranks: which; all of them by default.
            home: the notebook's namespace, from which comes what the cell needs and the ranks do not have.
            filename: what tracebacks call the cell.
            wants: `shown` for how its last value looks, `value` for the value.
            on_output: called here with each piece of what a rank writes: the rank, the stream, the text.

        Raises:
            MagicError: if names that it needs cannot travel.
            DispatchError: if there is no such rank, or the pool is gone.
        """
        with self._one:
            renewed = self._look_who_is_there()
            asked = range(self._size) if ranks is None else ranks
            there = set.intersection(*(self._names.get(rank, set()) for rank in asked)) if asked else set()
            names = pack_for(source, {} if home is None else home, filename, there={*GIVEN, *there})
            request = {"source": source, "filename": filename, "names": names.data, "notebook": self._uid}
            request |= {"path": [entry for entry in sys.path if entry], "wants": wants}
            request |= {"ranks": None if ranks is None else list(ranks)}
            request |= {"id": uuid.uuid4().hex, "pid": os.getpid(), "born": began(os.getpid())}
            self._ask({"kind": "cell", **request})
            done, over, interrupts = self._wait(str(request["id"]), on_output)
        self._generation = over["generation"]
        self._names |= {rank: set(said["names"]) for rank, (said, _) in done.items()}
        error = over["error"] and f"{over['error'].rstrip()}\n{GONE}"
        if error:
            self._names.clear()
        replies = [_reply(said, data) for _, (said, data) in sorted(done.items())]
        return Heard(replies, error, bool(interrupts or over["interrupted"]), renewed)

    @property
    def names(self) -> list[str]:
        """What cells have bound there, on any of the ranks."""
        return sorted(set().union(*self._names.values()))

    def close(self) -> None:
        """Hang up; what was bound stays there."""
        self._dialer.stop()

    def _look_who_is_there(self) -> bool:
        """True if they are others than those of the last cell, and what it bound is gone."""
        now = self.pool.describe()
        self._size = now["size"]
        generation = now["generation"] + (now["state"] in ("ending", "gone"))
        had, self._generation, before = bool(self.names), generation, self._generation
        if before is None or before == generation:
            return False
        self._names.clear()
        return had

    def _wait(
        self, number: str, on_output: OnOutput | None
    ) -> tuple[dict[int, tuple[Body, bytes]], Body, int]:
        """Wait for the end of a cell: what each rank said, what was said in the end, and the interrupts."""
        done: dict[int, Body] = {}
        parts: dict[int, list[bytes]] = {}
        interrupts, end = 0, float("inf")
        while True:
            try:
                body = self._next(end)
                if body is None or body.get("id") != number:
                    continue
                if body["what"] == "over":
                    values = {rank: (said, b"".join(parts.get(rank, []))) for rank, said in done.items()}
                    return values, body, interrupts
                if body["what"] == "done":
                    done[body["rank"]] = body
                elif body["what"] == "part":
                    parts.setdefault(body["rank"], []).append(body["data"])
                elif on_output is not None:
                    on_output(body["rank"], body["stream"], body["text"])
            except KeyboardInterrupt:
                interrupts += 1
                if interrupts > 2:
                    raise
                end = time.monotonic() + PARTING if interrupts > 1 else end
                self._ask({"kind": "interrupt", "cell": {"id": number}})

    def _next(self, end: float) -> Body | None:
        try:
            return self._heard.get(timeout=LOOK)
        except queue.Empty:
            if not self.pool.alive:
                raise DispatchError(
                    f"The supervisor of these ranks (process {self.pool.pid}) is gone, they with it. "
                    f"Its log: {self.pool.log}"
                ) from None
            if time.monotonic() > end:
                raise KeyboardInterrupt from None
            return None

    def _ask(self, body: Body) -> Body:
        if not self.pool.alive:
            raise DispatchError(f"The pool of {self.pool.size} ranks is gone.")
        try:
            answer: Body = self._dialer.ask(body, 60.0)
        except WireError as error:
            raise DispatchError(f"The pool does not answer: {error} Its log: {self.pool.log}") from error
        if not answer.get("ok"):
            raise DispatchError(answer.get("error"))
        return answer


def living(folder: Path, size: int | None = None, launcher: str | None = None) -> Connection | None:
    """The pool that is well in a folder, wherever its ranks are; None if there is none of the size wanted.

    Raises:
        DispatchError: if no size is said, and there is no pool, or there are several sizes.
    """
    wanted = {"project": str(folder.resolve()), "size": size, "launcher": launcher}
    asked = {name: value for name, value in wanted.items() if value is not None}
    found = [one for one in Connection.find("pool") if asked.items() <= one.info.items() and _is_well(one)]
    sizes = sorted({int(str(one.info["size"])) for one in found})
    if size is None and not sizes:
        raise DispatchError("No ranks live here. `%akid_pool --start 2` starts two; so does `--np 2`.")
    if len(sizes) > 1:
        listed = " and of ".join(map(str, sizes))
        raise DispatchError(f"Pools of {listed} ranks live here. Say which: `--np {sizes[-1]}`.")
    return found[0] if found else None


def _is_well(connection: Connection) -> bool:
    from akidlab.dispatch import Pool

    pool = Pool(connection)
    try:
        return pool.is_well
    finally:
        pool.close()


def _reply(said: Body, data: bytes) -> Reply:
    facts = {name: said[name] for name in Reply.__dataclass_fields__ if name in said}
    if data:
        from akidlab.worker.values import unpack

        facts["value"] = unpack(data)
    return Reply(**facts)
