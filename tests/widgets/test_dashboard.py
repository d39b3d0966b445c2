"""A dashboard in a kernel without a browser: what it sends, how it ends, what it leaves behind."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from tapped import Wire, custom, scalar, size

from akidlab import DigitsSource, FeedSensor, Kid
from akidlab.errors import KindError, UnknownNameError
from akidlab.messages import Command, Event, Log, Message, Samples, Status
from akidlab.models.brains import OneLayerBrain
from akidlab.store import Recorder, Run
from akidlab.widgets import Dashboard, assets
from akidlab.widgets.dashboard import _picture
from akidlab.widgets.figure import figure
from akidlab.widgets.live import LiveWidget
from tests.patience import until

built = pytest.mark.skipif(not (assets.STATIC / "loader.js").exists(), reason="the widgets are not built")


def test_a_run_is_shown_by_its_name_or_by_its_kid(run: Run) -> None:
    for asked in (run, run.name, run.uid, SimpleNamespace(run=run)):
        assert Dashboard(asked).run == run


def test_what_is_no_run_is_said(run: Run) -> None:
    with pytest.raises(UnknownNameError, match="There is no run `nope`"):
        Dashboard("nope")
    with pytest.raises(KindError, match=r"A dashboard shows a run, or the name of one; found a int\."):
        Dashboard(3)  # type: ignore[arg-type]
    with pytest.raises(KindError, match=r"`kid` has practised no run yet: `practice\(\)` begins one\."):
        Dashboard(Kid(FeedSensor(DigitsSource()), OneLayerBrain(), "momentum"))


@built
def test_the_state_of_a_widget_is_small(run: Run) -> None:
    dashboard = Dashboard(run)
    state = dashboard.widget.get_state()
    dashboard.close()

    assert len(json.dumps(state)) < 5_000


@built
def test_it_ticks_at_its_own_pace_and_within_its_bounds(run: Run, recorder: Recorder) -> None:
    recorder.hear(Message("status", Status("running")))
    scalar(recorder, "loss", list(range(1, 5000)), [1.0] * 4999)
    dashboard = Dashboard(run)
    assert isinstance(dashboard.widget, LiveWidget)
    until(lambda: len(custom()) >= 6)
    dashboard.close()

    assert [content["seq"] for content, _ in custom()][:6] == [1, 1, 2, 2, 3, 4]
    assert all(size(*message) <= 20_000 for message in custom())


@built
def test_its_thread_ends_with_the_run(run: Run) -> None:
    with Recorder(run):
        dashboard = Dashboard(run)
        assert dashboard.widget.comm is not None
    assert dashboard._ticker is not None
    thread = dashboard._ticker._thread
    until(lambda: dashboard.is_finished and not thread.is_alive())
    dashboard.close()

    assert not thread.is_alive()


@built
def test_closing_leaves_no_thread_and_no_comm(run: Run, recorder: Recorder) -> None:
    dashboard = Dashboard(run)
    assert dashboard.widget.comm is not None
    assert dashboard._ticker is not None
    thread = dashboard._ticker._thread
    dashboard.close()

    until(lambda: not thread.is_alive())
    assert Wire.sent[-1][0] == "comm_close"


@built
def test_the_comm_answers_what_the_browser_asks(run: Run, recorder: Recorder) -> None:
    asked: list[Command] = []
    scalar(recorder, "loss", [1, 2], [0.5, 0.25])
    dashboard = Dashboard(run, send=asked.append)
    hear = dashboard.widget._take
    hear({"kind": "command", "action": "rate", "value": 0.1, "id": "a1"}, [])
    hear({"kind": "sync"}, [])
    hear({"kind": "ask", "id": "b2", "question": "figure", "asked": {}}, [])
    hear({"kind": "source"}, [])
    dashboard.close()

    assert asked == [Command("rate", 0.1, "a1")]
    answers = {content["kind"]: (content, buffers) for content, buffers in custom() if not content.get("seq")}
    assert answers["ack"][0] == {"kind": "ack", "id": "a1", "ok": True}
    assert (answers["answer"][0]["id"], len(answers["answer"][1])) == ("b2", 0)
    assert answers["answer"][0]["content"]["data"][0]["y"] == [0.5, 0.25]
    assert answers["source"][1] == [assets.source()]
    assert any(content.get("answer") for content, _ in custom())


@built
def test_the_comm_answers_what_is_asked_of_ranks(run: Run, recorder: Recorder) -> None:
    for rank, level in ((0, "info"), (1, "info"), (1, "warning")):
        recorder.hear(Message("log", Log(f"{level} of {rank}", level, rank)))
    recorder.flush()
    run.folder.mkdir(parents=True)
    (run.folder / "timeline-7.json").write_text("{}")
    dashboard = Dashboard(run)
    for id, question, asked in (
        ("a", "log", {"rank": 1, "level": "errors", "before": None}),
        ("b", "log", {"rank": 1, "level": "nonsense"}),
        ("c", "timeline", {"name": "timeline-7.json"}),
        ("d", "timeline", {"name": "../../secrets.json"}),
    ):
        dashboard.widget._take({"kind": "ask", "id": id, "question": question, "asked": asked}, [])
    dashboard.close()

    answers = {content["id"]: content for content, _ in custom() if "id" in content}
    assert [line["text"] for line in answers["a"]["content"]["logs"]] == ["warning of 1"]
    assert "`level` is one of output, errors" in answers["b"]["error"]
    assert answers["c"]["content"] == {"name": "timeline-7.json", "text": "{}"}
    assert "is not the name of a timeline" in answers["d"]["error"]


def test_a_past_run_whose_rank_was_flagged_names_it_in_its_picture(run: Run, recorder: Recorder) -> None:
    recorder.hear(Message("event", Event("rank_drifts", {"rank": 1, "text": "Rank 1 drifts: its weights"})))
    scalar(recorder, "loss", [1, 2], [0.5, 0.25])

    assert "Rank 1 drifts: its weights" in _picture(run)["image/svg+xml"]
    assert "Rank 1 drifts: its weights" in json.dumps(figure(run))


def test_a_figure_is_small_whatever_the_run(run: Run, recorder: Recorder) -> None:
    for tag in ("loss", "validation_loss", "accuracy", "validation_accuracy", "learning_rate"):
        scalar(recorder, tag, list(range(100_000)), [i / 7 for i in range(100_000)])

    drawn = figure(run)

    assert len(json.dumps(drawn)) <= 20_000
    assert [trace["name"] for trace in drawn["data"]] == [  # type: ignore[attr-defined]
        "loss",
        "validation loss",
        "accuracy",
        "validation accuracy",
        "learning rate",
    ]


def test_a_figure_names_the_error_safely(run: Run) -> None:
    with Recorder(run) as recorder:
        status = Status("failed", {"error": "Traceback ...\nValueError: <img src=x>"})
        recorder.hear(Message("status", status))

    title = figure(run)["layout"]["title"]["text"]  # type: ignore[index]

    assert "failed at step 0" in title
    assert title.endswith("ValueError: &lt;img src=x&gt;")


def test_a_dashboard_is_quiet_under_test(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    dashboard = Dashboard(run)
    dashboard.show()
    dashboard.finish()

    assert Wire.sent == []


def test_outside_of_a_notebook_a_dashboard_is_a_line_of_text(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    dashboard = Dashboard(run)
    dashboard.show()
    dashboard.finish()

    assert "digits" in capsys.readouterr().out
    assert Wire.sent == []


def test_widgets_that_were_never_built_say_how_to_build_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", assets.STATIC / "nowhere")

    with pytest.raises(FileNotFoundError, match=r"not built.*npm ci && npm run build"):
        assets.module()


def test_the_first_chart_tells_what_the_two_colours_mean(run: Run, recorder: Recorder) -> None:
    for tag in ("loss", "validation_loss", "accuracy", "validation_accuracy"):
        recorder.hear(Message(tag, Samples([1], [0.5], [1.0])))
    recorder.flush()
    loss, accuracy = figure(run)["layout"]["annotations"]  # type: ignore[index]

    assert "training" in loss["text"] and "validation" in loss["text"]  # noqa: PT018
    assert accuracy["text"] == "<b>Accuracy</b>"


def test_a_figure_tells_what_the_run_was_warned_of(run: Run) -> None:
    plain = figure(run)["layout"]
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("warning", {"text": "The loss is <odd> since step 5."})))
    warned = figure(run)["layout"]

    assert "⚠ The loss is &lt;odd&gt; since step 5.</span>" in warned["title"]["text"]  # type: ignore[index]
    assert "⚠" not in plain["title"]["text"]  # type: ignore[index]
    assert warned["margin"]["t"] > plain["margin"]["t"]  # type: ignore[index]


def test_huge_numbers_of_a_figure_are_powers_of_ten(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "loss", [1, 2], [0.0, 3e21])

    assert figure(run)["layout"]["yaxis"]["exponentformat"] == "power"  # type: ignore[index]
