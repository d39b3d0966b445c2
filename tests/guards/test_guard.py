"""The guard of a loop written by hand."""

from __future__ import annotations

import copy
import logging
import pickle

import pytest
import torch
from torch import nn

from akidlab import TorchLayer
from akidlab.errors import NotFiniteError, UnknownNameError
from akidlab.guards import Guard
from akidlab.messages import Bus, CallbackSubscriber
from tests.guards.faulty import brain, kid_of


class Log(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * 0).log()


def net(*odd: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *odd, nn.Linear(8, 2))


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 3) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        model(torch.randn(16, 4)).square().mean().backward()
        optimizer.step()


def test_a_step_that_is_not_finite_is_not_made_and_its_module_is_named() -> None:
    model = net(Log())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = [parameter.clone() for parameter in model.parameters()]

    with Guard(model), pytest.raises(NotFiniteError, match=r"at step 1\. `log0` is the first .* logarithm"):
        steps(model, optimizer)
    assert all(a.equal(b) for a, b in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam, torch.optim.LBFGS])
@pytest.mark.parametrize("by_name", [False, True])
def test_gradients_that_a_closure_computes_are_looked_at_before_the_step(make, by_name) -> None:
    model = net()
    optimizer = make(model.parameters(), 0.01)
    given = [torch.ones(4, 4), torch.ones(4, 4), torch.full((4, 4), torch.nan)]
    made: list[torch.Tensor] = []

    def train() -> None:
        for batch in given:
            made[:] = [parameter.detach().clone() for parameter in model.parameters()]

            def closure(batch: torch.Tensor = batch) -> torch.Tensor:
                optimizer.zero_grad()
                loss = model(batch).square().mean()
                loss.backward()
                return loss

            assert (optimizer.step(closure=closure) if by_name else optimizer.step(closure)).isfinite()

    with Guard(model) as guard, pytest.raises(NotFiniteError, match=r"at step 3\. The batch itself"):
        train()

    assert guard.step == 2
    assert all(a.equal(b) for a, b in zip(model.parameters(), made, strict=True))


def test_a_loss_is_checked_when_asked() -> None:
    model = net(Log())

    with Guard(model) as guard, pytest.raises(NotFiniteError, match=r"The loss is NaN at step 1\. `log0`"):
        guard.check(model(torch.randn(16, 4)).mean())


def test_a_guard_may_only_warn(caplog: pytest.LogCaptureFixture) -> None:
    model, bus, heard = net(Log()), Bus(), []
    bus.subscribe(CallbackSubscriber(heard.append, topics=["event"]))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with caplog.at_level(logging.WARNING), Guard(model, "warn", optimizer=optimizer, bus=bus) as guard:
        steps(model, optimizer, 1)

    assert guard.step == 1
    assert "`log0` is the first whose output is not finite" in caplog.text
    assert "this step was not made" not in caplog.text
    assert [(message.data.kind, message.data.data["block"]) for message in heard] == [("guard", "log0")]


def test_what_goes_on_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with caplog.at_level(logging.WARNING), Guard(model, "warn") as guard:
        for _ in range(3):
            model(torch.full((16, 4), torch.nan)).square().mean().backward()
            optimizer.step()

    assert (guard.step, len(caplog.records)) == (3, 1)


def test_copies_of_a_guarded_module_are_not_guarded() -> None:
    model = net()
    with Guard(model) as guard:
        copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
        for one in copies:
            one(torch.ones(1, 4))

        assert guard._given is None


def test_a_step_that_a_scaler_leaves_out_is_no_alarm() -> None:
    """Fused optimisers are called at an overflow, too, and skip it themselves."""
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    with Guard(model):
        for _ in range(3):
            optimizer.zero_grad()
            scaler.scale(model(torch.full((16, 4), 100.0)).square().mean()).backward()
            scaler.step(optimizer)
            scaler.update()

    assert scaler.get_scale() < 2.0**127


def test_a_healthy_loop_is_left_alone_and_no_hook_stays() -> None:
    model, other = net(), net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with Guard(model) as guard:
        steps(model, optimizer, 70)
        steps(other, torch.optim.SGD(other.parameters(), 0.1), 1)  # not ours

    assert guard.step == 70
    assert not model._forward_pre_hooks


