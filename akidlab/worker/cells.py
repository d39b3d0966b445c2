"""Cells: what notebooks have this rank run between tasks, and between two steps of one."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akidlab.kids import Kid
    from akidlab.worker.cell import Notebook
    from akidlab.worker.rank import Rank

Body = dict[str, Any]
NOTEBOOKS = 8  # whose names are kept, those that were used last
PIECE = 4 * 2**20  # bytes of a value in one message: a rank shall be heard in between
NO_KID = "There is no kid on the ranks; `%%akid_train -np 2` makes one."
LONGEST = 20_000  # characters of a value that is shown
BREAK = signal.SIGUSR1  # SIGINT would stop the run between whose steps a cell is


class Cells:
    """Runs cells in the main thread, and breaks them off when the notebook is interrupted.

    Args:
        rank: whose main thread that is.
    """

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._notebooks: OrderedDict[str, Notebook] = OrderedDict()
        self._held: Body | None = None  # waits for the end of a step
        self._current: int | None = None
        self._broken: set[int] = set()  # interrupted before their Python code began
        self._is_breakable = False
        self._may_go_on = threading.Event()
        self._lock = threading.Lock()
        self._left: tuple[Kid, ModuleType] | None = None

    def start(self) -> None:
        """Be ready to be interrupted; called in the main thread."""
        signal.signal(BREAK, self._on_break)

    # ------------------------------------------------------------------------ in the dialer's thread

    def hear(self, said: Body) -> None:
        """Take what the supervisor says about cells."""
        if said["kind"] == "cell":
            self._take(said)
        elif said["kind"] == "go_on":
            self._may_go_on.set()
        elif said["kind"] == "break":
            with self._lock:
                self._broken.add(said["number"])
                if self._current != said["number"]:
                    return
            signal.pthread_kill(threading.main_thread().ident or 0, BREAK)  # which may sleep: wake it

    def beat(self) -> None:
        """Tell where a cell that runs waits for other ranks."""
        number = self._current
        if number is not None and self._rank.collectives is not None:
            doing = self._rank.collectives.describe()
            facts = {"collective": doing["collective"], "waiting": doing["waiting"]}
            self._rank.tell({"kind": "cell_beat", "number": number, **facts})

    def _take(self, said: Body) -> None:
        if said["run"] is None:
            self._rank.tasks.put(said)
            return
        with self._lock:
            is_there = said["run"] == self._rank.run
            if is_there:
                self._held = said
        self._rank.tell({"kind": "cell_held" if is_there else "cell_dropped", "number": said["number"]})

    def _on_break(self, number: int, frame: FrameType | None) -> None:
        if self._is_breakable:
            raise KeyboardInterrupt

    # ------------------------------------------------------------------------------ in the main thread

    def between(self, number: int) -> None:
        """Run the cell that waits for this, between two steps."""
        with self._lock:
            held = self._held
            if held is None or held["number"] != number:
                return
            self._held = None
        from akidlab.kids.randomness import outer_kept

        self._may_go_on.clear()
        with outer_kept(self._rank.engine.device):  # to look shall not change what is learned
            self.perform(held)
        if len(held["ranks"]) == self._rank.size:
            self._may_go_on.wait()  # all of them have come through, and did the same together

    def perform(self, said: Body) -> None:
        """Run a cell and report."""
        rank, number = self._rank, said["number"]
        rank.forwarder.hurry()
        rank.forwarder.cell = number
        with self._lock:
            self._current = number
        rank.tell({"kind": "cell_begun", "number": number})
        report: Body = {"ok": False, "interrupted": True, "short": "KeyboardInterrupt", "error": ""}
        report |= {"names": [], "collectives": 0}
        with contextlib.suppress(KeyboardInterrupt):  # it came on the way out
            report = self._run(said)
        self._is_breakable = False
        self._broken.discard(number)
        rank.forwarder.hurry()
        rank.forwarder.cell = self._current = None
        for at in range(0, len(value := report.pop("value", b"")), PIECE):
            rank.tell({"kind": "cell_part", "number": number, "data": value[at : at + PIECE]})
        rank.tell({"kind": "cell_done", "number": number, **report})

    def drop(self) -> None:
        """The run has ended: what still waits for the end of a step waits in vain."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            self._rank.tell({"kind": "cell_dropped", "number": held["number"]})

    def keep(self, kid: Kid | None, notebook: ModuleType) -> None:
        """The kid of a run that has ended stays until the next one begins, with what its cell defined."""
        self._left = None if kid is None else (kid, notebook)

    def forget(self) -> None:
        """The next run begins: let go of the kid of the last one."""
        if self._left is not None:
            notebook, self._left = self._left[1], None
            notebook.__dict__.clear()
            gc.collect()  # what the next run makes shall find its place free

    def _run(self, said: Body) -> Body:
        from akidlab.worker.perform import describe_error
        from akidlab.worker.values import Refusal

        rank = self._rank
        before = 0 if rank.collectives is None else rank.collectives.number
        notebook = self._notebook(said["notebook"])
        report: Body = {"ok": True, "interrupted": False}
        try:
            sys.path.extend(path for path in said["path"] if path not in sys.path)
            with self._together(said["ranks"]), self._breakable():
                if self._current in self._broken:  # before an interrupt would have been heard
                    raise KeyboardInterrupt
                value = notebook.run(said["source"], said["filename"], self._given(), said["names"])
                report.update(_answer(value, said["wants"]))
                del value
        except BaseException as error:  # SystemExit, too: the rank stays
            short, told = describe_error(error)
            if isinstance(error, NameError) and error.name == "kid":
                told += f"{NO_KID}\n"
            report.update(ok=False, interrupted=isinstance(error, KeyboardInterrupt), short=short, error=told)
            if isinstance(error, Refusal):
                report["refused"] = str(error)
        report["seconds"], report["names"] = notebook.seconds, sorted(notebook.own)
        report["collectives"] = 0 if rank.collectives is None else rank.collectives.number - before
        report["step"] = None if rank.kid is None else int(rank.kid.clock)
        return report

    def _given(self) -> dict[str, object]:
        """What every cell finds: who this rank is, and the kid that practises, or was the last to."""
        rank = self._rank
        given: dict[str, object] = {"rank": rank.number, "size": rank.size, "engine": rank.engine}
        kid = rank.kid or (self._left[0] if self._left is not None else None)
        return given if kid is None else {**given, "kid": kid}

    def _notebook(self, uid: str) -> Notebook:
        from akidlab.worker.cell import Notebook

        notebook = self._notebooks.pop(uid, None) or Notebook()
        self._notebooks[uid] = notebook
        while len(self._notebooks) > NOTEBOOKS:
            self._notebooks.popitem(last=False)
        return notebook

    def _together(self, ranks: list[int]) -> contextlib.AbstractContextManager[None]:
        from akidlab.worker.cell import alone

        if len(ranks) == self._rank.size:
            return contextlib.nullcontext()
        named = ", ".join(map(str, ranks))
        return alone(self._rank.engine, f"rank {named}")

    @contextlib.contextmanager
    def _breakable(self) -> Iterator[None]:
        self._is_breakable = True
        try:
            yield
        finally:
            self._is_breakable = False


def _answer(value: object, wants: str) -> Body:
    """What is told of a value: all of it, or how it looks."""
    if wants == "value":
        from akidlab.worker.values import pack

        return {"value": pack(value)}
    if value is None:
        return {}
    shown = repr(value)
    more = len(shown) - LONGEST
    return {"shown": shown if more <= 0 else f"{shown[:LONGEST]}… ({more:,} characters more)"}
