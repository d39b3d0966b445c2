"""Numbers of a tensor in which one may count: detached, dense, and of a type that does not overflow soon."""

from __future__ import annotations

import torch
from torch import Tensor

from akidlab.errors import DataError

_EXACT = (torch.float32, torch.float64)


def real(tensor: Tensor) -> Tensor:
    """The values of `tensor`, cut off from its graph, in single precision at least.

    Half precision becomes single, for its sums overflow and lose digits; whole numbers and truth values
    become double where the device has it; sparse gradients become dense.

    Raises:
        DataError: if the numbers are complex.

    Example:
        >>> real(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
        tensor([1., 1.])
    """
    if tensor.is_complex():
        raise DataError(f"A metric takes real numbers, found {tensor.dtype}. Take `abs()` or `.real` first.")
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype in _EXACT:
        return tensor
    whole = not tensor.is_floating_point() and tensor.device.type != "mps"  # which has no double precision
    return tensor.to(torch.float64 if whole else torch.float32)


def matrix(tensor: Tensor) -> Tensor:
    """The values of `tensor` as a matrix: a row for each output, as of a convolution's weights."""
    values = real(tensor)
    return values.reshape(1, -1) if values.dim() < 2 else values.flatten(1)


def samples(tensor: Tensor, dim: int | None = None) -> Tensor:
    """The values of `tensor` as a matrix: a column for each unit, a row for each sample (and position).

    Args:
        tensor: activations: the batch first.
        dim: where the units are; by default the second dimension, the last where there are three.

    Raises:
        DataError: if there are no units apart from samples.

    Example:
        >>> samples(torch.zeros(8, 3, 5, 5)).shape
        torch.Size([200, 3])
    """
    values = real(tensor)
    return values.movedim(unit_dim(values, dim), -1).flatten(0, -2)


def unit_dim(activations: Tensor, dim: int | None = None) -> int:
    """Where the units are.

    Raises:
        DataError: if there are no units apart from samples.
    """
    if activations.dim() < 2:
        raise DataError(
            f"Activations have a batch and units: 2 dimensions or more, found {activations.dim()}."
        )
    return (-1 if activations.dim() == 3 else 1) if dim is None else dim
