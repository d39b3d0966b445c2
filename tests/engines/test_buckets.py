"""Buckets: what is reduced together, and that it comes back where it was."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor

from akidlab.engines import buckets
from akidlab.engines.buckets import LARGE


def test_small_tensors_of_a_kind_share_a_bucket_and_large_ones_are_not_copied() -> None:
    large, small, other, count = torch.ones(LARGE), torch.ones(3), torch.ones(2, 2), torch.ones(4).long()
    packed = buckets.pack([large, small, other, count])

    assert [flat.numel() for flat, _ in packed] == [LARGE, 7, 4]
    assert packed[0][0].data_ptr() == large.data_ptr()


def test_what_is_done_to_buckets_is_done_to_the_tensors_whatever_their_shape_and_layout() -> None:
    cut = torch.arange(2 * LARGE).float()[::2]  # large, and not contiguous
    tensors = [cut, torch.ones(2, 3).t(), torch.tensor(5.0), torch.empty(0), torch.ones(LARGE)]
    expected = [tensor * 2 for tensor in tensors]
    packed = buckets.pack(tensors)
    for flat, _ in packed:
        flat.mul_(2)
    buckets.unpack(packed)

    assert all(torch.equal(tensor, twice) for tensor, twice in zip(tensors, expected, strict=True))


def test_a_mean_is_the_sum_over_the_ranks_by_their_number_and_all_are_begun_before_one_is_waited_for() -> (
    None
):
    said: list[str] = []

    def add_up(tensor: Tensor) -> SimpleNamespace:
        said.append("begun")
        return SimpleNamespace(wait=lambda: (said.append("waited"), tensor.add_(6.0)))

    tensors = [torch.full((2,), 2.0), torch.full((LARGE,), 4.0)]
    buckets.average(tensors, 4, add_up)

    assert [float(tensor.unique()) for tensor in tensors] == [2.0, 2.5]
    assert said == ["begun", "begun", "waited", "waited"]


def test_parameters_that_ask_for_gradients_can_be_averaged() -> None:
    weight = torch.ones(3, requires_grad=True)
    buckets.average([weight], 2, lambda tensor: SimpleNamespace(wait=lambda: tensor.add_(3.0)))

    assert weight.tolist() == [2.0, 2.0, 2.0]


def test_nothing_is_nothing() -> None:
    buckets.average([], 2, lambda tensor: 1 / 0)
