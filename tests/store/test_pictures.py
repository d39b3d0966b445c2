from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.errors import KindError, UnknownNameError
from akidlab.messages import Message, Picture
from akidlab.messages.picture import picture
from akidlab.store import Recorder, Run, Store
from akidlab.store.pictures import BYTES, KEPT, NEWEST, crowded, packed, unpacked


def told(step: int, value: float = 1.0, key: str = "conv1", size: int = 3) -> Message:
    values = np.full((2, 1, size, size), value, np.float32)
    values[0, 0, 0, 0] = 0.0
    return Message("filters", picture(values, np.array([value, -value])), step=step, key=key)


def recorded(run: Run, *messages: Message) -> Run:
    with Recorder(run) as recorder:
        for message in messages:
            recorder.hear(message)
    return run


def test_a_picture_comes_back_as_it_was_recorded(store: Store) -> None:
    run = recorded(store.create("digits"), told(5, 2.0), told(7, 3.0))

    assert run.pictures() == ["filters/conv1"]
    assert run.picture_steps("filters/conv1").tolist() == [5, 7]
    assert run.picture("filters/conv1").array[1, 0, 0, 0] == 3.0
    assert run.picture("filters/conv1", 6).step == 5
    assert run.picture("filters/conv1", 5).biases.tolist() == [2.0, -2.0]  # type: ignore[union-attr]
    assert run.tags() == []


def test_a_recorded_picture_shows_itself(store: Store) -> None:
    found = recorded(store.create("digits"), told(5)).picture("filters/conv1")

    assert repr(found) == "Recorded('filters/conv1' at step 5: 2×1×3×3)"
    assert "image/svg+xml" in found._repr_mimebundle_()
    assert found.atlas({"type": "inverse", "num": 2}).array.shape == (7, 5)


def test_what_is_not_there_is_told(store: Store) -> None:
    run = recorded(store.create("digits"), told(5))

    with pytest.raises(UnknownNameError, match="Did you mean `filters/conv1`"):
        run.picture("filters/conv2")
    with pytest.raises(UnknownNameError, match=r"of step 4 or before\. The first is of step 5\."):
        run.picture("filters/conv1", 4)
    with pytest.raises(UnknownNameError, match="Known: filters/conv1"):
        run.picture_steps("maps")
    with pytest.raises(KindError, match=r"such as `picture\(\"filters/conv1\"\)`"):
        run.picture()


def test_a_run_that_went_back_forgets_what_lies_ahead(store: Store) -> None:
    run = recorded(store.create("digits"), *(told(step) for step in (10, 20, 30)))

    recorded(run, told(15))

    assert run.picture_steps("filters/conv1").tolist() == [10, 15]
    run.rewind(12)
    assert run.picture_steps("filters/conv1").tolist() == [10]


def test_pictures_of_a_long_run_have_a_bound_and_cover_all_of_it(store: Store) -> None:
    run = recorded(store.create("digits"), *(told(step) for step in range(0, 5000, 10)))

    steps = run.picture_steps("filters/conv1")
    assert len(steps) == KEPT
    assert steps[0] == 0
    assert steps[-NEWEST:].tolist() == list(range(4990 - 10 * (NEWEST - 1), 5000, 10))
    assert np.diff(steps).max() <= 4 * 5000 / KEPT


def test_large_pictures_have_a_bound_in_bytes(store: Store) -> None:
    noise = np.random.default_rng(0).normal(size=(30, 16, 3, 64, 64)).astype(np.float32)
    messages = [Message("maps", picture(values), step=step, key="a") for step, values in enumerate(noise)]

    run = recorded(store.create("digits"), *messages)

    with store.reading() as db:
        assert db is not None
        size = db.execute("SELECT sum(length(data)) FROM images").fetchone()[0]
    assert size <= BYTES
    assert run.picture("maps/a").step == 29


@given(st.lists(st.integers(0, 10**9), min_size=KEPT + 1, max_size=KEPT + 20, unique=True))
def test_neither_the_first_nor_the_newest_pictures_go(steps: list[int]) -> None:
    taken = sorted(steps)

    gone = crowded(taken)

    assert gone in taken[1 : -NEWEST + 1]


def test_what_is_no_picture_is_a_line_in_the_log_and_ends_nothing(store: Store) -> None:
    bad = Message("filters", Picture(np.zeros((2, 2)), 0, 1), step=3, key="conv1")

    run = recorded(store.create("digits"), bad, told(4))

    assert run.picture_steps("filters/conv1").tolist() == [4]
    assert "could not be recorded" in run.logs()[0].text


def test_what_is_not_finite_is_kept_as_such(store: Store) -> None:
    values = np.array([np.nan, 1.0, np.inf, -1.0], np.float32).reshape(1, 1, 2, 2)

    run = recorded(store.create("digits"), Message("filters", picture(values), step=1, key="a"))

    np.testing.assert_array_equal(run.picture("filters/a").array.ravel(), [np.nan, 1.0, np.nan, -1.0])


@given(st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_packing_loses_nothing(items: int, channels: int, has_biases: bool) -> None:
    values = np.random.default_rng(items).normal(size=(items, channels, 2, 3))
    made = picture(values, np.arange(items) if has_biases else None, total=40, channels=7)

    back = unpacked(packed(made))

    np.testing.assert_array_equal(back.levels, made.levels)
    assert (back.low, back.high, back.total, back.channels) == (made.low, made.high, 40, 7)
    assert (back.biases is None) == (not has_biases)


def test_a_deleted_run_leaves_no_pictures(store: Store) -> None:
    run = recorded(store.create("digits"), told(1))

    run.delete()

    with store.reading() as db:
        assert db is not None
        assert db.execute("SELECT count(*) FROM images").fetchone()[0] == 0
