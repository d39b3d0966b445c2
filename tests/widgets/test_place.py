"""The picture of a past run, and the dashboard that finds it."""

from __future__ import annotations

import weakref
from pathlib import Path

import psutil
import pytest
from tapped import custom, scalar

from akidlab.errors import WireError
from akidlab.messages import Command
from akidlab.store import Recorder, Run
from akidlab.widgets import Dashboard
from akidlab.widgets.controls import to_the_run
from akidlab.widgets.place import place
from akidlab.wire import Listener
from tests.patience import until
from tests.widgets.test_dashboard import built


def test_a_place_is_a_picture_that_is_safe_to_show() -> None:
    html = place("a1", {"text/plain": "<b>", "image/svg+xml": "<svg/>"})

    assert (
        html == '<div data-akidlab="a1"><img alt="&lt;b&gt;" src="data:image/svg+xml;base64,PHN2Zy8+"></div>'
    )


def test_where_nothing_could_be_drawn_a_place_is_words() -> None:
    assert place("a1", {"text/plain": "no <run>"}) == '<div data-akidlab="a1"><pre>no &lt;run&gt;</pre></div>'


@built
@pytest.mark.parametrize(("variable", "placed"), [("", True), ("VSCODE_PID", False)])
def test_of_a_past_run_the_widget_looks_for_its_place_in_a_jupyter_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, placed: bool
) -> None:
    for name in ("VSCODE_PID", "VSCODE_CWD", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    Recorder(run).start().stop("finished")
    dashboard = Dashboard(run)
    state = dashboard.widget.get_state()
    dashboard.close()

    assert state["_placed"] is placed


@built
def test_a_run_that_lives_is_shown_by_the_widget_itself(run: Run, recorder: Recorder) -> None:
    dashboard = Dashboard(run)
    state = dashboard.widget.get_state()
    dashboard.close()

    assert state["_placed"] is False


@built
def test_a_dashboard_that_has_shown_all_keeps_no_database_open(run: Run) -> None:
    with Recorder(run) as recorder:
        scalar(recorder, "loss", [1], [0.5])
    run.store.close()
    dashboard = Dashboard(run)
    assert dashboard.widget.comm is not None
    until(lambda: len(custom()) >= 8 and not _databases(run))

    assert _databases(run) == []
    dashboard.close()


@built
def test_a_dashboard_that_is_finished_keeps_no_database_open(run: Run, recorder: Recorder) -> None:
    dashboard = Dashboard(run)
    assert dashboard.widget.comm is not None
    until(custom)
    recorder.stop()
    run.store.close()
    dashboard.finish()

    assert _databases(run) == []
    dashboard.close()


@built
def test_a_dashboard_that_is_finished_lets_go_of_what_trained(run: Run) -> None:
    class Training:
        def send(self, command: Command) -> None: ...

    training = Training()
    kept = weakref.ref(training)
    dashboard = Dashboard(run, send=training.send)
    assert dashboard.widget.comm is not None
    dashboard.finish()
    del training

    assert kept() is None
    dashboard.close()


def test_the_run_of_another_process_obeys_and_says_when_it_does_not(run: Run) -> None:
    answers = iter([{"ok": True}, {"ok": False, "error": "The run `digits` is over."}])
    with Listener(lambda request, peer: next(answers), kind="run", uid=run.uid):
        send = to_the_run(run)
        send(Command("pause"))
        with pytest.raises(WireError, match="The run `digits` is over"):
            send(Command("pause"))


def _databases(run: Run) -> list[str]:
    """What of the run's own store this process holds open; other tests may hold theirs."""
    return [file.path for file in psutil.Process().open_files() if Path(file.path).parent == run.store.path]
