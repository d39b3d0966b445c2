"""Cells on ranks: what a notebook has them run, what they say, and the names that they keep for it."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError, KindError, RankError, WireError
from akidlab.processes import began
from akidlab.session.travel import pack_for
from akidlab.wire import Dialer

if TYPE_CHECKING:
    from akidlab.dispatch import Pool

Body = dict[str, Any]
OnOutput = Callable[[int, str, str], None]
GIVEN = ("rank", "size", "engine", "kid")  # names that every cell finds there
LOOK = 0.5  # seconds between looks whether the supervisor lives
PARTING = 15.0  # seconds for ranks that are broken off
GONE = "The ranks are started anew; what cells had bound there is gone."
RENEWED = "The ranks were started anew since the last cell; what cells had bound there is gone."


@dataclass(frozen=True)
class Reply:
    """What one rank says of a cell.

    Args:
        rank: which.
        ok: False if it raised.
        shown: how the value of its last expression looks, None if there is none.
        value: that value itself, where it was asked for.
        short: the error in a line.
        error: the error with its traceback.
        refused: why the value cannot come to the notebook.
        seconds: how long it took.
        step: after which step of the run it was, None if none is under way.
        interrupted: True if an interrupt ended it.
    """

    rank: int
    ok: bool
    shown: str | None = None
    value: Any = None
    short: str = ""
    error: str = field(default="", repr=False)
    refused: str | None = None
    seconds: float = 0.0
    step: int | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Heard:
    """What all the ranks that were asked say of a cell.

    Args:
        replies: of each that came to its end, in their order.
        error: why the others did not.
        interrupted: True if the notebook was interrupted meanwhile.
        renewed: True if the ranks are others than those of the last cell.
    """

    replies: list[Reply]
    error: str | None = None
    interrupted: bool = False
    renewed: bool = False

    def check(self) -> None:
        """Raise what went wrong.

        Raises:
            KeyboardInterrupt: if it was interrupted.
            KindError: if a value cannot come to the notebook.
            RankError: if ranks raised; errors that are alike are told once.
            DispatchError: if a rank was lost, or none could be reached.
        """
        faults = _merged([reply for reply in self.replies if not reply.ok])
        told = "\n\n".join([*faults, *([self.error] if self.error else [])])
        if self.interrupted or any(reply.interrupted for reply in self.replies):
            raise _Interrupted(told or "Nothing had begun.")
        for reply in self.replies:
            if reply.refused is not None:
                raise KindError(f"Rank {reply.rank}: {reply.refused}")
        if faults:
            raise RankError(told)
        if told:
            raise DispatchError(told)


class _Interrupted(KeyboardInterrupt):
    def _render_traceback_(self) -> list[str]:  # IPython asks: where the notebook waited tells nothing
        return [f"KeyboardInterrupt: {self}"]


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
            asked = range(self.pool.size) if ranks is None else ranks
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


def living(folder: Path) -> int:
    """The size of the one pool that lives in a folder.

    Raises:
        DispatchError: if there is none, or more than one.
    """
    from akidlab.dispatch import Pool

    pools = Pool.find(folder)
    sizes = [pool.size for pool in pools]
    for pool in pools:
        pool.close()
    if not sizes:
        raise DispatchError("No ranks live here. `%akid_pool --start 2` starts two; so does `--np 2`.")
    if len(set(sizes)) > 1:
        listed = " and of ".join(map(str, sizes))
        raise DispatchError(f"Pools of {listed} ranks live here. Say which: `--np {sizes[-1]}`.")
    return sizes[0]


def _reply(said: Body, data: bytes) -> Reply:
    facts = {name: said[name] for name in Reply.__dataclass_fields__ if name in said}
    if data:
        from akidlab.worker.values import unpack

        facts["value"] = unpack(data)
    return Reply(**facts)


def _merged(failed: Sequence[Reply]) -> list[str]:
    """What the ranks raised, each error once, with who raised it."""
    alike: dict[str, list[Reply]] = {}
    for reply in failed:
        alike.setdefault(reply.error or reply.short, []).append(reply)
    return [_who_raised(replies) for replies in alike.values()]


def _who_raised(replies: Sequence[Reply]) -> str:
    ranks = [str(reply.rank) for reply in replies]
    who = f"Rank {ranks[0]}" if len(ranks) == 1 else f"Ranks {', '.join(ranks[:-1])} and {ranks[-1]}"
    first = replies[0]
    return f"{who}: {first.short}\n\n{first.error}".rstrip()
