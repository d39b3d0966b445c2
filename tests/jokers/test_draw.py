"""Draw: the fate of a sample depends on the seed and its place alone."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from akidlab.jokers import Draw

PLACES = st.integers(0, 1000)


@given(PLACES, st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_a_part_of_a_batch_draws_what_the_whole_draws_for_it(
    first: int, length: int, before: int, after: int
):
    part, whole = Draw((3, 1), first + before, first + before + length), Draw((3, 1), first, first + 100)
    mine = slice(before, before + length)

    for _ in range(6):  # more than a counter gives at a time
        assert part.uniform(-1, after).equal(whole.uniform(-1, after)[mine])
        assert part.integers(0, after).equal(whole.integers(0, after)[mine])
        assert part.chance(0.3).equal(whole.chance(0.3)[mine])


def test_paths_samples_and_turns_draw_apart():
    draws = [Draw((seed, epoch), 0, 10) for seed in range(10) for epoch in range(10)]
    numbers = [number for draw in draws for _ in range(5) for number in draw.uniform().tolist()]

    assert len(set(numbers)) > 0.999 * len(numbers)


def test_numbers_are_spread_evenly_and_lie_within_their_bounds():
    draw = Draw((0,), 0, 20_000)

    unit, whole, heads = draw.uniform(2, 4), draw.integers(-1, 3), draw.chance(0.25)

    assert 2 <= unit.min() < 2.001 < 3.999 < unit.max() <= 4
    assert abs(unit.mean() - 3) < 0.02
    assert whole.unique().tolist() == [-1, 0, 1, 2]
    assert abs((whole == 2).float().mean() - 0.25) < 0.02
    assert abs(heads.float().mean() - 0.25) < 0.02
    assert Draw((0,), 0, 50).chance(1).all()
    assert not Draw((0,), 0, 50).chance(0).any()


def test_a_draw_can_be_had_again_and_for_each_joker_of_a_system():
    draw = Draw((1,), 5, 9)
    first = draw.uniform()

    assert draw.again().uniform().equal(first)
    assert not draw.uniform().equal(first)
    assert not draw.of(0).uniform().equal(draw.of(1).uniform())
    assert len(draw) == 4


def test_draws_never_change_from_one_version_to_the_next():
    assert Draw((0, 1), 7, 10).integers(0, 1000).tolist() == [261, 840, 336]


def test_the_global_generator_seeds_what_stands_alone_and_nothing_else():
    torch.manual_seed(0)
    fresh = Draw.fresh(3).uniform()
    torch.manual_seed(0)

    assert Draw.fresh(3).uniform().equal(fresh)
    before = torch.get_rng_state()
    Draw((0,), 0, 3).uniform()
    assert torch.get_rng_state().equal(before)


def test_a_seed_is_that_of_the_batch_over_all_ranks():
    parts = [Draw((4,), first, first + 2, batch=(0, 6)) for first in (0, 2, 4)]

    assert {part.seed for part in parts} == {Draw((4,), 0, 6).seed}
    assert Draw((4,), 0, 6).seed != Draw((4,), 6, 12).seed
