"""Memories of feedbacks: the past of each sample goes with it to its tower, and comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks.feedback import Memory
from akidlab.parallel.spread import each


@contextmanager
def cut(
    modules: Sequence[list[nn.Module]], devices: Sequence[torch.device], sizes: Sequence[int]
) -> Iterator[None]:
    """Cut the memories of the first tower for all of them; at the end it has them whole again.

    Args:
        modules: of each tower, in the same order.
        devices: where each tower works.
        sizes: how many samples each tower works on.
    """
    alike: list[tuple[Any, ...]] = [
        some for some in zip(*modules, strict=True) if isinstance(some[0], Memory)
    ]
    before = [{kept: getattr(memories[0], kept) for kept in _kept(memories[0])} for memories in alike]
    for memories, whole in zip(alike, before, strict=True):
        for kept, value in whole.items():
            parts = _cut(value, devices, sizes)
            for memory, part in zip(memories, parts, strict=True):
                setattr(memory, kept, part)
    after = before
    try:
        yield
        after = [
            {kept: _joined([getattr(memory, kept) for memory in memories], sizes) for kept in whole}
            for memories, whole in zip(alike, before, strict=True)
        ]
    finally:
        for memories, whole in zip(alike, after, strict=True):
            for kept, value in whole.items():
                setattr(memories[0], kept, value)


def _kept(memory: Memory) -> tuple[str, ...]:
    return ("trained", "window") if memory.training else ("validated",)


def _cut(value: Any, devices: Sequence[torch.device], sizes: Sequence[int]) -> list[Any]:
    lengths: set[int] = set()
    each(lambda tensor: lengths.add(len(tensor)) if tensor.dim() else None, value)
    if lengths - {sum(sizes)}:  # of a batch of another size: these samples cannot go on from there
        return [type(value)() for _ in sizes]

    def part(number: int) -> Any:
        return each(
            lambda t: (t.split(list(sizes))[number] if t.dim() else t).to(devices[number]),
            value,
        )

    return [part(number) for number in range(len(sizes))]


def _joined(parts: list[Any], sizes: Sequence[int]) -> Any:
    first = parts[0]
    if isinstance(first, Tensor):
        moved = [part.to(first.device) for part in parts]
        if first.dim():
            return torch.cat(moved)
        return torch.stack([m * n / sum(sizes) for m, n in zip(moved, sizes, strict=True)]).sum()
    if isinstance(first, Mapping):
        return {key: _joined([part[key] for part in parts], sizes) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_joined(list(some), sizes) for some in zip(*parts, strict=True))
    return first
