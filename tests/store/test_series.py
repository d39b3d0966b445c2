"""Series: what is kept of the samples of one scalar."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab.errors import MissingPackageError
from akidlab.store import Series


def series(values: list[float], steps: list[int] | None = None, tag: str = "loss") -> Series:
    where = np.arange(len(values)) if steps is None else np.array(steps)
    return Series(tag, where, np.array(values, dtype=float), where + 1e9)


def test_the_best_loss_is_the_lowest_and_the_best_accuracy_the_highest():
    loss, accuracy = series([3.0, 1.0, 2.0]), series([0.3, 0.9, 0.7], tag="validation_accuracy")

    assert (loss.last, loss.best, loss.best_step) == (2.0, 1.0, 1)
    assert (accuracy.last, accuracy.best, accuracy.best_step) == (0.7, 0.9, 1)


def test_an_empty_series_has_neither_last_nor_best():
    empty = series([])

    assert (empty.last, empty.best, empty.best_step, len(empty)) == (None, None, None, 0)
    assert repr(empty) == "Series('loss': no samples)"


def test_a_series_of_nan_alone_has_no_best():
    assert series([float("nan")]).best is None


def test_a_short_series_is_not_thinned():
    short = series([1.0, 2.0, 3.0])

    assert short.thin(100) is short


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(200, 900),
    odd=st.lists(st.tuples(st.integers(0, 899), st.floats(allow_nan=True, allow_infinity=True)), max_size=20),
    gap=st.integers(1, 50),
    points=st.integers(8, 199),
)
def test_a_thinned_series_keeps_extremes_ends_and_what_is_not_a_number(count, odd, gap, points):
    random = np.random.default_rng(count)
    steps = np.cumsum(random.integers(1, gap + 1, count)).tolist()
    values = random.standard_normal(count).tolist()
    for index, value in odd:
        values[index % count] = value
    full = series(values, steps)

    thin = full.thin(points)

    kept = dict(zip(thin.steps.tolist(), thin.values.tolist(), strict=True))
    assert len(thin) <= points
    assert {steps[0], steps[-1]} <= set(kept)
    assert all(
        np.array_equal(value, values[steps.index(step)], equal_nan=True) for step, value in kept.items()
    )
    assert np.isnan(thin.values).any() == np.isnan(full.values).any()
    if not np.isnan(full.values).all():
        assert np.nanmin(thin.values) == np.nanmin(full.values)
        assert np.nanmax(thin.values) == np.nanmax(full.values)


def test_a_thinned_series_knows_how_many_samples_there_were():
    thin = series([float(step % 7) for step in range(1000)]).thin(100)

    assert thin.total == 1000
    assert repr(thin).startswith(f"Series('loss': {len(thin)} of 1,000 samples, steps 0 to 999, last 5")


def test_fewer_than_eight_points_are_refused():
    with pytest.raises(ValueError, match="thinned to 8 points or more, found 3"):
        series([1.0]).thin(3)


def test_a_series_becomes_a_table_of_pandas():
    table = series([0.5, float("nan")], [10, 20]).to_pandas()

    assert table.index.name == "step"
    assert table.index.tolist() == [10, 20]
    assert table["loss"].tolist()[0] == 0.5
    assert str(table["time"].iloc[0]) == "2001-09-09 01:46:50+00:00"


def test_without_pandas_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingPackageError, match="pip install pandas"):
        series([1.0]).to_pandas()


def test_the_best_error_is_the_lowest():
    errors = Series("validation_error", np.array([1, 2]), np.array([0.1, 0.3]), np.array([0.0, 1.0]))

    assert (errors.best, errors.best_step) == (0.1, 1)


def test_a_learning_rate_holds_until_it_is_changed():
    rate = Series(
        "learning_rate", np.array([0, 20, 21]), np.array([0.1, 0.05, 0.01]), np.array([1.0, 2.0, 3.0])
    )

    held = rate.held(60)

    assert held.steps.tolist() == [0, 19, 20, 21, 60]
    assert held.values.tolist() == [0.1, 0.1, 0.05, 0.01, 0.01]
    assert held.times.tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    assert rate.held(5).steps.tolist() == [0, 19, 20, 21]


def test_of_a_thinned_learning_rate_only_the_last_value_is_drawn_out():
    part = Series("learning_rate", np.array([0, 20]), np.array([0.1, 0.05]), np.zeros(2), total=9)

    assert part.held(60).steps.tolist() == [0, 20, 60]


def test_what_is_no_learning_rate_does_not_hold():
    loss = Series("loss", np.array([0, 20]), np.array([0.1, 0.05]), np.zeros(2))

    assert loss.held(60) is loss
    assert len(Series("learning_rate", np.empty(0, int), np.empty(0), np.empty(0)).held(60)) == 0