def spoil(parameter: nn.Parameter) -> None:
    """Only this one gets a gradient that is not finite."""
    parameter.register_hook(lambda gradient: gradient * torch.nan)


def put_before_the_last(model: nn.Sequential, optimizer: torch.optim.Optimizer) -> nn.Linear:
    new = model.insert(2, nn.Linear(8, 8))[2]
    optimizer.add_param_group({"params": list(new.parameters())})
    return new


def replace_the_last(model: nn.Sequential, optimizer: torch.optim.Optimizer) -> nn.Linear:
    model[-1] = new = nn.Linear(8, 2)
    optimizer.param_groups[0]["params"][-2:] = list(new.parameters())
    return new


def unfreeze_the_last(model: nn.Sequential, optimizer: torch.optim.Optimizer) -> nn.Linear:
    return model[-1].requires_grad_(True)


@pytest.mark.parametrize("change", [put_before_the_last, replace_the_last, unfreeze_the_last])
@pytest.mark.parametrize("given", [True, False])
def test_parameters_that_come_later_are_guarded(change, given) -> None:
    model = net()
    model[-1].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    with Guard(model, optimizer=optimizer if given else None):
        steps(model, optimizer, 2)
        spoil(change(model, optimizer).bias)
        with pytest.raises(NotFiniteError, match="A gradient is not finite at step 3"):
            steps(model, optimizer, 1)


def test_an_optimizer_that_holds_nothing_but_what_came_later_is_guarded() -> None:
    model = net()
    with Guard(model):
        steps(model, torch.optim.SGD(model.parameters(), 0.1), 2)
        model.append(nn.Linear(2, 2))
        spoil(model[-1].weight)

        with pytest.raises(NotFiniteError, match="A gradient is not finite at step 3"):
            steps(model, torch.optim.SGD(model[-1].parameters(), 0.1), 1)


@pytest.mark.parametrize("rate", [1e6, 1e20])
def test_a_rate_that_spoils_sane_weights_is_blamed_and_not_what_they_began_as(rate) -> None:
    model = net()
    steps(model, torch.optim.SGD(model.parameters(), 0.01), 50)

    with (
        Guard(model),
        pytest.raises(NotFiniteError, match=r"learning rate is too large \(it is 1e\+") as told,
    ):
        steps(model, torch.optim.SGD(model.parameters(), rate), 50)
    assert "times as large as before step 1" in str(told.value)
    assert "initial weights" not in str(told.value)


def test_what_overflows_before_any_step_began_too_large() -> None:
    model = net()
    with torch.no_grad():
        model[0].weight *= 1e38

    with Guard(model), pytest.raises(NotFiniteError, match="the initial weights are too large or"):
        steps(model, torch.optim.SGD(model.parameters(), 0.1), 1)


def test_a_loss_that_was_fine_speaks_for_the_initial_weights() -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    with Guard(model) as guard:
        guard.history = lambda: [1.5]
        steps(model, optimizer, 1)
        spoil(model[0].weight)
        with pytest.raises(NotFiniteError, match=r"The learning rate is probably too large \(it is 0.1\)"):
            steps(model, optimizer, 1)


def test_a_guard_has_a_mode() -> None:
    with pytest.raises(UnknownNameError, match=r"no mode of a guard `rise`\. Did you mean `raise`"):
        Guard(net(), "rise")


class Inline(nn.Module):
    """Computes something between its children."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last((0 * self.first(x)).log())


def test_what_is_computed_between_modules_is_found_in_what_holds_them() -> None:
    model = nn.Sequential(nn.Linear(4, 4), Inline())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    expected = r"goes into `inline0/last` .* in the `forward` of `inline0`\. It takes the logarithm of 128"

    with Guard(model), pytest.raises(NotFiniteError, match=expected):
        steps(model, optimizer)


def test_a_module_within_a_block_is_named() -> None:
    held = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), Log(), nn.Linear(16, 10))
    kid = kid_of(brain(TorchLayer(held, name="net"), logits="net"))
    kid.setup()

    with pytest.raises(NotFiniteError, match="`net/log0` is the first whose output is not finite"):
        kid.run_step()
