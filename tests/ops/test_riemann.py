"""Metrics against their definitions."""

from __future__ import annotations

import pytest
import torch

from akidlab import ConvolutionLayer, GraphSystem, InnerProductLayer, ReLULayer, SequentialSystem
from akidlab.errors import DataError
from akidlab.ops import image_ops, layer_metrics, nn_riemannic_metric, pullback_metric


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def test_the_metric_of_a_layer_is_the_second_moment_of_what_it_emits_cut_at_zero():
    W, b, root = randn(4, 3), randn(4), randn(3, 3)
    points = torch.cat([root, -root], dim=1)  # of mean 0, and of second moment K
    K = points @ points.T / 6

    emitted = W @ points + b[:, None]

    expected = torch.relu(emitted @ emitted.T / 6)
    torch.testing.assert_close(nn_riemannic_metric(K, W, b), expected)


def test_the_metric_of_a_convolution_counts_all_positions_of_its_window():
    W, K = randn(5, 3, 2, 2), randn(3, 3)
    K = K @ K.T

    by_channel = nn_riemannic_metric(K, W)

    torch.testing.assert_close(by_channel, nn_riemannic_metric(torch.kron(K, torch.eye(4, dtype=K.dtype)), W))
    torch.testing.assert_close(
        by_channel, torch.relu(sum(W[:, :, i, j] @ K @ W[:, :, i, j].T for i in (0, 1) for j in (0, 1)))
    )


def test_normalised_weights_have_length_one_and_metrics_go_from_layer_to_layer():
    first = nn_riemannic_metric(None, randn(6, 3), need_to_normalize_weights=True)
    second = nn_riemannic_metric(first, randn(2, 6), randn(2))

    torch.testing.assert_close(first.diagonal(), torch.ones(6, dtype=torch.float64))
    assert second.shape == (2, 2)


@pytest.mark.parametrize(
    ("K", "W", "b", "message"),
    [
        (None, torch.ones(3), None, "`W` is outputs×inputs.*found 3"),
        (torch.ones(2, 2), torch.ones(4, 3), None, "row for each of 3 inputs.*found 2×2"),
        (None, torch.ones(4, 3), torch.ones(3), "one number for each of the 4 outputs, found 3"),
    ],
)
def test_shapes_that_do_not_fit_are_told(K, W, b, message: str):
    with pytest.raises(DataError, match=message):
        nn_riemannic_metric(K, W, b)


def test_the_metric_of_an_input_measures_how_far_the_output_moves():
    W, x, step = randn(3, 4), randn(2, 2), 1e-6 * randn(4)

    def function(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(W @ x.flatten())

    metric = pullback_metric(function, x)

    moved = (function(x + step.reshape(2, 2)) - function(x)).square().sum()
    assert float(step @ metric @ step) == pytest.approx(float(moved), rel=1e-4)


def test_a_metric_of_the_output_is_pulled_back_too():
    A, B, x = randn(3, 4), randn(2, 3), randn(4)

    through = pullback_metric(lambda x: A @ x, x, pullback_metric(lambda y: B @ y, A @ x))

    torch.testing.assert_close(through, pullback_metric(lambda x: B @ A @ x, x))
    with pytest.raises(DataError, match="The metric of 3 outputs is 3×3 numbers, found 2×2"):
        pullback_metric(lambda x: A @ x, x, torch.eye(2))


def test_the_metrics_of_a_brain_go_from_layer_to_layer_and_through_flattened_maps():
    inner = SequentialSystem(name="inner").attach(InnerProductLayer(out_channel_num=3, name="ip"))
    system = SequentialSystem(name="s").attach(
        ConvolutionLayer(ksize=3, out_channel_num=2, name="conv"), ReLULayer(), inner
    )
    system.setup(torch.zeros(1, 1, 4, 4), seed=0)

    found = layer_metrics(system)

    conv, ip = system["conv"], inner["ip"]
    assert list(found) == ["conv", "inner.ip"]
    torch.testing.assert_close(found["conv"], nn_riemannic_metric(None, conv.weight, conv.bias))
    per_position = torch.kron(found["conv"], torch.eye(16))
    torch.testing.assert_close(found["inner.ip"], nn_riemannic_metric(per_position, ip.weight, ip.bias))


def test_layers_that_are_no_chain_are_told():
    apart = GraphSystem(name="g").attach(
        InnerProductLayer(out_channel_num=2, name="a"),
        InnerProductLayer(out_channel_num=2, name="b", inputs=[{"name": "system_in"}]),
    )

    with pytest.raises(DataError, match="`b` has 3 inputs, which are no maps of the 2 outputs before it"):
        layer_metrics(apart.setup(torch.zeros(1, 3)))
    with pytest.raises(DataError, match="`empty` has no layers with weights"):
        layer_metrics(GraphSystem(name="empty"))


def test_an_image_is_rescaled_by_its_largest_number_and_darkness_stays():
    assert image_ops.rescale_image(torch.tensor([[0, 51], [102, 255]])).tolist() == [
        [0, pytest.approx(0.2)],
        [pytest.approx(0.4), 1],
    ]
    assert image_ops.rescale_image(torch.zeros(2)).tolist() == [0, 0]
