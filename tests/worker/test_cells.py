"""Cells on a rank: when they are run, and that none is left waiting."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akidlab.wire import Listener
from akidlab.worker import perform
from akidlab.worker.cells import BREAK
from akidlab.worker.rank import Rank


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rank]:
    monkeypatch.setenv("HOROVOD_RANK", "0")
    monkeypatch.setenv("HOROVOD_SIZE", "1")
    with Listener(lambda request, peer: None, kind="pool", uid="a1") as listener:
        yield Rank(listener.connection, 1, "horovod")


@pytest.fixture
def told(rank: Rank, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the rank tells its supervisor."""
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(rank, "tell", heard.append)
    return heard


def cell(run: str | None, number: int = 1) -> dict[str, Any]:
    facts = {
        "source": "rank",
        "filename": "<cell>",
        "names": b"",
        "notebook": "n",
        "path": [],
        "wants": "shown",
    }
    return {"kind": "cell", "run": run, "number": number, "ranks": [0], **facts}


def test_a_cell_waits_for_its_run_and_for_its_number(rank: Rank, told: list[dict[str, Any]]) -> None:
    rank.run = "first"
    rank._hear(cell("first"))
    rank.cells.between(7)

    assert [body["kind"] for body in told] == ["cell_held"]
    rank.cells.drop()
    rank.cells.between(1)
    assert [body["kind"] for body in told] == ["cell_held", "cell_dropped"]


def test_a_cell_of_a_run_that_is_not_here_is_dropped(rank: Rank, told: list[dict[str, Any]]) -> None:
    rank._hear(cell("first"))

    assert told == [{"kind": "cell_dropped", "number": 1}]


def test_a_cell_that_comes_while_the_rank_reports_is_dropped(
    rank: Rank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []

    def tell(body: dict[str, Any]) -> None:
        told.append(body["kind"])
        if body["kind"] == "report":
            rank._hear(cell("first"))

    monkeypatch.setattr(rank, "tell", tell)
    monkeypatch.setattr(perform, "perform", lambda payload, place: {"status": "finished"})
    rank.engine = None  # type: ignore[assignment]
    rank._work({"run": "first", "name": "run", "folder": str(tmp_path), "payload": b"", "options": {}})

    assert told == ["report", "cell_held", "cell_dropped"]


def test_a_cell_that_was_interrupted_before_it_began_does_not_begin(
    rank: Rank, told: list[dict[str, Any]]
) -> None:
    rank.cells.hear({"kind": "break", "number": 1})
    rank.cells.perform(cell(None))

    assert [body["kind"] for body in told] == ["cell_begun", "cell_done"]
    assert (told[1]["ok"], told[1]["interrupted"], told[1]["error"]) == (False, True, "KeyboardInterrupt\n")
    assert (told[1]["names"], told[1]["collectives"]) == ([], 0)  # nobody who counts waits for more


def test_an_interrupt_that_comes_just_before_the_code_of_a_cell_counts(
    rank: Rank, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def tell(body: dict[str, Any]) -> None:
        told.append(body)
        if body["kind"] == "cell_begun":
            rank.cells.hear({"kind": "break", "number": 1})

    monkeypatch.setattr(rank, "tell", tell)
    before = signal.getsignal(BREAK)
    try:
        rank.cells.start()
        rank.cells.perform({**cell(None), "source": "1 / 0"})
    finally:
        signal.signal(BREAK, before)

    assert [body["kind"] for body in told] == ["cell_begun", "cell_done"]
    assert told[1]["interrupted"]
