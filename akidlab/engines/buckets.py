"""Buckets: many tensors reduced in few messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

LARGE = 1 << 16  # elements: one that has so many goes alone, the copy into a bucket would cost more

Buckets = list[tuple[Tensor, list[Tensor]]]


def pack(tensors: Sequence[Tensor]) -> Buckets:
    """Each large tensor by itself, and the small ones of a kind copied one behind the other.

    Example:
        >>> buckets = pack([torch.zeros(2), torch.ones(3), torch.ones(2, dtype=torch.int64)])
        >>> [flat.tolist() for flat, _ in buckets]
        [[0.0, 0.0, 1.0, 1.0, 1.0], [1, 1]]
    """
    buckets: Buckets = []
    kinds: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        tensor = tensor.detach()
        if tensor.numel() >= LARGE and tensor.is_contiguous():
            buckets.append((tensor, []))
        else:
            kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for small in kinds.values():
        buckets.append((torch.cat([tensor.reshape(-1) for tensor in small]), small))
    return buckets


def unpack(buckets: Buckets) -> None:
    """Put what is in the buckets back into the tensors that they were made of."""
    for flat, small in buckets:
        if small:
            torch._foreach_copy_(small, list(_parts(flat, small)))  # pyright: ignore[reportPrivateImportUsage]


def average(tensors: Sequence[Tensor], size: int, add_up: Callable[[Tensor], Any]) -> None:
    """Replace each tensor by its mean over `size` ranks.

    All buckets are on their way at the same time; each is added up by itself, so that the order of summation,
    and with it the trajectory, is the same in every run.

    Args:
        tensors: the same on every rank, but for their values.
        size: the number of ranks.
        add_up: begins to replace a tensor by its sum over the ranks; what it returns is waited for.
    """
    buckets = pack(tensors)
    for work in [add_up(flat) for flat, _ in buckets]:
        work.wait()
    for flat, _ in buckets:
        flat.div_(size)
    unpack(buckets)


def _parts(flat: Tensor, small: list[Tensor]) -> Iterator[Tensor]:
    for part, tensor in zip(flat.split([tensor.numel() for tensor in small]), small, strict=True):
        yield part.view(tensor.shape)
