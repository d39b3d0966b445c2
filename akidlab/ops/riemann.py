"""Riemannian metrics: how a layer, or a whole network, measures what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float


def nn_riemannic_metric(
    K: Float[Tensor, "inputs inputs"] | None,
    W: Float[Tensor, "outputs inputs ..."],
    b: Float[Tensor, " outputs"] | None = None,
    need_to_normalize_weights: bool = False,
) -> Float[Tensor, "outputs outputs"]:
    """The metric of a layer from that of the layer before: `relu(W K Wᵀ + b bᵀ)`.

    The metric between two units is the inner product of their weights, as the metric before measures it;
    those that point away from each other have none. Give each layer what came out for the one before.

    Args:
        K: the metric of the inputs, `[inputs, inputs]`; None for the identity, as for the first layer. For a
            convolution its rows are channels, each position of the window alike, or all numbers of a window.
        W: weights `[outputs, inputs]`, or of a convolution, `[outputs, inputs, height, width]`.
        b: biases `[outputs]`; None for none.
        need_to_normalize_weights: True to bring the weights of each unit to length 1 first.

    Returns:
        The metric of the outputs, symmetric, of no negative numbers.

    Raises:
        DataError: if the shapes do not fit.

    Example:
        >>> nn_riemannic_metric(None, torch.tensor([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]))
        tensor([[1., 1., 0.],
                [1., 2., 0.],
                [0., 0., 1.]])
    """
    if W.dim() not in (2, 4):
        raise DataError(f"`W` is outputs×inputs, with height and width for a convolution; found {_told(W)}.")
    rows = W.flatten(1)
    if need_to_normalize_weights:
        rows = torch.nn.functional.normalize(rows, dim=1)
    metric = _measured(K, rows, W)
    if b is not None:
        if b.shape != (len(W),):
            raise DataError(f"`b` holds one number for each of the {len(W)} outputs, found {_told(b)}.")
        metric = metric + torch.outer(b, b)
    return torch.relu(metric)


def pullback_metric(
    function: Callable[[Tensor], Tensor],
    x: Float[Tensor, " ..."],
    metric: Float[Tensor, "outputs outputs"] | None = None,
) -> Float[Tensor, "inputs inputs"]:
    """The metric that `function` induces on its input at `x`: `Jᵀ G J`, J its derivative there.

    Its eigenvectors are the directions in which a small step changes the output most.

    Args:
        function: takes `x` and gives a tensor; a block in validation mode, for instance.
        x: one point, of any shape; its numbers stand in a row.
        metric: the metric G of the output; by default the identity.

    Raises:
        DataError: if the metric does not fit the output.

    Example:
        >>> pullback_metric(lambda x: x @ torch.tensor([[3.0], [4.0]]), torch.zeros(2))
        tensor([[ 9., 12.],
                [12., 16.]])
    """
    derivative = torch.autograd.functional.jacobian(function, x)
    assert isinstance(derivative, Tensor)
    J = derivative.reshape(-1, x.numel())
    if metric is None:
        return J.T @ J
    if metric.shape != (len(J), len(J)):
        raise DataError(
            f"The metric of {len(J)} outputs is {len(J)}×{len(J)} numbers, found {_told(metric)}."
        )
    return J.T @ metric @ J


def _measured(K: Tensor | None, rows: Tensor, W: Tensor) -> Tensor:
    if K is None:
        return rows @ rows.T
    if K.shape == (rows.shape[1], rows.shape[1]):
        return rows @ K @ rows.T
    if K.shape == (W.shape[1], W.shape[1]):
        windows = rows.reshape(len(W), W.shape[1], -1)
        return torch.einsum("aip,ij,bjp->ab", windows, K, windows)
    raise DataError(
        f"`K` is square, with a row for each of {W.shape[1]} inputs (or of the {rows.shape[1]} numbers of a "
        f"window), found {_told(K)}."
    )


def _told(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
