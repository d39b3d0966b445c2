"""What every activation, normalisation, pooling and shaping layer does: values, copies, graphs, exports."""

from __future__ import annotations

import pickle

import pytest
import torch

from akidlab import (
    AveragePoolingLayer,
    BatchNormalizationLayer,
    CollapseOutLayer,
    ColorizationReLULayer,
    ConcatLayer,
    DropoutLayer,
    GELULayer,
    GlobalPoolingLayer,
    GroupNormalizationLayer,
    GroupSoftmaxLayer,
    L2NormalizationLayer,
    LayerNormalizationLayer,
    LeakyReLULayer,
    LRNLayer,
    MaxPooling1DLayer,
    MaxPoolingLayer,
    MemoryMaxPoolingLayer,
    MemoryReLULayer,
    MergeLayer,
    PaddingLayer,
    ReLULayer,
    ReshapeLayer,
    ScatterLayer,
    SigmoidLayer,
    SoftmaxNormalizationLayer,
    TanhLayer,
)

MAPS = torch.randn(3, 8, 6, 5)
LAYERS = [
    AveragePoolingLayer(3, 2, "SAME"), BatchNormalizationLayer(), CollapseOutLayer(2), DropoutLayer(0.8),
    CollapseOutLayer(4, type="average_out"), GELULayer(), GlobalPoolingLayer(), GlobalPoolingLayer("max"),
    GroupNormalizationLayer(4), GroupSoftmaxLayer(2), GroupSoftmaxLayer(2, use_temperature=True),
    GroupSoftmaxLayer(4, concat_output=False), L2NormalizationLayer(), LayerNormalizationLayer(),
    LeakyReLULayer(), LRNLayer(), MaxPoolingLayer(3, 2, "SAME"), PaddingLayer([1, 2]), SigmoidLayer(),
    MaxPoolingLayer(2, 2, get_argmax_idx=True), MemoryMaxPoolingLayer(2, 2), MemoryReLULayer(), ReLULayer(),
    ReshapeLayer(), ReshapeLayer([2, 4, -1]), ScatterLayer([3, 5]), TanhLayer(),
    SoftmaxNormalizationLayer(4, use_temperature=True),
]  # fmt: skip
CASES = [(layer, (MAPS,)) for layer in LAYERS] + [
    (MaxPooling1DLayer(3, 2, "SAME"), (MAPS.flatten(2),)),
    (ColorizationReLULayer(), (MAPS, MAPS[:, :3])),
    (ConcatLayer(), (MAPS, MAPS[:, :3])),
    (MergeLayer(), (MAPS, MAPS)),
]
IDS = [f"{type(layer).__name__}-{layer.extra_repr()}" for layer, _ in CASES]
every = pytest.mark.parametrize(("layer", "signals"), CASES, ids=IDS)


def _made(layer, signals):
    """A clone that is set up and evaluates, and what it is given as one value."""
    return layer.get_clone().setup(*signals).eval(), list(signals) if len(signals) > 1 else signals[0]


@every
def test_a_call_returns_what_it_keeps_and_leaves_its_input_alone(layer, signals):
    fresh, before = layer.get_clone(), [signal.clone() for signal in signals]

    value = fresh(*signals)

    assert value is fresh.data
    assert fresh.is_setup
    assert all(torch.equal(now, was) for now, was in zip(signals, before, strict=True))


@every
def test_the_same_comes_out_of_copies_and_of_what_was_saved(layer, signals):
    made, signal = _made(layer, signals)
    value, saved = made(signal), layer.get_clone()
    saved.load_state_dict(made.state_dict())

    for other in (made.get_clone(), made.get_copy(), pickle.loads(pickle.dumps(made)), saved.eval()):
        torch.testing.assert_close(other(signal), value, rtol=0, atol=0)


@every
def test_it_compiles_in_one_graph(layer, signals):
    made, signal = _made(layer, signals)
    torch.compiler.reset()

    compiled = torch.compile(made.forward, fullgraph=True, backend="eager")

    torch.testing.assert_close(compiled(signal), made(signal))


@every
def test_it_is_exported_for_batches_of_any_size(layer, signals):
    made, signal = _made(layer, signals)
    batch = {0: torch.export.Dim("batch")}
    several = isinstance(signal, list)

    exported = torch.export.export(
        made, (signal,), dynamic_shapes=([batch] * len(signal) if several else batch,)
    )

    more = [torch.cat([part, -part]) for part in signals]
    again = more if several else more[0]
    torch.testing.assert_close(exported.module()(again), made(again))


@every
def test_half_precision_stays_half(layer, signals):
    made, signal = _made(layer, [signal.bfloat16() for signal in signals])

    value = made(signal)

    parts = value if isinstance(value, list) else [value]
    assert {part.dtype for part in parts} == {torch.bfloat16}
    assert all(part.isfinite().all() for part in parts)


@every
def test_its_gradient_is_that_of_finite_differences(layer, signals):
    made, _ = _made(layer, [signal.double() for signal in signals])
    # Distinct numbers away from 0: the largest of a window, and what is positive, stay the same nearby.
    few = [torch.linspace(-1, 1, 8 * 6 * 5).double()[torch.randperm(8 * 6 * 5)] for _ in signals]
    inputs = [
        f[: s[0].numel()].reshape(1, *s.shape[1:]).requires_grad_() for f, s in zip(few, signals, strict=True)
    ]

    assert torch.autograd.gradcheck(lambda *given: made(*given), inputs, fast_mode=True, eps=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        BatchNormalizationLayer(name="n"), GELULayer(name="n"), GroupNormalizationLayer(4, name="n"),
        GroupSoftmaxLayer(4, name="n"), L2NormalizationLayer(name="n"), LayerNormalizationLayer(name="n"),
        LeakyReLULayer(name="n"),
    ],
)  # fmt: skip
def test_whole_numbers_are_explained(layer):
    with pytest.raises(ValueError, match=r"`n` wants numbers with fractions, found int64 on cpu\. Convert"):
        layer(torch.zeros(2, 8, 3, dtype=torch.int64))


def test_numbers_of_another_precision_are_explained():
    norm = GroupNormalizationLayer(4, name="n")
    norm(MAPS)

    with pytest.raises(
        ValueError, match=r"`n` holds float32 on cpu, found an input of float64 on cpu\. Bring"
    ):
        norm(MAPS.double())


def test_what_was_reshaped_and_dropped_comes_back():
    reshape, dropout = ReshapeLayer(), DropoutLayer()

    assert torch.equal(reshape.backward(reshape(MAPS)), MAPS)
    assert torch.equal(dropout.backward(MAPS), MAPS)


def test_what_cannot_be_reshaped_back_is_explained():
    reshape = ReshapeLayer(name="r")
    with pytest.raises(ValueError, match=r"`r` has not been given an input yet"):
        reshape.backward(MAPS)

    reshape(MAPS)

    with pytest.raises(ValueError, match=r"`backward` of `r` makes samples of 8×6×5 again, found 3×8×6"):
        reshape.backward(MAPS[..., 0])
