"""The mutation suite: faults planted one at a time, each found at the right block in time; no false alarm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from akidlab import (
    AdamKongFu,
    BatchNormalizationLayer,
    DropoutLayer,
    GradientDescentKongFu,
    LeakyReLULayer,
    MomentumKongFu,
    ReLULayer,
    SigmoidLayer,
    SoftmaxNormalizationLayer,
    TanhLayer,
)
from akidlab.guards import Finding
from akidlab.models import brains
from tests.guards.faulty import (
    Odd,
    brain,
    deep,
    digits,
    findings_of,
    findings_of_a_loop,
    healthy_brain,
    kid_of,
    linear,
    plain_net,
)

Found = list[Finding]
FAULTS: list[Any] = []


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    torch.set_num_threads(1)
    monkeypatch.setattr("akidlab.guards.doctor.BEGIN", 10**9)  # examine every step: no alarm may slip by
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def fault(kind: str, block: str | None, within: int) -> Callable[[Callable[[], Found]], Callable[[], Found]]:
    """Register a fault: what is to be found, at which block, within how many steps."""

    def register(plant: Callable[[], Found]) -> Callable[[], Found]:
        FAULTS.append(pytest.param(plant, kind, block, within, id=plant.__name__))
        return plant

    return register


def changed(change: Callable[[Any], object], net: Any = None, **options: Any) -> Found:
    """What is found in a kid whose brain was changed by hand."""
    kid = kid_of(net, **options)
    kid.setup()
    with torch.no_grad():
        change(kid.brain)
    return findings_of(kid)


def odd(how: Callable[[torch.Tensor], torch.Tensor], **options: Any) -> Found:
    net = brain(linear("ip1"), ReLULayer(name="relu1"), Odd(how, name="odd"), linear("ip2", 10))
    return findings_of(kid_of(net, **options))


# ------------------------------------------------------------------------------------------- not finite


@fault("data_not_finite", "system_in", 23)
def nan_in_the_data() -> Found:
    x, y = digits()
    x[700, 0, 3, 3] = torch.nan
    return findings_of(kid_of(data=(x, y)))


@fault("activation_not_finite", "odd", 1)
def a_logarithm_of_zero() -> Found:
    return odd(torch.log)


@fault("activation_not_finite", "odd", 1)
def a_division_by_zero() -> Found:
    return odd(lambda x: x / x.sum(1, keepdim=True).sub(x.sum(1, keepdim=True)))


@fault("gradient_not_finite", "odd", 1)
def a_root_of_zero() -> Found:
    return odd(lambda x: x + (0 * x).sqrt())


@fault("activation_not_finite", "odd", 1)
def an_exponential_that_overflows() -> Found:
    return odd(lambda x: (500 * x).exp())


@fault("weights_not_finite", "ip2", 4)
def weights_spoilt_by_a_hook() -> Found:
    kid = kid_of()
    spoil = lambda k: k.step == 3 and k.brain["ip2"].weight.data.view(-1)[:1].fill_(torch.nan)  # noqa: E731
    kid.hooks.on_batch_begin.append(spoil)
    return findings_of(kid)


@fault("activation_not_finite", "odd", 1)
def a_nan_that_the_loss_does_not_show() -> Found:
    def masked(x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, 5] = torch.nan
        return x

    net = brain(
        linear("ip1"), ReLULayer(name="relu1"), Odd(masked, name="odd"),
        Odd(lambda x: x[:, :4], name="part"), linear("ip2", 10),
    )  # fmt: skip
    return findings_of(kid_of(net))


# ------------------------------------------------------------------------------------------- activations


@fault("dead_relu", "relu1", 5)
def dead_relus() -> Found:
    return changed(lambda net: net["ip1"].bias.fill_(-100))


@fault("dead_relu", "act3", 5)
def relus_dead_in_the_midst() -> Found:
    return changed(lambda net: net["ip3"].bias.fill_(-100), deep(ReLULayer))


@fault("saturated", "act1", 3)
def saturated_sigmoids() -> Found:
    return changed(lambda net: net["ip1"].weight.mul_(1000), deep(SigmoidLayer, 2))


@fault("saturated", "act2", 3)
def saturated_tanhs() -> Found:
    return changed(lambda net: net["ip2"].weight.mul_(1000), deep(TanhLayer, 3))


@fault("constant_output", "ip1", 3)
def weights_of_zero() -> Found:
    return changed(lambda net: net["ip1"].weight.zero_())


@fault("constant_output", "odd", 3)
def a_block_that_loses_its_input() -> Found:
    return odd(lambda x: x * 0 + 1)


@fault("exploding_activations", "ip3", 2)
def initial_weights_too_large() -> Found:
    return changed(lambda net: net["ip3"].weight.mul_(300), deep(LeakyReLULayer), lr=1e-6)


@fault("inputs_not_normalised", "system_in", 2)
def pictures_of_0_to_255() -> Found:
    x, y = digits()
    return findings_of(kid_of(data=(x * 255 / x.max(), y), lr=1e-5))


@fault("softmax_twice", "soft", 2)
def a_softmax_before_a_loss_that_has_one() -> Found:
    net = brain(linear("ip1", 10), SoftmaxNormalizationLayer(10, name="soft"), logits="soft")
    return findings_of(kid_of(net))


@fault("identical_units", "ip1", 2)
def units_that_begin_alike() -> Found:
    return changed(lambda net: net["ip1"].weight.fill_(0.1))


# ------------------------------------------------------------------------------------------- modes


@fault("eval_mode", "bn1", 2)
def a_normalisation_left_in_eval_mode() -> Found:
    net = brain(
        linear("ip1"), BatchNormalizationLayer(name="bn1"), ReLULayer(name="relu1"), linear("ip2", 10)
    )
    kid = kid_of(net)
    kid.hooks.on_batch_begin.append(lambda k: k.brain["bn1"].eval())
    return findings_of(kid)


@fault("eval_mode", "dropout0", 2)
def a_plain_net_left_in_eval_mode() -> Found:
    return findings_of_a_loop(plain_net(), before=lambda step, net: net.eval())


# --------------------------------------------------------------------------- gradients and the optimiser


@fault("detached", "odd", 3)
def a_detached_block() -> Found:
    return odd(torch.Tensor.detach)


@fault("no_gradient", "unused", 3)
def a_block_that_nothing_reads() -> Found:
    net = brain(
        linear("ip1"),
        ReLULayer(name="relu1"),
        linear("unused"),
        linear("ip2", 10, inputs=[{"name": "relu1"}]),
    )
    return findings_of(kid_of(net))


@fault("no_gradient", "linear0", 3)
def a_parameter_that_its_module_does_not_use() -> Found:
    class Forgets(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return nn.functional.linear(input, self.weight)

    net = plain_net()
    net[1] = Forgets(64, 32)
    found = findings_of_a_loop(net)
    return [Finding(f.kind, "linear0" if f.block == "forgets0" else f.block, f.step, f.text) for f in found]


@fault("not_updated", "linear1", 3)
def an_optimiser_that_lacks_a_layer() -> Found:
    net = plain_net()
    return findings_of_a_loop(net, optimizer=torch.optim.SGD(net[1].parameters(), 0.05))


@fault("gradients_kept", None, 3)
def zero_grad_forgotten() -> Found:
    return findings_of_a_loop(plain_net(), clear=False)


@fault("vanishing_gradients", "ip1", 8)
def a_deep_net_of_sigmoids() -> Found:
    return findings_of(kid_of(deep(SigmoidLayer, 8), kongfu=GradientDescentKongFu(lr=0.1)))


@fault("exploding_gradients", "ip2", 8)
def a_block_whose_gradients_explode() -> Found:
    class Loud(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad * 1e3

    net = brain(
        linear("ip2"), Odd(Loud.apply, name="loud"), TanhLayer(name="tanh"), linear("ip3"),
        ReLULayer(name="relu1"), linear("ip4", 10), logits="ip4",
    )  # fmt: skip
    return findings_of(kid_of(net, kongfu=GradientDescentKongFu(lr=0.1)))


# ------------------------------------------------------------------------------------------- the rate


@fault("rate_too_large", "ip1", 12)
def a_rate_times_100() -> Found:
    return findings_of(kid_of(lr=5.0))


@fault("rate_too_large", "ip1", 12)
def a_rate_of_adam_times_300() -> Found:
    return findings_of(kid_of(deep(LeakyReLULayer, 1), kongfu=AdamKongFu(lr=1.0)))


@fault("rate_too_small", "ip1", 12)
def a_rate_of_almost_nothing() -> Found:
    return findings_of(kid_of(lr=1e-8))


@fault("weights_collapse", "ip1", 90)
def too_strong_a_decay() -> Found:
    return findings_of(kid_of(kongfu=GradientDescentKongFu(lr=0.05, weight_decay=1.0), max_steps=90))


# ------------------------------------------------------------------------------------------- the labels


@fault("no_information", "input_labels", 110)
def labels_shuffled() -> Found:
    x, y = digits()
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]
    return findings_of(kid_of(data=(x, shuffled), max_steps=120))


@fault("constant_labels", "input_labels", 5)
def labels_all_alike() -> Found:
    x, y = digits()
    return findings_of(kid_of(data=(x, y * 0 + 3)))


@pytest.mark.parametrize(("plant", "kind", "block", "within"), FAULTS)
def test_the_fault_is_found_at_its_block_in_time(
    plant: Callable[[], Found], kind: str, block: str | None, within: int
) -> None:
    found = plant()

    told = [(f.kind, f.block, f.step) for f in found]
    assert [(f.kind, f.block) for f in found if f.step <= within and f.kind == kind][:1] == [(kind, block)], (
        told
    )


# ------------------------------------------------------------------------------------------- healthy runs

HEALTHY: dict[str, Callable[[], Any]] = {
    "a small net": lambda: kid_of(max_steps=300),
    "a small rate": lambda: kid_of(lr=0.005, max_steps=200, seed=1),
    "a large rate": lambda: kid_of(lr=0.2, max_steps=200, seed=2),
    "adam": lambda: kid_of(kongfu=AdamKongFu(lr=0.003), max_steps=200),
    "one layer": lambda: kid_of(brains.OneLayerBrain(), max_steps=200),
    "dropout and normalisation": lambda: kid_of(
        brain(
            linear("ip1", 64), BatchNormalizationLayer(name="bn1"), ReLULayer(name="relu1"),
            DropoutLayer(keep_prob=0.5, name="drop1"), linear("ip2", 10),
        ), max_steps=200,
    ),
    "six layers of ReLU": lambda: kid_of(deep(ReLULayer, init_para={"name": "msra"}), max_steps=200),
    "a plateau of 150 steps": lambda: kid_of(deep(ReLULayer), max_steps=300),
    "a plateau of sigmoids": lambda: kid_of(deep(SigmoidLayer, 2), max_steps=400),
    "three layers of tanh": lambda: kid_of(deep(TanhLayer, 3), max_steps=200, seed=5),
    "one layer of sigmoids": lambda: kid_of(deep(SigmoidLayer, 1), lr=0.2, max_steps=200),
    "LeNet": lambda: kid_of(brains.LeNet(), max_steps=60, batch_size=16),
    "small batches": lambda: kid_of(batch_size=4, lr=0.01, max_steps=300, clip_norm=1.0),
    "weight decay, accumulated": lambda: kid_of(
        kongfu=MomentumKongFu(lr=0.05, weight_decay=1e-3), accumulate=2, max_steps=100, seed=9
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_raises_no_alarm(name: str) -> None:
    found = findings_of(HEALTHY[name]())

    assert [(f.kind, f.block, f.step, f.value) for f in found] == []


def test_a_healthy_loop_by_hand_raises_no_alarm() -> None:
    assert findings_of_a_loop(plain_net(), steps=60) == []


def healthy_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Tanh(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


def whole(step: int) -> Tensor:
    return torch.arange(1400)


OPTIMIZERS: dict[str, Any] = {
    "Adadelta": optim.Adadelta,  # with its rate of 1
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01),
    "Adam with AMSGrad": lambda p: optim.Adam(p, lr=0.001, amsgrad=True),
    "Adamax": optim.Adamax,
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,  # whose first steps are tiny
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.001),
    "RMSprop, centred": lambda p: optim.RMSprop(p, lr=0.001, centered=True, momentum=0.9),
    "Rprop": lambda p: optim.Rprop(p, lr=0.001),
    "SGD with momentum 0.99": lambda p: optim.SGD(p, lr=0.01, momentum=0.99),
    "SGD with Nesterov's": lambda p: optim.SGD(p, lr=0.01, momentum=0.99, nesterov=True),
}


@pytest.mark.parametrize("net", [plain_net, healthy_net])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_optimizer_at_a_sane_rate_raises_an_alarm(net: Any, optimizer: str) -> None:
    model = net()

    found = findings_of_a_loop(model, steps=10, optimizer=OPTIMIZERS[optimizer](model.parameters()))

    assert [finding.text for finding in found] == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rows", "search"), [(None, "strong_wolfe"), (whole, None), (whole, "strong_wolfe")])
def test_the_great_steps_of_lbfgs_raise_no_alarm(rows: Any, search: str | None, seed: int) -> None:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh() if rows is None else nn.ReLU(),
                          nn.Linear(32, 10))  # fmt: skip
    optimizer = optim.LBFGS(model.parameters(), line_search_fn=search)

    found = findings_of_a_loop(model, steps=10, optimizer=optimizer, rows=rows)

    assert [finding.text for finding in found] == []


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 30
    assert len(HEALTHY) >= 10
    assert healthy_brain() is not None
