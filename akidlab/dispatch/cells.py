"""Cells: what notebooks have the ranks of a pool run, one by one, between tasks or between two steps."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akidlab.dispatch.ranks import Loss, Ranks
from akidlab.errors import DispatchError
from akidlab.messages import Command
from akidlab.processes import lives
from akidlab.wire import Peer

if TYPE_CHECKING:
    from akidlab.dispatch.work import Work

log = logging.getLogger(__name__)

Body = dict[str, Any]
MOST = 64  # cells that wait
STUCK = 2.0  # seconds in a collective that another rank will not come to
FORSAKEN = 5.0  # seconds between two interrupts of a cell whose notebook has died
HEED = 1.0  # seconds for ranks to heed a second interrupt
GIVEN = ("source", "filename", "names", "notebook", "path", "wants")  # what the ranks are told of a cell
_OURS = ("kind", "number", "generation")  # what they say that is not for the notebook


@dataclass(eq=False)
class Cell:
    """A cell on its way: whom it asks, and how far each of them is."""

    number: int
    request: Body
    ranks: list[int]
    peer: Peer
    work: Work | None = None  # between two of whose steps it runs
    generation: int | None = None  # of the ranks that have it; None while it waits
    held: set[int] = field(default_factory=set)
    begun: dict[int, float] = field(default_factory=dict)
    ended: dict[int, Body] = field(default_factory=dict)
    waits: dict[int, tuple[str, float]] = field(default_factory=dict)  # in which collective, since when
    is_called: bool = False  # rank 0 was told to have all of them begin
    interrupts: int = 0
    interrupted: float = -math.inf
    broken: str | None = None  # why the ranks were given up

    @property
    def id(self) -> str:
        """What its notebook calls it."""
        return str(self.request["id"])

    def again(self, number: int) -> None:
        """Nobody has begun: it waits as before, and what is said of it so far counts no longer."""
        self.number, self.work, self.generation, self.is_called = number, None, None, False
        for said in (self.held, self.begun, self.ended, self.waits):
            said.clear()


class Cells:
    """Hands cells to the ranks, and what they say back to the notebooks.

    Args:
        ranks: of the pool.
        active: gives the work that the ranks do, if they do any.
        give_up: told which rank must be given up, in the midst of a work.
    """

    def __init__(
        self, ranks: Ranks, active: Callable[[], Work | None], give_up: Callable[[Work, Loss], object]
    ) -> None:
        self._ranks, self._active, self._give_up = ranks, active, give_up
        self._cells: list[Cell] = []
        self._numbers = itertools.count(1)

    @property
    def are_open(self) -> bool:
        """True while one of them is not over."""
        return bool(self._cells)

    @property
    def are_busy(self) -> bool:
        """True while the ranks, which have no task, run one: the next task waits for it."""
        return bool(self._cells) and self._cells[0].generation is not None and self._cells[0].work is None

    def holds(self, work: Work) -> bool:
        """True while one is run between two steps of `work`, whose ranks stand still therefore."""
        return bool(self._cells) and self._cells[0].work is work and bool(self._cells[0].begun)

    # ------------------------------------------------------------------------------------- what is asked

    def take(self, request: Body, peer: Peer) -> Body:
        """Take a cell from a notebook.

        Raises:
            DispatchError: if there is no such rank, or too many cells wait.
        """
        size = self._ranks.size
        asked = list(range(size)) if request.get("ranks") is None else sorted(set(request["ranks"]))
        for rank in asked:
            if type(rank) is not int or not 0 <= rank < size:
                raise DispatchError(f"These are the ranks 0 to {size - 1}; found rank {rank!r:.20}.")
        if missing := [name for name in (*GIVEN, "id", "pid", "born") if name not in request]:
            raise DispatchError(f"A cell comes with its `{missing[0]}`, found none.")
        if type(request["pid"]) is not int or not isinstance(request["born"], (float, type(None))):
            raise DispatchError("A cell says which process it comes from, and when that began.")
        if not asked:
            raise DispatchError("A cell runs on one rank or more, found none.")
        if len(self._cells) >= MOST:
            raise DispatchError(f"{MOST} cells wait for the ranks already.")
        self._cells.append(Cell(next(self._numbers), request, asked, peer))
        self.look()
        return {"ok": True, "size": size, "ranks": asked}

    def interrupt(self, request: Body) -> Body:
        """Interrupt a cell: in Python code at once; a second time, whatever its ranks do."""
        for cell in self._cells:
            if cell.id == request.get("id"):
                self._interrupt(cell)
        self.look()
        return {"ok": True}

    def hear(self, kind: str, said: Body) -> None:
        """Take what a rank says of a cell."""
        cell, rank = self._first(said["number"]), int(said["rank"])
        if cell is None or rank not in cell.ranks:
            log.debug("rank %d: %s came too late", rank, kind)
            return
        if kind == "cell_held":
            cell.held.add(rank)
        elif kind == "cell_begun":
            cell.begun[rank] = time.monotonic()
        elif kind == "cell_beat":
            since = None if said["waiting"] is None else time.monotonic() - said["waiting"]
            cell.waits.pop(rank, None)
            if since is not None:
                cell.waits[rank] = str(said["collective"]), since
        elif kind == "cell_part":
            self._tell(cell, "part", rank=rank, data=said["data"])
        elif kind in ("cell_done", "cell_dropped"):
            if kind == "cell_done":
                said = {**said, "ok": bool(said["ok"]), "collectives": int(said["collectives"])}
            cell.ended[rank] = said
            cell.waits.pop(rank, None)
        self.look()

    def write(self, rank: int, said: Body) -> None:
        """Show what a rank writes in a cell to its notebook."""
        cell = self._first(said["cell"])
        if cell is not None:
            self._tell(cell, "output", rank=rank, stream=said["stream"], text=said["text"])

    # ------------------------------------------------------------------------------------ what is due

    def look(self) -> None:
        """Do what is due: give a cell to the ranks, see whether it is over, or must be broken off."""
        if not self._cells:
            return
        cell = self._cells[0]
        if self._ranks.failure is not None:
            self._end(cell, self._ranks.failure)
            return
        if not lives(int(cell.request["pid"]), cell.request["born"]):
            self._forsake(cell)
        if cell not in self._cells:
            return
        if cell.generation is None:
            self._give(cell)
        elif cell.generation == self._ranks.generation and self._ranks.state not in ("ending", "gone"):
            self._see_to(cell)
        else:
            self._lose(cell)

    def close(self, why: str) -> None:
        """The pool leaves."""
        for cell in list(self._cells):
            self._end(cell, why)

    def _give(self, cell: Cell) -> None:
        ranks, work = self._ranks, self._active()
        if ranks.state != "ready":
            return
        if missing := [rank for rank in cell.ranks if rank not in ranks.known]:
            self._end(cell, f"There is no rank {_listed(missing)} any more: {ranks.size} are left.")
            return
        if work is None:
            if not ranks.are_able:
                return
        elif work.is_waiting or work.is_closing or work.reports:
            return
        cell.work, cell.generation = work, ranks.generation
        ranks.launches = 1  # they are of use
        told = {name: cell.request[name] for name in GIVEN}
        told |= {"ranks": cell.ranks, "number": cell.number, "run": None if work is None else work.task.uid}
        for rank in cell.ranks:
            ranks.tell({"kind": "cell", **told}, rank=rank)

    def _lose(self, cell: Cell) -> None:
        """The ranks are launched anew: a cell that has begun is over, another one waits for the new ones."""
        if cell.begun:
            anew = cell.generation == self._ranks.generation
            self._end(cell, cell.broken or self._ranks.replaced, anew=anew)
        else:
            cell.again(next(self._numbers))

    def _see_to(self, cell: Cell) -> None:
        if cell.work is not None and not cell.is_called and len(cell.held) == len(cell.ranks):
            cell.is_called = True  # all ranks agree on it, and so begin after the same step
            command = Command("cell", cell.number)
            self._ranks.tell({"kind": "command", "run": cell.work.task.uid, "command": command}, rank=0)
        if len(cell.ended) == len(cell.ranks):
            self._conclude(cell)
        elif cell.ended and not cell.begun and len(cell.held) + len(cell.ended) == len(cell.ranks):
            cell.again(next(self._numbers))  # some had not yet begun with the task, or had ended it
        elif cell.broken is None and (stuck := self._stuck(cell)) is not None:
            self._break_off(cell, *stuck)

    def _conclude(self, cell: Cell) -> None:
        done = {rank: said for rank, said in cell.ended.items() if said["kind"] == "cell_done"}
        if not done:  # the run ended before they came to it
            cell.again(next(self._numbers))
            return
        together = len(cell.ranks) == self._ranks.size
        is_uneven = len({said["collectives"] for said in done.values()}) > 1
        if cell.work is not None and together:
            if is_uneven:
                rank = max(done, key=lambda rank: not done[rank]["ok"])
                self._break_off(cell, rank, "The ranks did not do the same together in a cell.")
                return
            self._ranks.tell({"kind": "go_on"})
        elif cell.work is None and (is_uneven or not all(said["ok"] for said in done.values())):
            self._ranks.settle()
        self._end(cell)

    def _stuck(self, cell: Cell) -> tuple[int, str] | None:
        """A rank that must be given up, and why."""
        now = time.monotonic()
        left = [rank for rank in cell.ranks if rank not in cell.ended]
        if cell.interrupts > 1 and now - cell.interrupted > HEED:
            return left[0], f"Rank {_listed(left)} did not heed the interrupt."
        for rank, (name, since) in cell.waits.items():
            waited = now - since
            if cell.ended and waited > STUCK:
                others = _listed(sorted(cell.ended))
                return rank, f"Rank {rank} waited in `{name}` for rank {others}, where the cell had ended."
            if cell.interrupts and min(waited, now - cell.interrupted) > STUCK:
                return rank, f"Rank {rank} waited in `{name}`, where no interrupt reaches it."
        return None

    def _break_off(self, cell: Cell, rank: int, why: str) -> None:
        cell.broken = why
        if cell.work is not None and cell.work is self._active():
            self._give_up(cell.work, Loss(rank, why))
        else:
            self._ranks.replace(why)
        self._lose(cell)

    def _forsake(self, cell: Cell) -> None:
        """The notebook has died: nobody else could end its cell."""
        if time.monotonic() - cell.interrupted > FORSAKEN:
            self._interrupt(cell)

    def _interrupt(self, cell: Cell) -> None:
        cell.interrupts += 1
        cell.interrupted = time.monotonic()
        if not cell.begun and not cell.is_called and (cell.generation is None or cell.work is not None):
            self._end(cell, "", interrupted=True)
            return
        for rank in cell.ranks:
            if rank not in cell.ended:
                self._ranks.tell({"kind": "break", "number": cell.number}, rank=rank)

    def _end(
        self, cell: Cell, error: str | None = None, *, anew: bool = False, interrupted: bool = False
    ) -> None:
        self._cells.remove(cell)
        if cell.work is not None and cell.begun:
            cell.work.forgive(time.monotonic() - min(cell.begun.values()))
        for _, said in sorted(cell.ended.items()):
            if said["kind"] == "cell_done":
                self._tell(cell, "done", **{name: said[name] for name in said if name not in _OURS})
        generation = self._ranks.generation + anew
        self._tell(cell, "over", error=error, interrupted=interrupted, generation=generation)

    def _tell(self, cell: Cell, what: str, **facts: object) -> None:
        cell.peer.send({**facts, "kind": "cell", "what": what, "id": cell.id})

    def _first(self, number: object) -> Cell | None:
        """The cell that the ranks have, if it is this one."""
        if self._cells and self._cells[0].generation is not None and self._cells[0].number == number:
            return self._cells[0]
        return None


def _listed(ranks: list[int]) -> str:
    return " and ".join(map(str, ranks))
