"""Flattening: the elements of any tensor in one row."""

from __future__ import annotations

import torch
from torch import Tensor


def flat(tensor: Tensor) -> Tensor:
    """The elements of a tensor in one row, as they lie in memory; copied only where there is no other way.

    Of a sparse tensor those that are there; of complex numbers their sizes.

    Example:
        >>> flat(torch.tensor([[1, 2], [3, 4]]).T).tolist()
        [1, 2, 3, 4]
    """
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values() if tensor.is_sparse else tensor.to_dense()
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = tensor.abs()
    if tensor.is_contiguous():
        return tensor.view(-1)
    return tensor.as_strided((tensor.numel(),), (1,)) if _is_dense(tensor) else tensor.reshape(-1)


def _is_dense(tensor: Tensor) -> bool:
    """Whether its elements fill one stretch of memory, in whatever order (channels last, transposed)."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True
