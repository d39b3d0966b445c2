"""Whatever a model is made of, watching it changes nothing and tells what is so."""

from __future__ import annotations

import copy
from collections import Counter

import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from akidlab.exporter import Exporter
from akidlab.messages import Bus
from tests.exporter.conftest import Heard, learn

WIDTH = 4


class Branches(nn.Module):
    """Adds what its parts make of the same."""

    def __init__(self, parts: list[nn.Module]) -> None:
        super().__init__()
        self.parts, self.scale = nn.ModuleList(parts), nn.Parameter(torch.ones(1, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * sum(part(x.clone()) for part in self.parts)


class Named(nn.Module):
    """Calls its part twice."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return self.part(self.part(x))


LEAVES = st.sampled_from(
    [
        lambda: nn.Linear(WIDTH, WIDTH),
        lambda: nn.Linear(WIDTH, WIDTH, bias=False),
        lambda: nn.Linear(WIDTH, WIDTH).requires_grad_(False),
        lambda: nn.BatchNorm1d(WIDTH),
        lambda: nn.BatchNorm1d(WIDTH, affine=False),
        lambda: nn.LayerNorm(WIDTH),
        lambda: nn.ReLU(inplace=True),
        lambda: nn.Tanh(),
        lambda: nn.Dropout(0.5),
        lambda: nn.Identity(),
        lambda: nn.Sequential(),
    ]
).map(lambda make: make())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: nn.Sequential(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(Branches),
        inner.map(Named),
    ),
    max_leaves=6,
)


def model_of(tree: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), tree, nn.Linear(WIDTH, 2))


def train(model: nn.Module) -> list[Tensor]:
    """Its state after three steps; torch itself refuses some models that change values in place."""
    torch.manual_seed(1)
    learn(model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), steps=3)
    return list(model.state_dict().values())


@settings(deadline=None, max_examples=30)
@given(TREES, st.integers(-1, 3), st.integers(1, 3))
def test_a_watched_model_learns_as_if_nobody_looked(tree, depth, every):
    model, bus = model_of(tree), Bus()
    twin, heard = copy.deepcopy(model), Heard()
    bus.subscribe(heard)
    try:
        alone = train(twin)
    except RuntimeError:
        reject()

    with Exporter(depth, message_bus=bus, every=every) as exporter:
        exporter.add_modules(model)
        watched = train(model)

    torch.testing.assert_close(watched, alone, rtol=0, atol=0, equal_nan=True)
    assert heard in bus.subscribers
    assert {m.step for m in heard.messages} == {1, *range(every, 4, every)}


@settings(deadline=None, max_examples=30)
@given(TREES)
def test_every_layer_and_parameter_is_told_once_under_a_name_of_its_own(tree):
    model, bus, heard, calls = model_of(tree), Bus(), Heard(), Counter[str]()
    bus.subscribe(heard)
    try:
        train(copy.deepcopy(model))
    except RuntimeError:
        reject()

    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(model)
        names = {id(module): name for module, name in exporter.named_modules}
        for module in exporter.modules:
            module.register_forward_hook(lambda module, args, output: calls.update([names[id(module)]]))
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        learn(model, torch.optim.SGD(model.parameters(), 0.1))

    told = heard.keys("activations")
    assert len(told) == len(set(told)) == sum(min(8, count) for count in calls.values())
    assert len(set(names.values())) == len(names)
    assert set(names.values()) <= {key.split(":")[0] for key in told}
    values = heard.of("weights") + heard.of("biases")
    assert sorted(float(value.sum()) for value in values) == sorted(float(p.sum()) for p in before.values())
    keys = [*((topic, key) for topic in ("weights", "biases") for key in heard.keys(topic))]
    assert len(keys) == len(set(keys)) == len(before)
    gradients = [p for p in model.parameters() if p.grad is not None]
    assert len(heard.of("weight_updates") + heard.of("bias_updates")) == len(gradients)
