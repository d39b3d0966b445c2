"""The view of a tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from IPython.core.interactiveshell import InteractiveShell

from akidlab.widgets import tuning
from akidlab.widgets.tuning import TuningView


@dataclass
class Line:
    """An instance, as it stands."""

    instance: str
    status: str = "waiting"
    run: str | None = None
    step: int = 0
    max_steps: int | None = None
    values: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    share: float = 0.0


ROWS = [
    Line("lr=0.1", "finished", "grid.0", 20, 20, {"loss": 0.2, "validation_loss": 0.25}, 3.0, 1.0),
    Line("lr=<b>", "failed", "grid.1", 5, 20, {"loss": float("nan")}, 1.0, 0.25),
    Line("lr=0.2", "running", "grid.2", 10, 20, {"loss": 0.3, "validation_loss": 0.5}, 1.0, 0.5),
    Line("lr=0.3"),
]


def test_it_says_in_a_line_how_far_it_is_and_what_is_best() -> None:
    view = TuningView("grid", lambda: ROWS, 6)

    assert view.bundle()["text/plain"] == (
        "`grid`: 1 of 6 done, 1 training, 1 failed, best validation loss 0.2500 (lr=0.1)"
    )
    assert TuningView("grid", lambda: ROWS, 6, higher=True).best(ROWS) is ROWS[2]
    assert TuningView("grid", lambda: [], 6).line([]) == "`grid`: 0 of 6 done"


def test_the_table_has_a_line_for_each_instance_and_what_is_in_it_is_text() -> None:
    shown = TuningView("grid", lambda: ROWS, 4).bundle()["text/html"]

    assert shown.count("<tr>") == 5
    assert "lr=&lt;b&gt;" in shown
    assert "width:44%" in shown
    assert "10 / 20" in shown


def test_of_many_instances_the_best_and_those_that_train_are_shown() -> None:
    rows = [
        Line(f"lr={i}", "finished", f"g.{i}", values={"validation_loss": float(i)}) for i in range(100, 0, -1)
    ]
    rows.append(Line("now", "running", "g.now"))
    shown = TuningView("grid", lambda: rows, 101).bundle()["text/html"]

    assert shown.count("<tr>") == tuning.MANY + 1
    assert ">now<" in shown
    assert ">lr=1<" in shown
    assert ">lr=100<" not in shown
    assert "... and 71 more." in shown


def test_it_is_silent_where_nothing_that_varies_may_be_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    with TuningView("grid", lambda: ROWS, 4):
        pass

    assert capsys.readouterr().out == ""


def test_it_repaints_in_place_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    rows = [Line("lr=1")]
    view = TuningView("grid", lambda: list(rows), 1)
    monkeypatch.setattr(view._output, "show", lambda bundle: said.append(bundle["text/plain"]))
    monkeypatch.setattr(view._output, "update", lambda bundle: said.append(bundle["text/plain"]))
    monkeypatch.setattr(tuning, "PACE", 0.01)
    with view:
        rows[0] = Line("lr=1", "finished", "grid.0")

    assert said == ["`grid`: 0 of 1 done", "`grid`: 1 of 1 done"]
    assert InteractiveShell.initialized() is False
