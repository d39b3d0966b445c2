"""The pyramid: a long series opens quickly, and nothing that stands out is lost."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akidlab.messages import Message, Samples
from akidlab.store import Recorder, Run, Store


def columns(steps: np.ndarray, values: np.ndarray, width: int) -> dict[int, tuple[float, float, bool]]:
    """Lowest, highest, and whether there is a NaN, in each column of `width` steps."""
    found: dict[int, tuple[float, float, bool]] = {}
    for column in np.unique(steps // width):
        inside = values[steps // width == column]
        numbers = inside[~np.isnan(inside)]
        low, high = (numbers.min(), numbers.max()) if len(numbers) else (math.inf, -math.inf)
        found[int(column)] = (float(low), float(high), bool(np.isnan(inside).any()))
    return found


@pytest.mark.parametrize("every", [1, 100])
def test_a_level_has_exactly_the_extremes_of_each_of_its_columns(write, every):
    random = np.random.default_rng(0)
    values = random.standard_normal(50_000)
    values[[7, 20_000, 49_999]] = math.nan
    values[[8, 30_000]] = math.inf, -math.inf
    run = write(values.tolist(), steps=range(0, 50_000 * every, every))

    steps, thinned = read(run, budget=2000)

    assert 500 < len(steps) < 3500
    width = 2048 * every if every == 1 else 1024 * 256
    assert columns(steps, thinned, width) == columns(np.arange(0, 50_000 * every, every), values, width)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_batches_rewinds_and_overwrites_leave_what_one_write_would(data, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    run, truth = store.create("digits"), {}
    recorder = Recorder(run).start()
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    for _ in range(data.draw(st.integers(1, 6))):
        begin = data.draw(st.integers(0, max(truth, default=0) + 50))
        steps = range(begin, begin + data.draw(st.integers(1, 4000)))
        values = random.standard_normal(len(steps))
        recorder.hear(Message("loss", Samples(steps, values, [0.0] * len(steps))))
        recorder.flush()
        truth.update(zip(steps, values.tolist(), strict=True))
    recorder.stop("finished")
    store.close()

    every = run.scalars("loss")
    steps, thinned = read(run, budget=300)
    assert dict(zip(every.steps.tolist(), every.values.tolist(), strict=True)) == truth
    assert run.pulse().tags["loss"].count == len(truth)
    assert (thinned.min(), thinned.max()) == (every.values.min(), every.values.max())
    top = 2048
    assert columns(steps, thinned, top) == columns(every.steps, every.values, top)


def test_a_million_steps_open_about_as_quickly_as_ten_thousand(write):
    short, long = (
        write([float(i % 97) for i in range(10_000)]),
        write([float(i % 97) for i in range(1_000_000)]),
    )

    times = [(seconds_to_open(long), seconds_to_open(short)) for _ in range(7)]

    slow, quick = map(min, zip(*times, strict=True))
    assert slow < 10 * quick  # 2 times on a quiet machine


def test_the_extremes_of_a_window_are_exact_too(write):
    values = np.random.default_rng(1).standard_normal(100_000)
    run = write(values.tolist())

    window = run.scalars("loss", within=(20_000, 79_999), points=500)

    assert len(window) <= 500
    assert window.steps[0] >= 20_000
    assert window.steps[-1] <= 79_999
    assert window.values.min() == values[20_000:80_000].min()
    assert window.values.max() == values[20_000:80_000].max()


def read(run: Run, budget: int) -> tuple[np.ndarray, np.ndarray]:
    """What the pyramid gives, before it is thinned further."""
    from akidlab.store import pyramid

    with run.store.reading() as db:
        assert db is not None
        tag = db.execute("SELECT id FROM tags WHERE run = ?", (run.id,)).fetchone()[0]
        rows = pyramid.read(db, run.id, tag, budget, 0, 2**60)
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)


def seconds_to_open(run: Run) -> float:
    begin = time.thread_time()
    run.scalars("loss", points=2000)
    return time.thread_time() - begin
