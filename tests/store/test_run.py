"""A run, as a reader sees it."""

from __future__ import annotations

import time

import pytest

from akidlab.errors import KindError, UnknownNameError
from akidlab.messages import Event, Log, Message, Samples, Status
from akidlab.store import Recorder


@pytest.fixture
def digits(store):
    run = store.create("digits", max_steps=200, config={"lr": 0.1}, world_size=2)
    with Recorder(run) as recorder:
        recorder.hear(Message("status", Status("running"), time=100.0))
        recorder.hear(Message("loss", Samples(range(1, 101), [1 / s for s in range(1, 101)], [0.0] * 100)))
        recorder.hear(Message("validation_accuracy", 0.975, step=100))
        recorder.hear(Message("event", Event("checkpoint", {"file": "step-50"}), step=50))
        recorder.hear(Message("event", Event("rate", {"value": 0.01}), step=60))
        recorder.hear(Message("log", Log("first")))
        recorder.hear(Message("log", Log("second")))
        recorder.hear(Message("status", Status("finished"), time=190.0))
    return run


def test_a_run_says_what_it_was_made_with_and_has_come_to(digits):
    assert digits.config == {"lr": 0.1}
    assert (digits.step, digits.max_steps, digits.world_size, digits.elapsed) == (100, 200, 2, 90.0)
    assert digits.look().progress == 0.5
    assert digits.folder == digits.store.path / "digits"


def test_a_run_in_one_line(digits):
    assert repr(digits) == (
        "Run('digits': ✓ finished, step 100 / 200, loss 0.0100, validation_accuracy 0.9750, 1 min 30 s,"
        " 2 ranks)"
    )


def test_a_scalar_that_the_run_has_not_is_met_with_the_nearest(digits):
    with pytest.raises(UnknownNameError, match=r"no scalar `los`\. Did you mean `loss`\? Known: loss"):
        digits.scalars("los")


def test_without_a_tag_it_is_said_which_there_are(digits):
    with pytest.raises(
        KindError, match=r'Say which tag, such as `scalars\("loss"\)`. Known: loss, validation_'
    ):
        digits.scalars()
    with pytest.raises(TypeError, match=r"`tag` is a name or several, found 3\."):
        digits.figure(3)
    with pytest.raises(TypeError, match=r"Say which tag\. Known: none\."):
        digits.percentiles()


def test_a_reader_asks_for_what_came_since(digits):
    newer = digits.scalars("loss", since=98)

    assert newer.steps.tolist() == [99, 100]
    assert (newer.total, newer.run) == (100, "digits")
    assert len(digits.scalars("loss", since=100)) == 0


def test_events_and_lines_are_asked_for_by_kind_and_by_id(digits):
    first, second = digits.logs()

    assert [event.kind for event in digits.events()] == ["checkpoint", "rate"]
    assert [event.step for event in digits.events("rate")] == [60]
    assert digits.events(after=digits.pulse().event) == []
    assert digits.logs(after=first.id) == digits.logs(limit=1) == [second]


def test_lines_of_one_rank_and_level_are_asked_for(store):
    run = store.create("digits")
    with Recorder(run) as recorder:
        for rank in (0, 1):
            for level in ("info", "warning"):
                recorder.hear(Message("log", Log(f"{level} of {rank}", level, rank)))
    last = run.logs()[-1]

    assert [line.text for line in run.logs(rank=1)] == ["info of 1", "warning of 1"]
    assert [line.text for line in run.logs(levels=["warning"])] == ["warning of 0", "warning of 1"]
    assert [line.text for line in run.logs(before=last.id, limit=1)] == ["info of 1"]
    assert run.logs(levels=[]) == []


def test_what_is_measured_of_ranks_is_no_metric_and_moves_no_run(store):
    run = store.create("digits", world_size=2)
    row = {"host": "ada", "pid": 41}
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", Samples([9, 10], [1.0, 0.5], [0.0, 0.0]), step=10, epoch=3))
        recorder.flush()
        recorder.hear(Message("ranks", Samples([8], [2.5], [0.0]), step=8, key="own_ms/1"))
        recorder.hear(Message("status", Status(None, {"ranks": [row, row]})))
        recorder.flush()
        assert (run.step, run.epoch) == (10, 3)
    pulse = run.pulse()

    assert (run.tags(), list(pulse.tags), list(pulse.ranks)) == (["loss"], ["loss"], ["ranks/own_ms/1"])
    assert run.scalars("ranks/own_ms/1").last == 2.5
    assert run.ranks == [row, row]
    run.rewind(4)
    assert len(run.scalars("ranks/own_ms/1")) == 0


def test_a_rank_that_was_flagged_is_among_the_warnings(store):
    run = store.create("digits")
    with Recorder(run) as recorder:
        for kind in ("rank_lags", "rank_lost", "warning", "rank_drifts"):
            recorder.hear(Message("event", Event(kind, {"text": kind})))

    assert run.warnings == ["rank_lags", "warning", "rank_drifts"]


def test_a_pulse_says_whether_there_is_anything_to_read(digits):
    pulse = digits.pulse()

    assert {name: (tag.count, tag.step, tag.value) for name, tag in pulse.tags.items()} == {
        "loss": (100, 100, 0.01),
        "validation_accuracy": (1, 100, 0.975),
    }
    assert pulse.event == digits.events()[-1].id
    assert pulse.log == digits.logs()[-1].id


def test_a_pulse_costs_a_widget_nearly_nothing(digits):
    def once() -> float:
        begin = time.thread_time()
        digits.pulse()
        digits.scalars("loss", since=95)
        return time.thread_time() - begin

    assert min(once() for _ in range(20)) < 0.005  # a hundredth of that on a quiet machine


def test_a_note_is_kept_at_the_step_where_the_run_is(digits):
    digits.note("The best of the day \ud800.")

    (note,) = digits.events("note")
    assert (note.step, note.data) == (100, {"text": "The best of the day ?."})
    with pytest.raises(ValueError, match="A note is a text that says something, found ''"):
        digits.note("")


def test_a_figure_draws_the_losses_unless_told(digits):
    assert [trace.name for trace in digits.figure().data] == ["loss"]
    assert [trace.name for trace in digits.figure(["loss", "validation_accuracy"]).data] == [
        "loss",
        "validation_accuracy",
    ]
    with pytest.raises(UnknownNameError, match="no scalar `accuracy`"):
        digits.figure("accuracy")


def test_a_run_is_shown_with_its_curves_and_its_error_and_nothing_unescaped(store):
    run = store.create("a & b")
    with Recorder(run) as recorder:
        recorder.hear(Message("<i>loss</i>", 1.0, step=1))
        recorder.stop("failed", error="ValueError: <script>alert(1)</script>")

    shown = run._repr_mimebundle_()

    assert shown["text/plain"] == repr(run)
    assert "a &amp; b" in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    assert "<i>" not in shown["text/html"]
    assert "<svg" in shown["text/html"]
