"""The pieces of a distribution: everything is kept, and a long run opens like a short one."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from akidlab.messages import Message, Percentiles
from akidlab.store import Recorder, Run, Store, pieces
from tests.store.observing import observed

NOISE = np.sort(np.random.default_rng(0).standard_normal((20_000, 9)).astype(np.float32), axis=1)


def rows(steps, values=None) -> np.ndarray:
    found = np.zeros(len(steps), pieces.ROW)
    found["step"] = found["time"] = steps
    found["values"] = np.asarray(steps)[:, None] if values is None else values
    return found


def write(run: Run, of: np.ndarray, many: int = 50) -> None:
    for begin in range(0, len(of), many):
        with run.store.writing() as db:
            pieces.write(db, run.id, "weights", of[begin : begin + many])


def levels(run: Run) -> dict[int, tuple[int, int]]:
    """How many observations each level has, and the last step that it speaks for."""
    with run.store.writing() as db:
        found = db.execute("SELECT level, sum(points), max(last) FROM pieces GROUP BY level ORDER BY level")
        return {level: (points, last) for level, points, last in found}


@pytest.fixture
def long(store) -> Run:
    run = store.create("long")
    write(run, rows(np.arange(1, 20_001), NOISE))
    return run


def test_everything_that_was_observed_is_there(long):
    bands = long.percentiles("weights")

    assert bands.steps.tolist() == list(range(1, 20_001))
    assert np.array_equal(bands.values, NOISE)
    assert bands.total == 20_000


def test_a_long_run_is_drawn_from_few_observations_that_have_its_extremes(long):
    with long.store.reading() as db:
        read = pieces.read(db, long.id, 1, 800, 0, 2**60)

    assert 200 <= len(read) <= 800
    assert read["values"][:, 0].min() == NOISE[:, 0].min()
    assert read["values"][:, 8].max() == NOISE[:, 8].max()
    assert np.all(np.diff(read["step"]) > 0)
    assert read["step"].max() > 19_900


def test_a_part_of_a_long_run_is_read_in_full(long):
    assert long.percentiles("weights", within=(5000, 5099)).steps.tolist() == list(range(5000, 5100))
    assert long.percentiles("weights", since=19_998).steps.tolist() == [19_999, 20_000]
    assert len(long.percentiles("weights", since=20_000)) == 0


def test_steps_that_come_again_replace_the_first(long):
    write(long, rows(np.arange(15_001, 20_101), -np.ones((5100, 9))), 5100)

    bands, again = long.percentiles("weights"), long.percentiles("weights", points=400)
    assert bands.steps.tolist() == list(range(1, 20_101))
    assert np.array_equal(bands.values[:15_000], NOISE[:15_000])
    assert np.all(bands.values[15_000:] == -1)
    assert np.all(again.values[again.steps > 15_000] == -1)
    assert long.pulse().distributions["weights"].rewrites == 1


def test_a_step_within_is_replaced_alone(store):
    run = store.create("digits")
    write(run, rows(np.arange(1, 301)))

    write(run, rows([150], np.full((1, 9), 7.0)))

    bands = run.percentiles("weights")
    assert bands.steps.tolist() == list(range(1, 301))
    assert bands.values[:, 4].tolist() == [*range(1, 150), 7, *range(151, 301)]


@settings(max_examples=30, deadline=None)
@example([(0, 64), (65, 64), (64, 1)])
@given(some.lists(some.tuples(some.integers(0, 500), some.integers(1, 300)), min_size=1, max_size=8))
def test_however_a_run_is_resumed_its_levels_agree(parts):
    run, kept = Store().create("digits"), {}
    for number, (begin, many) in enumerate(parts):
        steps = np.arange(begin, begin + many)
        with run.store.writing() as db:
            pieces.cut(db, run.id, begin)
            pieces.write(db, run.id, "weights", rows(steps, np.full((many, 9), number)))
        kept = {step: value for step, value in kept.items() if step < begin} | dict.fromkeys(steps, number)

    bands, few = run.percentiles("weights"), run.percentiles("weights", points=8)
    assert dict(zip(bands.steps.tolist(), bands.values[:, 0].tolist(), strict=True)) == kept
    assert all(kept[step] == value for step, value in zip(few.steps, few.values[:, 0], strict=True))
    assert (few.steps[0], few.steps[-1]) == (bands.steps[0], bands.steps[-1])
    ends = [last for _, last in levels(run).values()]
    assert ends == sorted(ends, reverse=True)
    run.store.close()


def test_what_is_not_a_number_is_kept_in_every_level(store):
    run, values = store.create("digits"), NOISE.copy()
    values[12_345] = np.nan
    write(run, rows(np.arange(20_000), values))

    few = run.percentiles("weights", points=100)
    assert few.steps[np.isnan(few.values[:, 0])].tolist() == [12_345]


def test_a_run_goes_on_from_an_earlier_step(long):
    long.rewind(100)

    assert long.percentiles("weights").steps.tolist() == list(range(1, 101))
    assert long.pulse().distributions["weights"].step == 100
    long.rewind(0)
    assert len(long.percentiles("weights")) == 0
    assert long.pulse().distributions["weights"].step is None


def test_a_thousand_steps_a_second_of_fifteen_tensors_cost_the_recorder_little(store):
    tags = [f"weights/layer{index}" for index in range(15)]
    recorder = Recorder(store.create("digits")).start()
    said = [
        Message("percentiles", Percentiles(tags, NOISE[step : step + 15], np.full(15, 9)), step=step)
        for step in range(1000)
    ]

    begin = time.thread_time()
    for begins in range(0, 1000, 200):
        for message in said[begins : begins + 200]:
            recorder.hear(message)
        recorder.flush()
    taken = time.thread_time() - begin
    recorder.stop("finished")

    assert taken < 1.0  # a second's worth; 0.02 on a quiet machine
    assert len(recorder.run.percentiles("weights/layer14")) == 1000


def test_tensors_may_come_and_go(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        recorder.hear(observed(1, ["a", "b"]))
        recorder.hear(observed(2, ["b"]))
        recorder.hear(observed(3, ["b", "c"]))

    assert run.distributions() == ["a", "b", "c"]
    assert [run.percentiles(tag).steps.tolist() for tag in "abc"] == [[1], [1, 2, 3], [3]]
