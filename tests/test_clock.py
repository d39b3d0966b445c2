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
