"""A kid has generators of its own, which stand in for the global ones while it practises."""

from __future__ import annotations

import random

import numpy as np
import torch

from akidlab.kids.randomness import Randomness, outer_kept

CPU = torch.device("cpu")


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()


def test_a_seed_fixes_every_generator():
    with outer_kept(CPU):
        Randomness.seeded(5, CPU).restore(CPU)
        first = draws()
        Randomness.seeded(5, CPU).restore(CPU)

        assert draws() == first


def test_making_generators_from_a_seed_does_not_touch_the_global_ones():
    before = Randomness.capture(CPU)

    Randomness.seeded(5, CPU)

    after = Randomness.capture(CPU)
    assert before.plain == after.plain
    assert all(before.tensors[name].equal(after.tensors[name]) for name in before.tensors)


def test_what_was_captured_goes_on_where_it_was():
    with outer_kept(CPU):
        np.random.randn()  # numpy keeps the second of each pair of normals
        random.gauss(0, 1)
        state = Randomness.capture(CPU)
        first = (draws(), float(np.random.randn()), random.gauss(0, 1))
        state.restore(CPU)

        assert (draws(), float(np.random.randn()), random.gauss(0, 1)) == first


def test_the_outer_generators_are_kept():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    with outer_kept(CPU):
        torch.rand(100)

    assert torch.rand(3).equal(expected)
