from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akidlab import Brain, ConvolutionLayer, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer
from akidlab.errors import BlockError, DataError, KindError, UnknownNameError
from akidlab.observers import (
    answers,
    feature_maps,
    filter_norms,
    filters,
    occlusion,
    picture_of,
    relu_sparsity,
    saliency,
)  # fmt: skip


@pytest.fixture
def brain() -> Brain:
    made = Brain(name="small").attach(
        ConvolutionLayer(3, out_channel_num=4, name="conv1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=3, name="ip1"),
        SoftmaxWithLossLayer(
            class_num=3, name="loss", inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    made.setup([torch.zeros(2, 2, 6, 6), torch.tensor([0, 1])], seed=0)
    return made


IMAGES = torch.rand(5, 2, 6, 6, generator=torch.Generator().manual_seed(0))


def test_filters_are_the_weights_and_those_of_an_inner_product_lie_over_the_map(brain: Brain) -> None:
    found = filters(brain)

    assert list(found) == ["conv1", "ip1"]
    np.testing.assert_array_equal(found["conv1"].weights, brain["conv1"].weight.detach().numpy())
    assert found["ip1"].weights.shape == (3, 4, 6, 6)
    np.testing.assert_array_equal(found["ip1"].biases, np.zeros(3))


def test_a_bag_says_which_filters_are_drawn(brain: Brain) -> None:
    brain["conv1"].bag["filters_to_visual"] = [2, 0]

    found = filters(brain)["conv1"]

    np.testing.assert_array_equal(found.weights, brain["conv1"].weight.detach().numpy()[[2, 0]])
    assert found.total == 4
    brain["conv1"].bag["filters_to_visual"] = [7]
    with pytest.raises(KindError, match="`conv1` has 4 filters, 0 to 3"):
        filters(brain)


def test_a_layer_without_biases_has_none(brain: Brain) -> None:
    layer = ConvolutionLayer(3, out_channel_num=2, initial_bias_value=None, name="bare")
    layer.setup(torch.zeros(1, 1, 5, 5))

    found = filters(layer)["bare"]

    assert found.biases is None
    assert picture_of(found).shape == (7, 3)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Conv1d(2, 4, 3), (4, 2, 1, 3)),
        (nn.Conv3d(1, 2, 3), (2, 1, 3, 9)),
        (nn.ConvTranspose2d(5, 2, 3), (2, 5, 3, 3)),
        (nn.Linear(7, 2), (2, 1, 1, 7)),
    ],
)
def test_layers_of_torch_have_filters_too(module: nn.Module, shape: tuple[int, ...]) -> None:
    (found,) = filters(module).values()

    assert found.weights.shape == shape
    assert found.biases is not None


def test_three_channels_are_drawn_in_colour_with_grey_for_zero() -> None:
    conv = nn.Conv2d(3, 2, 2)
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0] = 3.0

    sheet = picture_of(filters(conv)["conv2d"])

    assert sheet.shape == (5, 4, 3)
    np.testing.assert_allclose(sheet[0, 0], [1.0, 0.5, 0.5])


def test_a_misspelt_layer_is_told_the_nearest(brain: Brain) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `conv1`"):
        filters(brain, "convl")


def test_a_brain_that_is_not_set_up_says_so() -> None:
    with pytest.raises(BlockError, match="is not set up"):
        filters(Brain().attach(ConvolutionLayer(3, out_channel_num=2)))


def test_norms_are_those_of_torch(brain: Brain) -> None:
    expected = brain["conv1"].weight.detach().flatten(1).norm(dim=1).numpy()

    np.testing.assert_allclose(filter_norms(brain)["conv1"], expected, rtol=1e-6)


def test_feature_maps_are_what_blocks_emit(brain: Brain) -> None:
    found = feature_maps(brain, IMAGES)

    assert {name: maps.shape for name, maps in found.items()} == {
        "conv1": (5, 4, 6, 6), "relu1": (5, 4, 6, 6), "ip1": (5, 3),
    }  # fmt: skip
    np.testing.assert_array_equal(found["relu1"], np.maximum(found["conv1"], 0))
    np.testing.assert_array_equal(found["ip1"], brain.infer(IMAGES).detach().numpy())


