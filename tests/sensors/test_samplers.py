"""Samplers: the order of samples, and the end of an epoch."""

from __future__ import annotations

import random

import pytest

from akidlab import EpochCompletedEvent
from akidlab.errors import DataError, UnknownNameError
from akidlab.sensors import samplers
from akidlab.sensors.order import order
from akidlab.sensors.samplers import Sampler, SequenceSampler, ShuffleSampler


def epoch(sampler: Sampler, size: int) -> list[list[int]]:
    """The draws of an epoch to its end."""
    drawn = []
    try:
        while True:
            drawn.append(sampler.next(size))
    except EpochCompletedEvent:
        return drawn


def test_after_the_last_short_draw_the_epoch_is_completed_and_another_begins():
    sampler = SequenceSampler(5)

    assert epoch(sampler, 2) == [[0, 1], [2, 3], [4]]
    assert sampler.next(2) == [0, 1]


def test_a_draw_that_fits_ends_the_epoch_too():
    assert epoch(SequenceSampler(4), 2) == [[0, 1], [2, 3]]


def test_one_sample_is_drawn_by_default():
    assert SequenceSampler(3).next() == [0]


def test_shuffled_samples_are_each_drawn_once_in_an_order_that_changes_with_the_epoch():
    sampler = ShuffleSampler(20, seed=3)

    first, second = ([row for rows in epoch(sampler, 7) for row in rows] for _ in range(2))

    assert first == order(20, 3, 0).tolist()
    assert second == order(20, 3, 1).tolist()


def test_shuffling_leaves_the_generators_of_the_process_alone():
    random.seed(0)
    before = random.getstate()
    ShuffleSampler(5).reset()

    assert random.getstate() == before


def test_samplers_have_names():
    assert isinstance(samplers.get("shuffle", 3), ShuffleSampler)
    with pytest.raises(UnknownNameError, match=r"There is no sampler `sequense`. Did you mean `sequence`"):
        samplers.get("sequense", 3)


def test_a_sampler_of_ones_own_can_be_registered(monkeypatch: pytest.MonkeyPatch):
    class Backwards(Sampler):
        def _order(self) -> list[int]:
            return list(range(self.length))[::-1]

    monkeypatch.setattr(samplers, "_SAMPLERS", dict(samplers._SAMPLERS))

    samplers.register("backwards", Backwards)

    assert epoch(samplers.get("backwards", 3), 2) == [[2, 1], [0]]


@pytest.mark.parametrize(
    ("length", "size", "message"), [(0, 1, "a `length` of 0"), (3, 0, "`size` must be 1 or more, found 0")]
)
def test_nothing_cannot_be_drawn(length: int, size: int, message: str):
    with pytest.raises(DataError, match=message):
        SequenceSampler(length).next(size)
