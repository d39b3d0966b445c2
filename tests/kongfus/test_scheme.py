"""The rate as a function of the clock."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from akidlab import LearningRateScheme, MomentumKongFu
from akidlab.clock import Clock
from akidlab.errors import DataError, UnknownNameError
from akidlab.kongfus.scheme import scheme_of


def rates(scheme: dict, steps: int, lr: float = 0.1) -> list[float]:
    kongfu = MomentumKongFu(lr=lr, lr_scheme=scheme)
    return [kongfu.lr_at(step) for step in range(steps)]


def torchs(make, steps: int, lr: float = 0.1) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_akids_exponential_decay_falls_in_stairs_of_epochs():
    scheme = {
        "name": LearningRateScheme.exp_decay,
        "base_lr": 0.01,
        "decay_rate": 0.95,
        "num_batches_per_epoch": 468,
        "decay_epoch_num": 1,
    }

    kongfu = MomentumKongFu(lr_scheme=scheme)

    assert kongfu.lr_at(467) == 0.01
    assert kongfu.lr_at(468) == pytest.approx(0.0095)
    assert kongfu.lr_at(3 * 468) == pytest.approx(0.01 * 0.95**3)


def test_akids_numbers_of_the_schemes_stay():
    assert (LearningRateScheme.exp_decay, LearningRateScheme.placeholder) == (1, 2)


def test_akids_lr_of_none_leaves_the_rate_to_the_scheme():
    scheme = {"name": LearningRateScheme.exp_decay, "base_lr": 0.5, "decay_rate": 0.5, "decay_steps": 10}

    assert MomentumKongFu(lr=None, lr_scheme=scheme).get_lr() == 0.5


def test_exponential_decay_may_follow_the_epochs_of_the_clock_or_be_smooth():
    by_epoch = MomentumKongFu(
        lr=1.0, lr_scheme={"name": "exp_decay", "decay_rate": 0.5, "decay_epoch_num": 2}
    )
    smooth = rates({"name": "exp_decay", "decay_rate": 0.5, "decay_steps": 2, "staircase": False}, 3, lr=1.0)

    assert [by_epoch.lr_at(Clock(99, epoch)) for epoch in range(5)] == [1, 1, 0.5, 0.5, 0.25]
    assert smooth == pytest.approx([1, math.sqrt(0.5), 0.5])


def test_exponential_decay_is_torchs():
    expected = torchs(lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.3), 30)

    assert rates({"name": "exp_decay", "decay_rate": 0.3, "decay_steps": 7}, 30) == pytest.approx(expected)


def test_steps_are_torchs():
    expected = torchs(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [5, 11], 0.1), 20)

    assert rates({"name": "step", "steps": [11, 5]}, 20) == pytest.approx(expected)


def test_cosine_is_torchs():
    expected = torchs(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, 0.01), 20)

    assert rates({"name": "cosine", "max_steps": 20, "final_lr": 0.01}, 20) == pytest.approx(expected)


def test_cosine_stays_at_its_end():
    assert rates({"name": "cosine", "max_steps": 10}, 14)[10:] == [0, 0, 0, 0]


def test_one_cycle_rises_and_falls_as_torchs_does():
    found = rates({"name": "one_cycle", "max_steps": 1000}, 1001, lr=0.4)
    expected = torchs(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 0.4, total_steps=1001, final_div_factor=40_000, cycle_momentum=False
        ),
        1001,
    )

    assert found[300] == pytest.approx(0.4)
    assert found == pytest.approx(expected, abs=0.002)


def test_warmup_rises_in_its_steps_and_goes_before_any_scheme():
    alone = rates({"name": LearningRateScheme.warmup, "warmup_steps": 4}, 6, lr=1.0)
    before = rates({"name": "step", "steps": [4], "warmup_steps": 2}, 6, lr=1.0)

    assert alone == [0.25, 0.5, 0.75, 1, 1, 1]
    assert before == [0.5, 1, 1, 1, pytest.approx(0.1), pytest.approx(0.1)]


def test_a_scheme_may_be_a_function_of_the_clock():
    kongfu = MomentumKongFu(lr_scheme=lambda clock: 1 / (1 + clock.step))

    assert [kongfu.lr_at(Clock(step)) for step in range(3)] == [1, 1 / 2, 1 / 3]


def test_a_placeholder_is_constant():
    assert scheme_of({"name": LearningRateScheme.placeholder}, 0.3) == (0.3, None)


@pytest.mark.parametrize("name", ["exp_dacay", 17])
def test_an_unknown_scheme_says_which_are_known(name: object):
    with pytest.raises(UnknownNameError, match=r"There is no learning-rate scheme .*Known: exp_decay, place"):
        MomentumKongFu(lr_scheme={"name": name})


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"key of `exp_decay` `decay_step`. Did you mean `decay_steps`"
    ):
        MomentumKongFu(lr_scheme={"name": "exp_decay", "decay_rate": 0.5, "decay_step": 3})


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ({"name": "cosine"}, "The scheme `cosine` needs `max_steps`"),
        ({"name": "exp_decay", "decay_rate": 0.5}, "`exp_decay` needs `decay_steps`, or `decay_epoch_num`"),
        ({"name": "cosine", "max_steps": 0}, "`max_steps` must be a number of more than 0, found 0"),
        ("cosine", "`lr_scheme` is written as .* or is a function of the clock; found 'cosine'"),
        ({"name": "step", "steps": 5}, r"`steps` is a list of steps, such as \[1000, 2000\]; found 5"),
        (
            {"name": "exp_decay", "decay_rate": "a", "decay_steps": 3},
            "`decay_rate` must be a number of 0 or more, found 'a'",
        ),
        ({"name": "warmup", "warmup_steps": -1}, "`warmup_steps` must be a number of more than 0, found -1"),
        (
            {"name": "cosine", "max_steps": 9, "base_lr": -1},
            "`base_lr` must be a number of 0 or more, found -1",
        ),
    ],
)
def test_a_scheme_that_makes_no_sense_says_why(scheme: Any, message: str):
    with pytest.raises(DataError, match=message):
        MomentumKongFu(lr_scheme=scheme)


def test_a_function_may_reckon_with_the_clock():
    kongfu = MomentumKongFu(lr_scheme=lambda clock: 0.1 / (1 + clock))

    assert kongfu.lr_at(4) == pytest.approx(0.02)
