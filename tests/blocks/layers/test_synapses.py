"""What holds for every layer with weights, and what single ones compute."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from akidlab import (
    Brain,
    ColorfulConvLayer,
    Convolution1DLayer,
    ConvolutionLayer,
    DeconvolutionLayer,
    Embedding,
    EmbeddingLayer,
    EquivariantProjectionLayer,
    FixedWeightInnerProductLayer,
    InnerProductLayer,
    InvariantInnerProductLayer,
    SelfNormalizedConvolutionLayer,
    SeparableConvolutionLayer,
)

torch.manual_seed(0)
MAPS, COLORS, WORDS = torch.randn(2, 4, 9, 8), torch.randn(2, 3, 9, 8), torch.tensor([[0, 2], [4, 4]])

LAYERS = {
    "inner product": (lambda **o: InnerProductLayer(out_channel_num=3, **o), MAPS),
    "invariant": (lambda **o: InvariantInnerProductLayer(out_channel_num=3, **o), MAPS),
    "convolution": (lambda **o: ConvolutionLayer(3, 2, out_channel_num=3, bn=True, **o), MAPS),
    "depthwise": (lambda **o: ConvolutionLayer(3, depthwise=True, **o), MAPS),
    "self-normalised": (lambda **o: SelfNormalizedConvolutionLayer(3, out_channel_num=3, **o), MAPS),
    "over a sequence": (lambda **o: Convolution1DLayer(3, out_channel_num=3, **o), MAPS[..., 0]),
    "transposed": (lambda **o: DeconvolutionLayer(3, 2, out_channel_num=3, **o), MAPS),
    "separable": (lambda **o: SeparableConvolutionLayer(3, out_channel_num=3, **o), MAPS),
    "equivariant": (lambda **o: EquivariantProjectionLayer(2, out_channel_num=3, **o), MAPS),
    "colourful": (lambda **o: ColorfulConvLayer(3, out_channel_num=3, **o), [MAPS, COLORS]),
    "embedding": (lambda **o: EmbeddingLayer(5, 3, **o), WORDS),
}
OF_NUMBERS = {name: case for name, case in LAYERS.items() if name != "embedding"}  # which reads words
every = pytest.mark.parametrize(("make", "signal"), LAYERS.values(), ids=LAYERS)
every_one_of_numbers = pytest.mark.parametrize(("make", "signal"), OF_NUMBERS.values(), ids=OF_NUMBERS)


@every
def test_a_layer_loads_before_set_up_what_another_saved(make, signal):
    layer, fresh = make(), make()
    value = layer(signal)

    fresh.load_state_dict(layer.state_dict())

    assert fresh.is_setup
    torch.testing.assert_close(fresh.eval()(signal), layer.eval()(signal))
    assert value.shape == fresh.data.shape


@every
def test_a_layer_trains_and_is_copied(make, signal):
    layer = make(max_norm=1.0, wd={"type": "l2", "scale": 0.1}, moving_average_decay=0.9)
    (layer(signal).square().sum() + layer.setup(signal).loss).backward()

    shared, clone = layer.get_copy(), copy.deepcopy(layer)

    assert all(p.grad is not None for p in layer.parameters())
    assert all(p is q for p, q in zip(layer.parameters(), shared.parameters(), strict=True))
    torch.testing.assert_close(clone.eval()(signal), layer.eval()(signal))


@every
def test_a_layer_compiles_and_exports_as_one_graph(make, signal):
    torch.compiler.reset()
    layer = make().setup(signal).eval()

    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    program = torch.export.export(layer, (signal,))

    torch.testing.assert_close(compiled(signal), layer(signal))
    torch.testing.assert_close(program.module()(signal), layer(signal))


@every_one_of_numbers
def test_a_layer_takes_on_the_type_of_its_input(make, signal):
    doubled = [s.double() for s in signal] if isinstance(signal, list) else signal.double()

    assert make()(doubled).dtype == torch.float64


@every
def test_a_layer_says_what_it_is(make, signal):
    layer = make(name="mine")
    unknown = repr(layer)
    layer(signal)

    assert unknown.startswith(f"mine: {type(layer).__name__}(")
    assert unknown.endswith("not set up")
    assert "parameters" in repr(layer)
    assert "?" not in repr(layer)


@pytest.mark.parametrize(
    ("make", "signal", "wrong", "message"),
    [
        (
            *LAYERS["invariant"],
            MAPS[:, :3],
            r"`invariant_ip` wants 4 channels, found 3 in an input of 2×3×9×8",
        ),
        (*LAYERS["depthwise"], MAPS[:, :3], r"`conv` wants 4 channels, found 3"),
        (*LAYERS["over a sequence"], MAPS[:, :3, :, 0], r"`conv` wants 4 channels, found 3"),
        (*LAYERS["transposed"], MAPS[:, :3], r"`deconv` wants 4 channels, found 3"),
        (*LAYERS["separable"], MAPS[:, :3], r"`sepconv` wants 4 channels, found 3"),
        (
            *LAYERS["equivariant"],
            MAPS[:, :3],
            r"`equivariant` wants channels for each of 2 elements of a group",
        ),
        (*LAYERS["equivariant"], MAPS[:, :2], r"`equivariant` wants 2 channels per element, found 1"),
        (*LAYERS["colourful"], MAPS, r"`colorful` wants \[feature maps, colour map\], each of N×channels"),
        (
            *LAYERS["colourful"],
            [MAPS, COLORS[..., 1:]],
            r"`colorful` wants feature maps and a colour map of one",
        ),
        (*LAYERS["embedding"], WORDS + 1, r"`embedding` has rows 0 to 4, found numbers from 1 to 5"),
        (*LAYERS["embedding"], WORDS.float(), r"`embedding` wants whole numbers, found float32 on cpu"),
    ],
)
def test_another_input_after_set_up_is_explained(make, signal, wrong, message):
    layer = make()
    layer(signal)

    with pytest.raises(ValueError, match=message):
        layer(wrong)


def test_weights_of_another_shape_are_not_loaded():
    state = SeparableConvolutionLayer(5, out_channel_num=3).setup(MAPS).state_dict()

    with pytest.raises(
        RuntimeError, match=r"`sepconv` has a depthwise_weight of any×1×3×3, while the state dict"
    ):
        SeparableConvolutionLayer(3, out_channel_num=3).load_state_dict(state)


def test_fixed_weights_project_and_do_not_learn():
    weights = torch.randn(3, 8)
    brain = Brain().attach(FixedWeightInnerProductLayer(weights=weights.numpy(), name="fixed"))

    value = brain(MAPS[:, 0, 0])

    torch.testing.assert_close(value, MAPS[:, 0, 0] @ weights.T)
    assert brain.num_parameters() == 0
    assert brain.state_dict()["fixed.weight"].equal(weights)
    assert "8 → 3, fixed" in repr(brain)


def test_fixed_weights_tell_what_they_want():
    with pytest.raises(
        ValueError, match=r"`weights` of `fixed_ip` is a matrix \[out, in\], found shape \[3\]"
    ):
        FixedWeightInnerProductLayer(weights=[1, 2, 3])
    with pytest.raises(ValueError, match=r"`fixed_ip` wants 2 numbers per sample, found 2×3\. Its `weights`"):
        FixedWeightInnerProductLayer(weights=[[1, 2]])(torch.zeros(2, 3))


def test_an_invariant_inner_product_does_not_see_where_things_are():
    layer = InvariantInnerProductLayer(out_channel_num=3)

    torch.testing.assert_close(layer(MAPS), layer(MAPS.roll((2, 3), dims=(2, 3))))


def test_exchanging_elements_of_a_group_exchanges_what_they_emit():
    layer, signal = EquivariantProjectionLayer(3, strides=2, out_channel_num=5), torch.randn(2, 6, 5, 5)

    value = layer(signal)

    swapped = signal.unflatten(1, (3, 2))[:, [2, 0, 1]].flatten(1, 2)
    torch.testing.assert_close(layer(swapped), value.unflatten(1, (3, 5))[:, [2, 0, 1]].flatten(1, 2))
    one = nn.functional.conv2d(signal[:, :2], layer.weight, layer.bias, 2)
    torch.testing.assert_close(value[:, :5], one)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("options", [{}, {"same_ksize": True}, {"use_bn": False}])
def test_exchanging_colours_changes_nothing_or_exchanges_groups(padding, options):
    invariant = ColorfulConvLayer(3, 2, padding, out_channel_num=5, **options)
    equivariant = ColorfulConvLayer(3, 2, padding, out_channel_num=5, equivariant=True, **options)
    value = invariant(MAPS, COLORS)
    equivariant.setup(MAPS, COLORS).load_state_dict(invariant.state_dict())
    groups = equivariant(MAPS, COLORS).unflatten(1, (3, 5))

    torch.testing.assert_close(invariant(MAPS, COLORS.flip(1)), value)
    torch.testing.assert_close(equivariant(MAPS, COLORS.flip(1)), groups.flip(1).flatten(1, 2))
    torch.testing.assert_close(groups.amax(1), value)


def test_a_colour_is_seen_at_the_centre_of_the_window():
    layer = ColorfulConvLayer(5, 2, "VALID", out_channel_num=1, use_bn=False, initial_bias_value=None)
    layer.setup(MAPS, COLORS)
    with torch.no_grad():
        layer.weight.zero_(), layer.color_weight.fill_(1)

    torch.testing.assert_close(layer(MAPS, COLORS)[:, 0], COLORS[:, :, 2:7:2, 2:6:2].amax(1))


def test_an_embedding_looks_up_rows_as_torch_does():
    layer, twin = Embedding(5, 3), nn.Embedding(5, 3)

    value = layer(WORDS)

    twin.load_state_dict(layer.state_dict())
    torch.testing.assert_close(value, twin(WORDS))
    assert EmbeddingLayer(1000, 100).setup(seed=0).weight.std().item() == pytest.approx(1, rel=0.02)
