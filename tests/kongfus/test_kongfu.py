"""KongFus against torch, and rates that change by hand."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from akidlab import (
    AdamKongFu,
    AdamWKongFu,
    GradientDescentKongFu,
    LearningRateScheme,
    MomentumKongFu,
)
from akidlab.clock import Clock
from akidlab.errors import BlockError, DataError

HALVING = {"name": "exp_decay", "decay_rate": 0.5, "decay_steps": 10}


def trained(make, steps: int = 5) -> torch.Tensor:
    """The weights of a small network after some steps of the optimiser that `make` gives."""
    generator = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(6, 3, generator=generator))
    optimizer = make([weight])
    for _ in range(steps):
        x = torch.randn(8, 6, generator=generator)
        optimizer.zero_grad()
        (x @ weight).square().mean().backward()
        optimizer.step()
    return weight.detach()


PAIRS = [
    (GradientDescentKongFu(lr=0.1), lambda p: torch.optim.SGD(p, 0.1)),
    (
        GradientDescentKongFu(0.1, weight_decay=0.2),
        lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.2),
    ),
    (MomentumKongFu(), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9)),
    (
        MomentumKongFu(0.1, momentum=0.8, use_nesterov=True, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    ),
    (MomentumKongFu(momentum=0, use_nesterov=True), lambda p: torch.optim.SGD(p, 0.01)),
    (AdamKongFu(), lambda p: torch.optim.Adam(p)),
    (
        AdamKongFu(0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.9), 1e-3, weight_decay=0.1),
    ),
    (AdamWKongFu(lr=0.1), lambda p: torch.optim.AdamW(p, 0.1)),
]


@pytest.mark.parametrize(("kongfu", "make"), PAIRS, ids=[repr(kongfu) for kongfu, _ in PAIRS])
def test_a_kongfu_learns_as_the_optimiser_of_torch(kongfu, make):
    torch.testing.assert_close(trained(kongfu.setup), trained(make))


@pytest.mark.parametrize("kind", [GradientDescentKongFu, MomentumKongFu, AdamKongFu, AdamWKongFu])
def test_the_fused_optimiser_is_used(kind):
    assert kind().setup([nn.Parameter(torch.ones(2))]).defaults["fused"] is True


def test_parameters_may_come_with_names_and_only_trainable_ones_are_taken():
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)

    optimizer = MomentumKongFu().setup(net.named_parameters())

    assert optimizer.param_groups[0]["params"] == [net.weight]


def test_nothing_to_train_is_said():
    with pytest.raises(BlockError, match=r"nothing to train.*brain.setup"):
        MomentumKongFu().setup([])


def test_a_rate_set_by_hand_reaches_the_optimiser_and_stays():
    kongfu = MomentumKongFu(lr=0.1, lr_scheme={"name": LearningRateScheme.placeholder})
    optimizer = kongfu.setup([nn.Parameter(torch.ones(2))])

    kongfu.lr = 0.5
    kongfu.adjust(Clock(100))

    assert (kongfu.lr, kongfu.lr_at(200), optimizer.param_groups[0]["lr"]) == (0.5, 0.5, 0.5)


def test_a_rate_set_before_set_up_is_the_optimisers_first():
    kongfu = AdamKongFu()
    kongfu.set_lr(0.25)

    assert kongfu.setup([nn.Parameter(torch.ones(2))]).param_groups[0]["lr"] == 0.25


def test_a_constant_rate_asks_for_no_work_in_a_step():
    assert not MomentumKongFu().scheduled
    assert not MomentumKongFu(lr_scheme={"name": LearningRateScheme.placeholder}).scheduled
    assert MomentumKongFu(lr_scheme=HALVING).scheduled


def test_a_scheme_moves_the_rate_of_the_optimiser():
    kongfu = MomentumKongFu(lr=1.0, lr_scheme=HALVING)
    optimizer = kongfu.setup([nn.Parameter(torch.ones(2))])

    kongfu.adjust(Clock(20))

    assert (kongfu.get_lr(), optimizer.param_groups[0]["lr"]) == (0.25, 0.25)


def test_a_scheme_goes_on_from_a_rate_set_by_hand():
    kongfu = MomentumKongFu(lr=1.0, lr_scheme=HALVING)

    kongfu.adjust(Clock(9))
    kongfu.set_lr(0.2)
    kongfu.adjust(Clock(10))

    assert (kongfu.get_lr(), kongfu.lr_at(20)) == (0.1, 0.05)


def test_a_rate_set_by_hand_holds_at_the_moment_it_is_meant_for():
    kongfu = MomentumKongFu(lr=1.0, lr_scheme=HALVING)

    kongfu.adjust(Clock(9))
    kongfu.set_lr(0.2, Clock(10))
    kongfu.adjust(Clock(10))

    assert kongfu.get_lr() == 0.2


def test_a_rate_set_by_hand_where_the_scheme_is_0_scales_its_base():
    kongfu = MomentumKongFu(lr=1.0, lr_scheme=lambda clock: 0.0 if clock.step < 5 else 1.0)

    kongfu.set_lr(0.2)

    assert (kongfu.get_lr(), kongfu.lr_at(5)) == (0.2, 0.2)


def test_a_rate_set_by_hand_after_a_scheme_has_ended_stays():
    kongfu, other = (MomentumKongFu(lr=0.1, lr_scheme={"name": "cosine", "max_steps": 100}) for _ in "ab")
    kongfu.adjust(Clock(100))
    assert kongfu.get_lr() == 0.0

    kongfu.set_lr(0.01)
    kongfu.adjust(Clock(101))
    other.load_state_dict(kongfu.state_dict())

    assert (kongfu.get_lr(), kongfu.lr_at(150), other.lr_at(150)) == (0.01, 0.01, 0.01)
    kongfu.set_lr(0.05, Clock(50))  # a kid that goes back: the scheme has not ended there
    assert (kongfu.lr_at(50), kongfu.lr_at(100)) == (0.05, 0.0)


@pytest.mark.parametrize("rate", [-0.1, float("nan"), "fast", True, float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(DataError, match=r"`lr` must be a number of 0 or more, found"):
        MomentumKongFu().set_lr(rate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MomentumKongFu(lr=-1), "`lr` must be a number of 0 or more, found -1"),
        (lambda: MomentumKongFu(momentum=1.5), "`momentum` must be a number from 0 .* not, 1, found 1.5"),
        (lambda: AdamKongFu(betas=(0.9, 2)), "`betas` must be a number from 0 .* not, 1, found 2"),
        (lambda: AdamKongFu(betas=(0.9,)), "`betas` are two numbers, found"),  # type: ignore[arg-type]
        (lambda: AdamWKongFu(weight_decay=-1), "`weight_decay` must be a number of 0 or more, found -1"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(make, message: str):
    with pytest.raises(DataError, match=message):
        make()


def test_a_checkpoint_brings_back_the_rate_set_by_hand():
    kongfu, other = (MomentumKongFu(lr=1.0, lr_scheme=HALVING) for _ in range(2))
    kongfu.adjust(Clock(12))
    kongfu.set_lr(0.3)

    other.load_state_dict(kongfu.state_dict())

    assert (other.get_lr(), other.lr_at(20)) == (kongfu.get_lr(), kongfu.lr_at(20)) == (0.3, 0.15)


def test_a_loop_written_by_hand_may_use_a_kongfu_alone():
    weight = nn.Parameter(torch.tensor([2.0]))
    kongfu = GradientDescentKongFu(lr=0.25)
    kongfu.setup([weight])

    kongfu.update(kongfu.forward(weight.square().sum()))

    assert weight.item() == 1.0


def test_a_kongfu_without_parameters_says_what_is_missing():
    with pytest.raises(BlockError, match=r"no parameters yet. Call `kongfu.setup\(brain.parameters\(\)\)`"):
        GradientDescentKongFu().update()


def test_a_kongfu_travels_without_its_optimiser():
    kongfu = MomentumKongFu(lr=0.3, name="Kongfu", lr_scheme=HALVING)
    kongfu.setup([nn.Parameter(torch.ones(2))])
    kongfu.set_lr(0.2)

    other = pickle.loads(pickle.dumps(kongfu))

    assert (other.name, other.lr, other.lr_at(10), other.optimizer) == ("Kongfu", 0.2, 0.1, None)


def test_a_kongfu_shows_what_it_does():
    assert repr(MomentumKongFu(lr=0.1, use_nesterov=True, weight_decay=0.01)) == (
        "MomentumKongFu(lr=0.1, weight_decay=0.01, momentum=0.9, use_nesterov=True)"
    )


def test_a_parameter_may_get_its_first_gradient_late():  # torch's fused step fails there
    early, late = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = MomentumKongFu(lr=0.5, momentum=0.9).setup([early, late])
    early.sum().backward()
    optimizer.step()

    late.sum().backward()
    optimizer.step()

    assert (early.tolist(), late.tolist()) == ([pytest.approx(-0.45)] * 2, [0.5, 0.5])


def test_the_rate_it_was_made_with_and_the_rate_now_are_told_apart():
    scheme = {"name": LearningRateScheme.cosine, "max_steps": 100}
    kongfu = MomentumKongFu(lr=0.1, lr_scheme=scheme)
    made = "MomentumKongFu(lr=0.1, lr_scheme={'name': 'cosine', 'max_steps': 100}, momentum=0.9)"

    assert repr(kongfu) == made
    kongfu.adjust(Clock(step=99))
    assert repr(kongfu) == f"{made}, at a rate of 2.467e-05 now"


def test_a_rate_that_a_function_gives_is_told_by_its_name():
    def falling(clock: Clock) -> float:
        return 0.1 / (1 + clock)

    assert repr(AdamKongFu(lr_scheme=falling)).startswith("AdamKongFu(lr_scheme=falling, betas=")
