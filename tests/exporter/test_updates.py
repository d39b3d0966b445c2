"""What a step changed is what lies between the parameters before and after it."""

from __future__ import annotations

import torch

from akidlab.exporter.updates import Before


def test_updates_are_the_differences_of_each_step_alone() -> None:
    before, weights = Before(), [torch.ones(2, 3), torch.zeros(4)]
    for step in (1.0, 2.0):
        before.take(weights)
        for weight in weights:
            weight += step
        found = before.updates()

        assert [update.unique().tolist() for update in found] == [[step], [step]]
        weights[0].clamp_(max=1)  # by others than the optimiser, between two steps


def test_parameters_may_come_go_and_change_their_shape_and_kind() -> None:
    before = Before()
    for weights in ([torch.ones(2)], [torch.ones(3), torch.ones(1)], [torch.ones(3).double()], []):
        before.take(weights)
        for weight in weights:
            weight -= 1

        assert all(
            torch.equal(u, -torch.ones_like(w)) for u, w in zip(before.updates(), weights, strict=True)
        )


def test_the_same_memory_serves_each_step() -> None:
    before, weight = Before(), torch.nn.Parameter(torch.ones(8))
    before.take([weight])
    kept = before.updates()[0].data_ptr()
    before.take([weight])

    assert before.updates()[0].data_ptr() == kept
    assert not before.updates()[0].requires_grad
