"""What blocks do after an update: max-norm, moving averages, and whoever asked to be told."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    ConvolutionLayer,
    GraphSystem,
    InnerProductLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
)

X, Y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])


def _brain(**options) -> Brain:
    inner = GraphSystem(name="inner").attach(InnerProductLayer(out_channel_num=5, name="ip"), ReLULayer())
    brain = Brain(**options).attach(
        inner,
        InnerProductLayer(out_channel_num=3, name="top"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "top"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain.setup([X, Y], seed=0)


def _practise(brain, steps=5) -> None:
    optimizer = torch.optim.SGD(brain.parameters(), lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        brain.objective([X, Y]).backward()
        optimizer.step()
        brain.on_para_update()


class Counting(InnerProductLayer):
    """Counts updates."""

    updates = 0

    def _on_para_update(self):
        super()._on_para_update()
        self.updates += 1


def test_averages_are_those_of_torch():
    brain = _brain(moving_average_decay=0.9)
    plain = _brain()
    twin = AveragedModel(plain, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    twin.update_parameters(plain)  # the first one copies what training starts from
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        plain.objective([X, Y]).backward()
        optimizer.step()
        twin.update_parameters(plain)

    _practise(brain)

    with brain.averaged():
        for one, other in zip(brain.parameters(), twin.module.parameters(), strict=True):
            torch.testing.assert_close(one, other)
    for one, other in zip(brain.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_decay_of_a_system_holds_where_a_block_has_none():
    own = InnerProductLayer(out_channel_num=3, name="own", moving_average_decay=0.5)
    inner = GraphSystem(name="inner")
    brain = Brain(moving_average_decay=0.9).attach(inner)
    inner.attach(ReLULayer(name="relu"), own)
    late = InnerProductLayer(out_channel_num=3, name="late")
    brain.attach(late)

    assert [b.moving_average_decay for b in (inner, inner["relu"], own, late)] == [0.9, 0.9, 0.5, 0.9]


def test_nothing_is_averaged_twice_where_copies_share_it():
    ip = InnerProductLayer(out_channel_num=4, name="one", moving_average_decay=0.5).setup(X, seed=0)
    system = GraphSystem().attach(ip, ip.get_copy(name="other"))
    system.setup(X)
    start = ip.weight.clone()
    with torch.no_grad():
        ip.weight.add_(1)

    system.on_para_update()

    torch.testing.assert_close(ip.weight_average, start + 0.5)
    assert system["other"].weight_average is ip.weight_average


def test_averaging_within_averaging_changes_nothing():
    brain = _brain(moving_average_decay=0.9)
    _practise(brain)
    trained = brain["top"].weight.clone()

    with brain["top"].averaged(), brain.averaged(), brain["top"].averaged():
        inside = brain["top"].weight.clone()

    assert not inside.equal(trained)
    assert brain["top"].weight.equal(trained)


def test_averages_are_saved_and_loaded_before_set_up_too():
    brain = _brain(moving_average_decay=0.9)
    _practise(brain)
    fresh = Brain(moving_average_decay=0.9).attach(
        GraphSystem(name="inner").attach(InnerProductLayer(out_channel_num=5, name="ip")),
        InnerProductLayer(out_channel_num=3, name="top"),
    )

    fresh.load_state_dict(brain.state_dict())

    assert "inner.ip.weight_average" in brain.state_dict()
    assert fresh["top"].bias_average.equal(brain["top"].bias_average)


def test_averages_begin_at_weights_that_were_saved_without():
    plain, brain = _brain(), _brain(moving_average_decay=0.9)
    _practise(plain)

    brain.load_state_dict(plain.state_dict())

    assert brain["top"].weight_average.equal(plain["top"].weight)


def test_averages_move_with_the_block_and_are_cloned():
    brain = _brain(moving_average_decay=0.9).double()
    clone = copy.deepcopy(brain)

    _practise(brain.float())

    assert clone["top"].weight_average.dtype == torch.float64
    assert not clone["top"].weight_average.float().equal(brain["top"].weight_average)


def test_averages_of_other_parameters_are_kept_as_well():
    bn = BatchNormalizationLayer(moving_average_decay=0.9, name="bn")

    bn(X)

    assert {"weight_average", "bias_average"} <= set(bn.state_dict())


def test_averages_of_a_torch_module_within_a_block_are_kept_as_well():
    class Wrapped(Block):
        def __init__(self):
            super().__init__(moving_average_decay=0.5)
            self.inner = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU())

        def forward(self, signal):
            return self.inner(signal)

    wrapped = Wrapped().setup(X)
    start = wrapped.inner[0].weight.clone()
    with torch.no_grad():
        wrapped.inner[0].weight.add_(1)

    wrapped.on_para_update()

    torch.testing.assert_close(wrapped.inner_0_weight_average, start + 0.5)


@pytest.mark.parametrize("decay", [0.4, 1, "much"])
def test_a_decay_lies_between_a_half_and_one(decay):
    with pytest.raises(ValueError, match=r"`moving_average_decay` of `ip` is a number of 0\.5 or more"):
        InnerProductLayer(out_channel_num=1, moving_average_decay=decay)


@pytest.mark.parametrize(
    "layer",
    [
        InnerProductLayer(out_channel_num=8, max_norm=0.5),
        ConvolutionLayer(3, out_channel_num=8, max_norm=0.5),
    ],
)
def test_the_weights_of_each_output_stay_within_the_max_norm(layer):
    layer.setup(torch.zeros(1, 3, 8, 8), seed=0)
    with torch.no_grad():
        layer.weight[:4] *= 0.01 / layer.weight[:4].flatten(1).norm(dim=1).max()
        layer.weight[4:] *= 100
    before = layer.weight.detach().clone()

    layer.on_para_update()

    assert layer.weight[:4].equal(before[:4])
    torch.testing.assert_close(layer.weight[4:].flatten(1).norm(dim=1), torch.full((4,), 0.5))
    direction = torch.nn.functional.cosine_similarity(layer.weight[4:].flatten(1), before[4:].flatten(1))
    torch.testing.assert_close(direction, torch.ones(4))


@pytest.mark.parametrize("norm", [0, -1, "small"])
def test_a_max_norm_is_above_zero(norm):
    with pytest.raises(ValueError, match="`max_norm` of `ip` is a number above 0, found"):
        InnerProductLayer(out_channel_num=1, max_norm=norm)


def test_only_those_who_asked_are_told_however_deep():
    deep, deaf = Counting(out_channel_num=2, name="deep", call_on_update=True), Counting(out_channel_num=2)
    outer = GraphSystem().attach(GraphSystem(name="inner").attach(deep), deaf)

    outer.on_para_update()

    assert (deep.updates, deaf.updates) == (1, 0)
