"""akid's initialiser by its old place."""

from __future__ import annotations

import pytest
import torch

from akidlab.ops import random_ops


@pytest.mark.parametrize("uniform", [False, True])
def test_weights_have_the_variance_of_he_and_others_and_follow_the_seed(uniform: bool):
    draw = random_ops.msra_initializer(factor=0.5, uniform=uniform, seed=3)

    weights = draw([400, 50, 2])

    assert float(weights.var()) == pytest.approx(2 * 0.5 / 100, rel=0.05)
    assert weights.equal(draw((400, 50, 2)))
    assert not weights.equal(random_ops.msra_initializer(factor=0.5, uniform=uniform)([400, 50, 2]))
    assert weights.dtype == torch.get_default_dtype()
