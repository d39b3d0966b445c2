"""Layers that hold on to a pattern, and networks that are linear then."""

from __future__ import annotations

import pickle

import pytest
import torch

from akidlab import (
    ConvolutionLayer,
    InnerProductLayer,
    MaxPoolingLayer,
    MemoryMaxPoolingLayer,
    MemoryReLULayer,
    MPoolLayer,
    MReLU,
    ReLULayer,
    SequentialSystem,
)

X, OTHER = torch.randn(3, 2, 5, 5), torch.randn(3, 2, 5, 5)
LAYERS = [MemoryReLULayer(name="m"), MemoryMaxPoolingLayer(3, 2, "SAME", name="m")]


@pytest.fixture(params=LAYERS, ids=["relu", "pool"])
def layer(request):
    return request.param.get_clone()


def _plain(layer):
    return ReLULayer() if isinstance(layer, MemoryReLULayer) else MaxPoolingLayer(3, 2, "SAME")


def _held(layer):
    layer(X)
    layer.set_state(True)
    return layer


def test_a_pattern_that_is_not_held_changes_nothing(layer):
    assert torch.equal(layer(X), _plain(layer)(X))
    assert torch.equal(layer(OTHER), _plain(layer)(OTHER))


def test_a_held_relu_lets_through_what_it_did():
    relu = _held(MemoryReLULayer())

    assert torch.equal(relu(OTHER), OTHER * (X > 0))


def test_a_held_pooling_picks_from_where_it_did():
    pool, plain = (
        _held(MemoryMaxPoolingLayer(3, 2, "SAME")),
        MaxPoolingLayer(3, 2, "SAME", get_argmax_idx=True),
    )
    plain(X)

    assert torch.equal(pool(OTHER).flatten(2), OTHER.flatten(2).gather(2, plain.argmax_idx.flatten(2)))


def test_a_held_pattern_of_one_sample_serves_a_batch(layer):
    layer(X[:1])
    layer.set_state(True)

    value = layer(OTHER)

    one_by_one = [layer(sample.unsqueeze(0)) for sample in OTHER]
    assert torch.equal(value, torch.cat(one_by_one))


def test_a_pattern_let_go_of_is_remembered_anew(layer):
    _held(layer).set_state(False)

    assert torch.equal(layer(OTHER), _plain(layer)(OTHER))

    layer.set_state(True)
    assert torch.equal(layer(OTHER), _plain(layer)(OTHER))


def test_keeping_the_memory_holds_the_first_pattern():
    relu = MReLU(keep_memory=True)

    assert torch.equal(relu(X), X.relu())
    assert torch.equal(relu(OTHER), OTHER * (X > 0))


def test_setting_up_is_not_a_first_pass(layer):
    layer.set_state(True)
    layer.setup(X)

    assert layer.memory is None
    assert torch.equal(layer(OTHER), _plain(layer)(OTHER))


def test_a_network_that_holds_its_patterns_is_linear():
    memories = [MReLU(), MPoolLayer(2, 2), MReLU()]
    system = SequentialSystem()
    system.attach(ConvolutionLayer(3, out_channel_num=4), *memories[:2], InnerProductLayer(out_channel_num=6))
    system.attach(memories[2], InnerProductLayer(out_channel_num=2))
    for parameter in system.setup(X, seed=0).parameters():
        parameter.data = parameter.data.double()
    x, other = X.double(), OTHER.double()

    value = system(x)
    for memory in memories:
        memory.set_state(True)
    origin = system(torch.zeros_like(x))
    combined = system(0.3 * x - 2 * other) - origin

    torch.testing.assert_close(system(x), value)
    torch.testing.assert_close(combined, 0.3 * (value - origin) - 2 * (system(other) - origin))


def test_gradients_flow_where_the_pattern_lets_them(layer):
    signal = OTHER.clone().requires_grad_()

    (_held(layer)(signal) * 2).sum().backward()

    x = X.clone().requires_grad_()
    (_plain(layer)(x) * 2).sum().backward()
    torch.testing.assert_close(signal.grad, x.grad)


def test_the_way_back_follows_the_pattern(layer):
    value = _held(layer)(OTHER)

    back = layer.backward(torch.ones_like(value))

    assert back.shape == X.shape
    assert set(back.unique().tolist()) == {0, 1}
    torch.testing.assert_close(layer(back), (value != 0).float() if layer.NAME == "relu" else value * 0 + 1)


@pytest.mark.parametrize("other", [torch.zeros(2, 2, 5, 5), torch.zeros(3, 2, 6, 5), torch.zeros(1, 2, 5, 5)])
def test_an_input_that_does_not_fit_the_pattern_is_explained(layer, other):
    with pytest.raises(ValueError, match=r"`m` holds the pattern of an input of 3×2×5×5, found .* `set"):
        _held(layer)(other)


def test_going_back_before_any_pass_is_explained(layer):
    with pytest.raises(ValueError, match=r"`m` (goes back through its last pass|cannot put)"):
        layer.backward(X)


def test_a_held_pattern_is_saved_and_copied(layer):
    value = _held(layer)(OTHER)
    fresh, twin = _plain_memory(layer), pickle.loads(pickle.dumps(layer))
    fresh.load_state_dict(layer.state_dict())

    assert torch.equal(fresh(OTHER), value)
    assert torch.equal(layer.get_clone()(OTHER), value)
    assert torch.equal(twin(OTHER), value)


def _plain_memory(layer):
    return MemoryReLULayer() if layer.NAME == "relu" else MemoryMaxPoolingLayer(3, 2, "SAME")


def test_a_pattern_that_is_not_held_is_neither_saved_nor_copied(layer):
    layer(X)

    assert layer.state_dict() == {}
    assert layer.get_clone().memory is None


def test_a_pattern_moves_with_its_layer(layer):
    _held(layer).to("meta")

    assert layer.memory.device.type == "meta"


def test_a_brain_saves_the_patterns_that_its_layers_hold():
    relus = [MReLU(name="relu"), MReLU(name="relu")]
    held, fresh = (
        SequentialSystem().attach(InnerProductLayer(out_channel_num=4, name="ip"), relu) for relu in relus
    )
    value = held(X)
    relus[0].set_state(True)
    fresh.load_state_dict(held.state_dict())

    assert list(held.state_dict()) == ["ip.weight", "ip.bias", "relu.memory", "relu.memory_shape"]
    torch.testing.assert_close(fresh(X), value)
    assert relus[1].state


def test_a_held_pattern_compiles_in_one_graph(layer):
    value = _held(layer)(OTHER)
    torch.compiler.reset()

    compiled = torch.compile(layer.forward, fullgraph=True, backend="eager")

    assert torch.equal(compiled(OTHER), value)


def test_a_held_pattern_is_exported(layer):
    value = _held(layer)(OTHER)

    exported = torch.export.export(layer, (X,))

    assert torch.equal(exported.module()(OTHER), value)


def test_what_is_held_is_shown(layer):
    assert "holds its pattern" in repr(_held(layer))


def test_akids_names_are_the_same_classes():
    assert (MReLU, MPoolLayer) == (MemoryReLULayer, MemoryMaxPoolingLayer)
