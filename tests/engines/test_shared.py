"""What ranks of one host do through memory: the same bits everywhere, and nothing that is left of it."""

from __future__ import annotations

import itertools
import math
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from akidlab.engines.neighbours import NOTE
from akidlab.engines.shared import LARGEST, Shared, cut
from tests.engines.hood import together

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks share memory on Linux only")

SHAPES = st.lists(st.lists(st.integers(0, 40), max_size=3), min_size=1, max_size=6)
KINDS = st.lists(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]), min_size=6, max_size=6)


def drawn(rank: int, shapes: list[list[int]], kinds: list[torch.dtype]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rank)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64).to(kind)
        for shape, kind in zip(shapes, kinds, strict=False)
    ]


def mean(tensors: list[Tensor]) -> Tensor:
    total = tensors[0].clone()
    for tensor in tensors[1:]:
        total += tensor
    return total / len(tensors)


def have_the_same_bits(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@settings(max_examples=25)
@given(st.integers(1, 4), SHAPES, KINDS, st.sampled_from([64, 1024, LARGEST]))
def test_a_mean_is_that_of_the_ranks_in_their_order_to_the_bit(
    size: int, shapes: list[list[int]], kinds: list[torch.dtype], piece: int
) -> None:
    def average(shared: Shared) -> list[Tensor]:
        for _ in range(3):  # in both places of the memory, and once more
            tensors = drawn(shared.rank, shapes, kinds)
            shared.average(tensors, piece)
        return tensors

    expected = [
        mean(list(some)) for some in zip(*(drawn(r, shapes, kinds) for r in range(size)), strict=True)
    ]

    assert all(have_the_same_bits(found, expected) for found in together(size, average))


def test_large_tensors_and_those_that_are_not_contiguous_are_averaged_too() -> None:
    def average(shared: Shared) -> list[Tensor]:
        tensors = [torch.full((2000, 700), float(shared.rank)), torch.full((300, 400), 2.0 * shared.rank).t()]
        shared.average(tensors)
        return tensors

    for found in together(3, average):
        assert [tensor.unique().tolist() for tensor in found] == [[1.0], [2.0]]


def test_the_bits_do_not_depend_on_the_size_of_the_pieces() -> None:
    def average(shared: Shared) -> list[list[Tensor]]:
        found = []
        for piece in (256, 4096, LARGEST):
            found.append(drawn(shared.rank, [[70, 70], [3]], [torch.float32] * 2))
            shared.average(found[-1], piece)
        return found

    one, two, three = together(3, average)[0]

    assert have_the_same_bits(one, two)
    assert have_the_same_bits(one, three)


def test_no_part_of_a_piece_lies_on_another() -> None:
    pieces = cut([torch.zeros(7), torch.zeros(100, dtype=torch.float64), torch.zeros(0)], 256)

    for parts in pieces:
        ends = [(at, at + (stop - start) * kind.itemsize) for _, start, stop, at, kind in parts]
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ends))
        assert ends[-1][1] <= 256
    assert sum(stop - start for parts in pieces for _, start, stop, _, _ in parts) == 107


def test_all_take_what_rank_0_has_whatever_its_kind() -> None:
    def spread(shared: Shared) -> list[list[float]]:
        rank = shared.rank
        tensors = [torch.full((2,), float(rank)), torch.tensor([rank + 5]), torch.tensor([rank == 0])]
        shared.spread(tensors)
        return [tensor.tolist() for tensor in tensors]

    assert together(3, spread) == [[[0.0, 0.0], [5], [True]]] * 3


def test_objects_go_round_however_long_they_are() -> None:
    def gather(shared: Shared) -> list[list[object]]:
        long = "x" * (shared.rank * (LARGEST + 3))
        return [
            shared.gather({"rank": shared.rank}),
            shared.gather(math),
            [len(s) for s in shared.gather(long)],
        ]

    said = [[{"rank": rank} for rank in range(3)], [math] * 3, [0, LARGEST + 3, 2 * LARGEST + 6]]
    assert together(3, gather) == [said] * 3


@pytest.mark.parametrize("length", [NOTE - 40, NOTE, NOTE + 40])
def test_objects_of_about_the_length_of_a_note_arrive(length: int) -> None:
    said = [bytes(length), b""]

    assert together(2, lambda shared: shared.gather(said[shared.rank])) == [said, said]
