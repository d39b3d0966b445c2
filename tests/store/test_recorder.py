"""The recorder: what a run says is on disk soon, whatever happens to the disk or the process."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from akidlab.errors import StoreError
from akidlab.messages import Bus, Event, Log, Message, Samples, Status
from akidlab.store import Recorder, Store
from akidlab.store import recorder as recording
from tests.patience import until
from tests.store.observing import observed


@pytest.fixture
def by_hand(monkeypatch):
    """Nothing is written before the test says so."""
    monkeypatch.setattr(recording, "LATE", 3600.0)


def test_scalars_events_logs_and_status_become_rows(store):
    run = store.create("digits", max_steps=10)

    with Recorder(run) as recorder:
        recorder.hear(Message("status", Status("running", {"world_size": 2, "ranks": "2 on one host"})))
        recorder.hear(Message("loss", Samples([1, 2], [0.5, 0.25], [10.0, 11.0]), step=2, epoch=1))
        recorder.hear(
            Message("event", Event("rate", {"value": np.float32(0.5), "id": "x"}), step=2, time=12.0)
        )
        recorder.hear(Message("log", Log("hello", level="warning", rank=1), step=2, time=13.0))

    series, (event,), (line,) = run.scalars("loss"), run.events(), run.logs()
    assert (series.steps.tolist(), series.values.tolist(), series.times.tolist()) == (
        [1, 2],
        [0.5, 0.25],
        [10.0, 11.0],
    )
    assert (event.kind, event.step, event.time, event.data) == ("rate", 2, 12.0, {"value": 0.5, "id": "x"})
    assert (line.text, line.level, line.rank, line.step, line.time) == ("hello", "warning", 1, 2, 13.0)
    assert (run.status, run.step, run.epoch, run.max_steps, run.world_size) == ("finished", 2, 1, 10, 2)
    assert run.info == {"ranks": "2 on one host"}


def test_nan_and_infinities_survive(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(Message("loss", Samples([1, 2, 3], [math.nan, math.inf, -math.inf], [0.0] * 3)))

    assert np.array_equal(run.scalars("loss").values, [math.nan, math.inf, -math.inf], equal_nan=True)
    assert math.isinf(run.pulse().tags["loss"].value)


def test_numbers_of_numpy_and_names_of_blocks_are_taken(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(Message("norm", np.float32(2.0), step=3, key="conv1"))
        recorder.hear(Message("loss", Samples(np.array([1, 2]), np.array([1, 2], np.float32), np.zeros(2))))

    assert run.tags() == ["norm/conv1", "loss"]
    assert run.scalars("norm/conv1").last == 2.0
    assert run.scalars("loss").values.tolist() == [1.0, 2.0]


def test_a_batch_is_at_most_a_quarter_of_a_second_late(store, monkeypatch):
    run, pauses = store.create("digits"), []
    recorder = Recorder(run)
    wait = recorder._ring.wait
    monkeypatch.setattr(recorder._ring, "wait", lambda pause: pauses.append(pause) or wait(pause))
    recorder.start()
    for step in range(1, 6):
        recorder.hear(Message("loss", 1.0, step=step))
        until(lambda step=step: run.step == step)
    recorder.stop("finished")

    assert set(pauses) == {recording.LATE}
    assert recording.LATE < 0.25


def test_what_is_no_payload_is_let_pass(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(Message("activation", object(), step=1))

    assert run.tags() == []


def test_one_odd_metric_does_not_end_the_recording(store):
    run, bus = store.create("digits"), Bus()
    recorder = Recorder(run).start()
    bus.subscribe(recorder)

    bus.publish(Message("mine", Samples([1], ["many"], [0.0]), step=1))  # type: ignore[list-item]
    bus.publish(Message("loss", 0.5, step=2))
    recorder.stop("finished")

    assert run.scalars("loss").last == 0.5
    assert run.logs()[0].text.startswith("`mine` of step 1 could not be recorded: could not convert")


def test_text_that_is_no_unicode_is_kept_as_far_as_it_goes(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(Message("log", Log("bad \udcff byte")))

    assert [line.text for line in run.logs()] == ["bad ? byte"]


def test_a_step_that_comes_again_overwrites_and_says_so(store):
    run = store.create("digits")
    recorder = Recorder(run).start()
    recorder.hear(Message("loss", Samples(range(10), [1.0] * 10, [0.0] * 10)))
    recorder.flush()
    before = run.pulse().tags["loss"]

    recorder.hear(Message("loss", Samples([5, 6], [2.0, 3.0], [0.0] * 2)))
    recorder.stop("finished")

    after = run.pulse().tags["loss"]
    assert (before.rewrites, after.rewrites, after.count, after.step) == (0, 1, 10, 9)
    assert run.scalars("loss").values.tolist() == [1.0] * 5 + [2.0, 3.0] + [1.0] * 3


def test_a_run_goes_on_from_an_earlier_step(store):
    run = store.create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", Samples(range(3000), np.arange(3000.0), np.zeros(3000))))

    run.rewind(1500)

    series = run.scalars("loss", points=100)
    assert (run.step, series.total, series.steps[-1], series.values.max()) == (1500, 1501, 1500, 1500.0)


def test_the_time_of_all_sittings_counts_and_what_lies_between_does_not(store):
    run = store.create("digits")
    for begin in (1000.0, 5000.0):
        recorder = Recorder(run).start()
        recorder.hear(Message("status", Status("running"), time=begin))
        recorder.hear(Message("status", Status("stopped"), time=begin + 60))
        recorder.stop()

    assert (run.elapsed, run.started, run.ended) == (120.0, 1000.0, 5060.0)


def test_the_time_of_a_pause_does_not_count(store):
    run = store.create("digits")
    with Recorder(run) as recorder:
        for status, when in (
            ("running", 1000.0),
            ("paused", 1010.0),
            ("running", 1100.0),
            ("paused", 1105.0),
        ):
            recorder.hear(Message("status", Status(status), time=when))
            recorder.flush()
        held = run.elapsed
        recorder.hear(Message("status", Status("stopped"), time=1200.0))

    assert (held, run.elapsed, run.ended) == (15.0, 15.0, 1200.0)


def test_an_error_within_makes_the_run_failed(store):
    run = store.create("digits")

    with pytest.raises(ZeroDivisionError, match="zero"), Recorder(run):
        _ = 1 / 0

    assert (run.status, run.error) == ("failed", "ZeroDivisionError: division by zero")


def test_a_full_disk_does_not_stop_the_training(store, by_hand, caplog):
    run = store.create("digits")
    recorder = Recorder(run).start()
    recorder.hear(Message("loss", 1.0, step=1))
    recorder.flush()
    fill(recorder)

    recorder.hear(Message("loss", Samples(range(2, 20_000), [0.5] * 19_998, [0.0] * 19_998)))
    recorder.flush()
    problem, written = recorder.problem, run.scalars("loss").total
    recorder.hear(Message("loss", 0.25, step=20_000))
    make_room(recorder)
    recorder.flush()
    recorder.stop("finished")

    assert problem is not None
    assert "database or disk is full. Training goes on; 19,998 rows wait in memory. Free some" in problem
    assert (written, run.scalars("loss").total, recorder.problem, run.status) == (1, 20_000, None, "finished")
    assert "could not be written for" in run.logs()[0].text
    assert "nothing was lost" in run.logs()[0].text
    assert "Training goes on" in caplog.text


def test_when_there_is_room_again_the_recorder_notices_by_itself(store, caplog):
    run = store.create("digits")
    recorder = Recorder(run).start()
    recorder.flush()
    fill(recorder)
    recorder.hear(Message("loss", Samples(range(20_000), [0.5] * 20_000, [0.0] * 20_000)))
    until(lambda: recorder.problem is not None)

    make_room(recorder)
    until(lambda: recorder.problem is None)
    recorder.stop("finished")

    assert run.scalars("loss").total == 20_000


def test_a_disk_that_stays_full_keeps_only_so_much_and_says_what_it_dropped(
    store, by_hand, monkeypatch, caplog
):
    monkeypatch.setattr(recording, "KEPT", 1000)
    run = store.create("digits")
    recorder = Recorder(run).start()
    recorder.flush()
    fill(recorder)
    for begin in range(0, 20_000, 5000):
        steps = range(begin, begin + 5000)
        recorder.hear(Message("loss", Samples(steps, [0.5] * 5000, [0.0] * 5000)))
        recorder.flush()
    problem = recorder.problem
    make_room(recorder)
    recorder.stop("finished")

    assert problem is not None
    assert "1,000 rows wait in memory, 19,000 were dropped" in problem
    assert run.scalars("loss").steps[[0, -1]].tolist() == [19_000, 19_999]
    assert "19,000 rows were dropped" in run.logs()[0].text


def test_distributions_wait_for_room_too_and_the_oldest_go_first(store, by_hand, monkeypatch, caplog):
    monkeypatch.setattr(recording, "KEPT", 100)
    run = store.create("digits")
    recorder = Recorder(run).start()
    recorder.flush()
    fill(recorder)
    for step in range(1, 5001):
        recorder.hear(observed(step, ["weights/a", "weights/b"]))
    recorder.flush()
    make_room(recorder)
    recorder.stop("finished")

    assert run.percentiles("weights/a").steps.tolist() == list(range(4951, 5001))
    assert "9,900 rows were dropped" in run.logs()[0].text


def test_a_store_that_is_never_writable_again_is_given_up_with_a_word(store, by_hand, caplog):
    recorder = Recorder(store.create("digits")).start()
    recorder.flush()
    fill(recorder)
    recorder.hear(Message("loss", Samples(range(20_000), [0.5] * 20_000, [0.0] * 20_000)))

    recorder.stop("finished", patience=0.2)

    assert "20000 rows of run" in caplog.text


def test_a_database_that_is_deleted_under_a_run_is_told(store, caplog):
    recorder = Recorder(store.create("digits")).start()
    recorder.hear(Message("loss", 1.0, step=1))
    recorder.flush()
    for path in store.path.iterdir():
        path.unlink(missing_ok=True)

    recorder.hear(Message("loss", 1.0, step=2))
    recorder.flush()
    problem = recorder.problem
    recorder.stop(patience=0.0)

    assert problem is not None
    assert "No such file" in problem


def test_two_threads_may_speak_at_once(store):
    run = store.create("digits")

    with Recorder(run) as recorder:

        def speak(tag: str) -> None:
            for step in range(2000):
                recorder.hear(Message(tag, 1.0, step=step))

        threads = [threading.Thread(target=speak, args=(tag,)) for tag in ("loss", "accuracy")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [tag.count for tag in run.pulse().tags.values()] == [2000, 2000]


def test_a_run_that_another_process_writes_is_not_taken_over(store):
    run = store.create("digits")
    Recorder(run).start().stop("running")
    with store.writing() as db:
        db.execute("UPDATE runs SET pid = 1, pid_started = NULL")

    with pytest.raises(StoreError, match=r"`digits` is running in process 1 on .*: a run has one writer"):
        Recorder(run).start()


def test_a_recorder_needs_a_store_that_can_be_written(tmp_path):
    run = Store(tmp_path / "runs").create("digits")
    run.store.close()
    for path in run.store.path.iterdir():
        path.unlink()
    run.store.path.rmdir()
    run.store.path.write_text("in the way")

    with pytest.raises(StoreError, match="cannot be written"):
        Recorder(run).start()


def fill(recorder: Recorder) -> None:
    """Let the database grow no further: SQLite then reports a full disk."""
    assert recorder._db is not None
    pages = recorder._db.execute("PRAGMA page_count").fetchone()[0]
    recorder._db.execute(f"PRAGMA max_page_count = {pages}")


def make_room(recorder: Recorder) -> None:
    assert recorder._db is not None
    recorder._db.execute("PRAGMA max_page_count = 1000000")
