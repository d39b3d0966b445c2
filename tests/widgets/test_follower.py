"""A follower tells the browser what is new, once, and never more than a tick may carry."""

from __future__ import annotations

import numpy as np
import pytest
from tapped import scalar

from akidlab.messages import Event, Log, Message, Samples, Status
from akidlab.store import Recorder, Run
from akidlab.widgets.follower import Follower, Packet

TICK = 20_000


def points(packet: Packet, index: int = 0) -> tuple[list[float], list[float]]:
    steps, values = (np.frombuffer(b, dtype=d) for b, d in zip(packet.buffers, ("f8", "f4"), strict=True))
    counts = [count for _, count in packet.content["series"]]  # type: ignore[attr-defined]
    part = slice(sum(counts[:index]), sum(counts[: index + 1]))
    return steps[part].tolist(), values[part].tolist()


def test_a_delta_holds_what_is_new_and_nothing_twice(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    scalar(recorder, "loss", [1, 2], [0.5, 0.25])
    first = follower.delta()
    scalar(recorder, "loss", [3], [0.125])
    second, third = follower.delta(), follower.delta()

    assert points(first) == ([1, 2], [0.5, 0.25])
    assert points(second) == ([3], [0.125])
    assert (third.content["series"], third.content["seq"]) == ([], 3)


def test_no_tick_is_larger_than_it_may_be(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    for tag in ("loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate", "top5"):
        scalar(recorder, tag, list(range(50_000)), [0.1 * i for i in range(50_000)])
    for _ in range(300):
        recorder.hear(Message("log", Log("x" * 500)))
        recorder.hear(Message("event", Event("rate", {"id": "i" * 32, "value": 0.1})))
    recorder.flush()
    delta, snapshot = follower.delta(), follower.snapshot()

    assert delta.size + snapshot.size <= TICK


def test_a_thinned_beginning_says_that_it_is_coarse(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "loss", list(range(5000)), [float(i) for i in range(5000)])

    assert Follower(run).delta().content["coarse"] is True
    assert Follower(run).snapshot(10_000).content["coarse"] is False


def test_events_come_once_and_without_chatter(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    recorder.hear(Message("event", Event("rate", {"id": "a1", "value": float("nan")}), step=4))
    recorder.hear(Message("event", Event("epoch"), step=4))
    recorder.flush()
    (event,) = follower.delta().content["events"]  # type: ignore[misc]

    assert (event["kind"], event["step"], event["data"]) == ("rate", 4, {"id": "a1", "value": None})
    assert follower.delta().content["events"] == []


def test_a_run_that_went_back_is_sent_anew(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    scalar(recorder, "loss", [1, 2, 3, 4], [4, 3, 2, 1])
    follower.delta()
    run.rewind(2)
    scalar(recorder, "loss", [3], [9])
    delta = follower.delta()

    assert follower.rewritten
    assert delta.content["series"] == []
    assert points(follower.snapshot()) == ([1, 2, 3], [4, 3, 9])
    assert follower.snapshot().content["anew"] is True


def test_the_end_of_a_run_is_noticed(run: Run) -> None:
    follower = Follower(run)
    with Recorder(run):
        follower.delta()
        during = follower.ended
    follower.delta()

    assert (during, follower.ended) == (False, True)


def grouped(recorder: Recorder, layers: int, steps: int) -> None:
    for tag in ("loss", *(f"weights_norm2/features/conv2d{layer}" for layer in range(layers))):
        recorder.hear(Message(tag, Samples(range(steps), [1.0] * steps, [0.0] * steps), step=steps))
    recorder.flush()


@pytest.mark.parametrize("layers", [40, 600])
def test_no_tick_is_larger_however_many_lines_there_are(run: Run, recorder: Recorder, layers: int) -> None:
    follower = Follower(run)
    grouped(recorder, layers, 500)
    for _ in range(50):
        recorder.hear(Message("event", Event("warning", {"text": "x" * 200, "finding": "dead units"})))
    recorder.flush()
    delta, snapshot = follower.delta(), follower.snapshot()

    assert delta.size + snapshot.size <= TICK
    assert snapshot.content["coarse"] is (layers == 600)


def test_series_that_had_to_wait_come_with_the_next_ticks(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    grouped(recorder, 200, 30)
    ticks = [[tag for tag, _ in follower.delta().content["series"]] for _ in range(5)]  # type: ignore[attr-defined]

    assert ticks[0][0] == "loss"
    assert sorted(tag for tick in ticks for tag in tick) == sorted(run.tags())


def test_a_hundred_lines_grow_at_the_same_pace(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    grouped(recorder, 100, 3)
    follower.delta()
    for step in (3, 4):
        for tag in run.tags():
            recorder.hear(Message(tag, Samples([step], [1.0], [0.0]), step=step))
    recorder.flush()
    delta = follower.delta()

    assert [count for _, count in delta.content["series"]] == [2] * 101  # type: ignore[attr-defined]
    assert delta.size <= 10_000


def test_a_curve_of_its_own_is_drawn_finer_than_a_line_among_many(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    grouped(recorder, 20, 5000)
    delta = follower.delta()

    assert len(points(delta, 0)[0]) > 2 * len(points(delta, 1)[0]) >= 16


def test_no_event_is_missed_when_many_come_at_once(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    for index in range(30):
        recorder.hear(Message("event", Event("warning", {"text": f"{index} " + "x" * 100})))
    recorder.hear(Message("event", Event("epoch")))
    recorder.flush()
    told = [event for _ in range(10) for event in follower.delta().content["events"]]  # type: ignore[attr-defined]

    assert [int(event["data"]["text"].split()[0]) for event in told] == list(range(30))


def test_the_answer_to_a_question_stays_bounded(run: Run, recorder: Recorder) -> None:
    grouped(recorder, 100, 3000)

    assert sum(count for _, count in Follower(run).snapshot(2000).content["series"]) <= 41_000  # type: ignore[attr-defined]


def on_ranks(recorder: Recorder, ranks: int, step: int) -> None:
    """What is known, and measured, of so many ranks."""
    row = {"host": "a-machine-with-a-name.example.org", "pid": 4_194_304, "state": "running", "step": step}
    row |= {"checksum": "a1b2c3d4", "lags": 12.34, "drifts": step}
    recorder.hear(Message("status", Status(None, {"ranks": [row] * ranks})))
    for name in ("step_ms", "own_ms", "wait_ms", "bytes", "gradient_norm"):
        for rank in range(ranks):
            recorder.hear(Message("ranks", Samples([step], [0.5], [0.0]), step=step, key=f"{name}/{rank}"))
    recorder.flush()


def test_what_is_known_of_ranks_is_told_when_it_is_news(run: Run, recorder: Recorder) -> None:
    follower = Follower(run)
    assert follower.delta().content["ranks"] is None
    on_ranks(recorder, 2, 7)
    told, again = follower.delta().content, follower.delta().content

    row = [0, 4_194_304, "running", 7, "a1b2c3d4", 12.34, 7]
    assert told["ranks"] == {"hosts": ["a-machine-with-a-name.example.org"], "rows": [row, row]}
    assert again["ranks"] is None
    assert ["ranks/own_ms/1", 1] in told["series"]  # type: ignore[operator]
    assert follower.snapshot(100).content["ranks"] == told["ranks"]  # the answer to who came late


@pytest.mark.parametrize("ranks", [8, 128])
def test_no_tick_is_larger_however_many_ranks_there_are(run: Run, recorder: Recorder, ranks: int) -> None:
    follower = Follower(run)
    for step in (1, 2, 3):
        on_ranks(recorder, ranks, step)
        grouped(recorder, 20, 500)
        recorder.hear(Message("event", Event("rank_lags", {"text": "x" * 1200})))
        recorder.hear(Message("log", Log("x" * 1200)))
        recorder.flush()
        delta, snapshot = follower.delta(), follower.snapshot()

        assert delta.content["ranks"] is not None
        assert delta.size + snapshot.size <= TICK
