"""How a supervisor hands cells to ranks; here the ranks are lists of what they are told."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from akidlab.dispatch import cells
from akidlab.dispatch.cells import Cells
from akidlab.dispatch.ranks import Loss
from akidlab.errors import DispatchError
from akidlab.processes import began


class Ranks:
    """Two ranks, and what they are told."""

    def __init__(self) -> None:
        self.size, self.state, self.are_able, self.failure, self.generation = 2, "ready", True, None, 1
        self.known: dict[int, object] = {0: None, 1: None}
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.settled, self.replaced, self.launches = 0, "", 3

    def tell(self, body: dict[str, Any], rank: int | None = None) -> None:
        self.told += [(each, body) for each in self.known if rank is None or rank == each]

    def settle(self) -> None:
        self.settled += 1

    def replace(self, why: str) -> None:
        self.replaced, self.state = why, "ending"

    def launch(self) -> None:
        """Others come in their place."""
        self.state, self.generation = "ready", self.generation + 1

    def kinds(self) -> list[tuple[int, str]]:
        """What each was told since the last time."""
        told, self.told = self.told, []
        return [(rank, body["kind"]) for rank, body in told]


class Work:
    """A run that the ranks are at."""

    def __init__(self) -> None:
        self.task = SimpleNamespace(uid="run")
        self.is_waiting, self.is_closing, self.reports, self.forgiven = False, False, {}, 0.0

    def forgive(self, seconds: float) -> None:
        self.forgiven += 1


class Room:
    """Cells, their ranks, the run that is under way, and what a notebook hears."""

    def __init__(self) -> None:
        self.ranks, self.work, self.heard = Ranks(), None, []
        self.lost: list[Loss] = []
        self.cells = Cells(self.ranks, lambda: self.work, self.lose)  # type: ignore[arg-type]
        self.peer: Any = SimpleNamespace(send=self.heard.append)

    def lose(self, work: object, loss: Loss) -> None:
        self.lost.append(loss)
        self.ranks.replace(loss.text)

    def ask(self, number: str = "a", ranks: list[int] | None = None, **more: Any) -> dict[str, Any]:
        request = dict.fromkeys(("source", "filename", "names", "notebook", "path", "wants"))
        alive = {"pid": os.getpid(), "born": began(os.getpid())}
        return self.cells.take({**request, **alive, "id": number, "ranks": ranks, **more}, self.peer)

    def say(self, kind: str, rank: int, number: int = 1, **more: Any) -> None:
        self.cells.hear(kind, {"kind": kind, "rank": rank, "number": number, **more})

    def done(self, rank: int, number: int = 1, ok: bool = True, collectives: int = 0) -> None:
        self.say("cell_begun", rank, number)
        self.say("cell_done", rank, number, ok=ok, collectives=collectives)

    def over(self) -> list[str | None]:
        """The ends that the notebook heard of, since the last time."""
        found = [body["error"] for body in self.heard if body["what"] == "over"]
        self.heard.clear()
        return found


@pytest.fixture
def room() -> Room:
    return Room()


def test_one_cell_runs_at_a_time_and_the_next_task_waits_for_it(room: Room) -> None:
    room.ask("a")
    room.ask("b", [1])
    assert room.ranks.kinds() == [(0, "cell"), (1, "cell")]
    assert room.cells.are_busy
    room.done(0)
    room.done(1)

    assert [(body["what"], body["id"], body.get("rank")) for body in room.heard] == [
        *(("done", "a", 0), ("done", "a", 1), ("over", "a", None)),
    ]
    room.cells.look()
    assert room.ranks.kinds() == [(1, "cell")]
    room.done(1, 2)
    assert not room.cells.are_open
    assert (room.ranks.settled, room.ranks.launches) == (0, 1)


def test_after_an_error_the_ranks_find_back_to_each_other(room: Room) -> None:
    room.ask()
    room.done(0, ok=False)
    room.done(1)

    assert room.ranks.settled == 1


def test_between_two_steps_all_ranks_have_it_before_any_begins_and_go_on_together(room: Room) -> None:
    room.work = Work()
    room.ask()
    assert room.ranks.kinds() == [(0, "cell"), (1, "cell")]
    assert not room.cells.are_busy
    room.say("cell_held", 0)
    assert room.ranks.kinds() == []
    room.say("cell_held", 1)
    assert room.ranks.kinds() == [(0, "command")]
    room.say("cell_begun", 0)
    assert room.cells.holds(room.work)
    room.done(0, collectives=2)
    assert room.ranks.kinds() == []
    room.done(1, collectives=2)

    assert room.ranks.kinds() == [(0, "go_on"), (1, "go_on")]
    assert (room.over(), room.work.forgiven) == ([None], 1)


def test_ranks_that_did_not_do_the_same_together_do_not_go_on(room: Room) -> None:
    room.work = Work()
    room.ask()
    room.say("cell_held", 0)
    room.say("cell_held", 1)
    room.done(0, collectives=2)
    room.done(1, collectives=1, ok=False)

    assert (room.lost[0].rank, room.lost[0].came_from_outside) == (1, True)
    assert room.over() == ["The ranks did not do the same together in a cell."]
    assert (1, "go_on") not in room.ranks.kinds()


def test_a_cell_that_the_run_did_not_come_to_is_run_after_it(room: Room) -> None:
    room.work = Work()
    room.ask()
    room.say("cell_held", 0)
    room.say("cell_held", 1)
    room.say("cell_dropped", 0)
    room.say("cell_dropped", 1)
    room.work = None
    room.ranks.kinds()
    room.cells.look()

    assert room.ranks.kinds() == [(0, "cell"), (1, "cell")]
    room.say("cell_dropped", 0)  # of before
    room.done(0, 2)
    room.done(1, 2)
    assert room.over() == [None]


def test_a_cell_that_only_some_could_take_is_given_anew(room: Room) -> None:
    room.work = Work()
    room.ask()
    room.say("cell_held", 0)
    room.say("cell_dropped", 1)
    room.ranks.kinds()
    room.cells.look()

    assert room.ranks.kinds() == [(0, "cell"), (1, "cell")]


def test_a_rank_that_is_lost_ends_a_cell_that_has_begun_and_no_other(room: Room) -> None:
    room.ask("a")
    room.ranks.replace("Rank 1 died.")
    room.cells.look()
    assert room.over() == []
    room.ranks.launch()
    room.cells.look()
    room.say("cell_begun", 0, 2)
    room.ranks.replace("Rank 1 died again.")
    room.cells.look()

    assert [body["generation"] for body in room.heard] == [3]  # of the ranks that are to come
    assert room.over() == ["Rank 1 died again."]


def test_a_cell_ends_though_its_ranks_were_replaced_between_two_looks(room: Room) -> None:
    room.ask()
    room.say("cell_begun", 0)
    room.ranks.replace("The hosts have changed.")
    room.ranks.launch()
    room.cells.look()

    assert [body["generation"] for body in room.heard] == [2]
    assert room.over() == ["The hosts have changed."]


def test_a_cell_that_outlives_its_run_costs_the_ranks_and_not_the_run(room: Room) -> None:
    room.work = Work()
    room.ask()
    room.say("cell_held", 0)
    room.say("cell_held", 1)
    room.done(0, collectives=2)
    room.work = None
    room.done(1, collectives=1, ok=False)

    assert (room.lost, room.ranks.replaced) == ([], "The ranks did not do the same together in a cell.")
    assert room.over() == ["The ranks did not do the same together in a cell."]


def test_a_cell_whose_notebook_has_died_is_interrupted(room: Room) -> None:
    room.ask()
    room.say("cell_begun", 0)
    room.ranks.kinds()
    room.cells._cells[0].request["pid"] = 2**22 + 1
    room.cells.look()
    room.cells.look()

    assert room.ranks.kinds() == [(0, "break"), (1, "break")]
    room.cells._cells[0].interrupted -= cells.FORSAKEN
    room.cells.look()
    assert room.ranks.kinds() == [(0, "break"), (1, "break")]


def test_a_cell_of_a_dead_notebook_that_has_not_begun_is_not_given(room: Room) -> None:
    room.ask(pid=2**22 + 1)

    assert room.ranks.kinds() == []
    assert not room.cells.are_open


def test_an_interrupt_of_what_has_not_begun_ends_it_at_once(room: Room) -> None:
    room.ranks.state = "starting"
    room.ask("a")
    room.cells.interrupt({"id": "a"})

    assert [(body["what"], body["interrupted"]) for body in room.heard] == [("over", True)]
    assert room.ranks.kinds() == []


def test_a_rank_that_waits_for_one_that_is_done_is_given_up_in_time(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.ask()
    room.say("cell_begun", 0)
    room.say("cell_beat", 0, collective="sum", waiting=cells.STUCK + 1)
    assert room.ranks.replaced == ""  # the other may still come
    room.done(1)

    why = "Rank 0 waited in `sum` for rank 1, where the cell had ended."
    assert (room.ranks.replaced, room.over()) == (why, [why])


def test_what_cannot_be_asked_is_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for ranks in ([2], [-1], [True], ["0"]):
        with pytest.raises(DispatchError, match=r"These are the ranks 0 to 1; found rank"):
            room.ask(ranks=ranks)  # type: ignore[arg-type]
    with pytest.raises(DispatchError, match="on one rank or more, found none"):
        room.ask(ranks=[])
    with pytest.raises(DispatchError, match="says which process it comes from"):
        room.ask(pid="me")
    with pytest.raises(DispatchError, match="A cell comes with its `source`, found none"):
        room.cells.take({"id": "a"}, room.peer)
    assert not room.cells.are_open
    monkeypatch.setattr(cells, "MOST", 1)
    room.ask()
    with pytest.raises(DispatchError, match="1 cells wait for the ranks already"):
        room.ask()


def test_when_the_ranks_cannot_be_started_whoever_asked_hears_why(room: Room) -> None:
    room.ranks.state = "starting"
    room.ask("a")
    room.ask("b")
    room.cells.close("No Horovod.")

    assert room.over() == ["No Horovod.", "No Horovod."]
