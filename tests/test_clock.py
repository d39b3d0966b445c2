"""The clock."""

from __future__ import annotations

import dataclasses

import pytest

from akidlab.clock import Clock


def test_a_clock_counts_steps():
    assert Clock().tick().tick() == Clock(step=2, epoch=0)


def test_a_tick_may_begin_an_epoch():
    assert Clock(step=9).tick(epoch=1) == Clock(step=10, epoch=1)


def test_a_clock_is_a_number_where_one_is_needed():
    assert int(Clock(step=3)) == 3
    assert list(range(5))[Clock(step=3)] == 3


def test_a_moment_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError, match="step"):
        Clock().step = 1  # type: ignore[misc]


def test_a_clock_is_reckoned_as_its_step():
    clock = Clock(step=4, epoch=1)

    assert [1 + clock, clock - 1, 9 - clock, 2 * clock, clock / 8, 8 / clock, clock // 3, clock % 3] == [
        5, 3, 5, 8, 0.5, 2, 1, 1,
    ]  # fmt: skip
    assert (clock**2, 0.5**clock, clock - Clock(step=1)) == (16, 0.0625, 3)


def test_a_clock_is_compared_as_its_step():
    clock = Clock(step=4)

    assert clock < 5 <= Clock(step=5)
    assert 5 > clock > Clock(step=3)
    assert clock >= 4