def test_looking_leaves_no_trace(brain: Brain) -> None:
    brain.attach(nn_dropout := ReLULayer(name="late"))
    labels = torch.tensor([0, 1, 2, 0, 1])
    brain.train()
    brain([IMAGES, labels])
    kept, state = brain["conv1"].data, {k: v.clone() for k, v in brain.state_dict().items()}
    random = torch.get_rng_state()

    feature_maps(brain, IMAGES[:1])
    saliency(brain, IMAGES[0])
    occlusion(brain, IMAGES[0])
    answers(brain, IMAGES)

    assert brain["conv1"].data is kept
    assert brain.training
    assert nn_dropout.training
    assert all(torch.equal(value, state[name]) for name, value in brain.state_dict().items())
    assert all(parameter.grad is None for parameter in brain.parameters())
    assert not brain["conv1"]._forward_hooks
    assert torch.equal(torch.get_rng_state(), random)


def test_saliency_is_the_size_of_the_gradient_of_the_logit() -> None:
    linear = nn.Linear(6, 2)

    found = saliency(linear, torch.ones(6), target=1)

    np.testing.assert_allclose(found, linear.weight[1].detach().abs().numpy(), rtol=1e-6)


def test_saliency_of_an_image_is_the_largest_of_its_channels(brain: Brain) -> None:
    image = IMAGES[:1].clone().requires_grad_()
    brain.eval()
    logits = brain.infer(image)
    logits[0, int(logits.argmax())].backward()
    assert image.grad is not None

    np.testing.assert_allclose(saliency(brain, IMAGES[0]), image.grad[0].abs().amax(0).numpy(), rtol=1e-5)


class SeesOneCorner(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        seen = 5 * images[:, 0, 0, 0]
        return torch.stack([torch.zeros_like(seen), seen], dim=1)


def test_occlusion_finds_the_corner_that_the_answer_hangs_on() -> None:
    image = torch.zeros(1, 8, 8)
    image[0, 0, 0] = 1.0

    fallen = occlusion(SeesOneCorner(), image, size=2, stride=2)

    assert fallen[:2, :2].min() > 0.3
    np.testing.assert_allclose(fallen[2:], 0.0, atol=1e-6)
    np.testing.assert_allclose(fallen[:, 2:], 0.0, atol=1e-6)


def test_squares_cover_the_whole_image_whatever_the_stride() -> None:
    fallen = occlusion(SeesOneCorner(), torch.rand(1, 7, 9), size=3, stride=3)

    assert fallen.shape == (7, 9)
    assert np.isfinite(fallen).all()


def test_a_class_that_is_not_there_and_a_square_that_does_not_fit_are_told() -> None:
    with pytest.raises(DataError, match="There are 2 classes, 0 to 1; found 2"):
        saliency(nn.Linear(6, 2), torch.ones(6), target=2)
    with pytest.raises(DataError, match="does not fit into 8×8"):
        occlusion(SeesOneCorner(), torch.zeros(1, 8, 8), size=9)
    with pytest.raises(DataError, match="Parts are hidden of an image"):
        occlusion(nn.Linear(6, 2), torch.ones(6))
    with pytest.raises(DataError, match="One sample is"):
        saliency(nn.Linear(6, 2), torch.ones(2, 6))


def test_an_answer_is_probabilities_whether_logits_or_probabilities_are_emitted() -> None:
    logits = torch.tensor([[0.0, 1.0, 3.0]])

    from_logits = answers(nn.Identity(), logits)
    from_shares = answers(nn.Softmax(1), logits)

    np.testing.assert_allclose(from_logits.probabilities, from_shares.probabilities, rtol=1e-6)
    assert from_logits.classes.tolist() == [2]


def test_sparsity_is_the_share_of_zeros() -> None:
    found = relu_sparsity(nn.Sequential(nn.ReLU()), torch.tensor([[-1.0, 2.0, -3.0, 0.0]]))

    assert found == {"relu0": 0.75}
    with pytest.raises(DataError, match="no ReLU"):
        relu_sparsity(nn.Linear(2, 2), torch.ones(1, 2))


def test_weights_that_are_not_finite_are_drawn_all_the_same(brain: Brain) -> None:
    brain["conv1"].weight.data[0] = float("nan")
    brain["conv1"].weight.data[1] = float("inf")

    sheet = picture_of(filters(brain)["conv1"])

    assert sheet.shape[0] > 0
    assert np.isfinite(feature_maps(brain, IMAGES[:1], "conv1")["conv1"][0, 2]).all()
