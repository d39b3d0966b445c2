"""Examples: signals of the shapes that a system was set up with, kept without their numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from akidlab.blocks.signal import Signal


def example_of(signal: Signal) -> Signal:
    """What is needed to make a signal of the same shapes and types, without its numbers."""
    if isinstance(signal, (list, tuple)):
        return [example_of(part) for part in signal]
    return torch.empty_like(signal, device="meta") if isinstance(signal, Tensor) else signal


def made_like(example: Signal, root: nn.Module) -> Signal:
    """Zeros of the shapes and types of `example`, where `root` is and of the type of its numbers."""
    if isinstance(example, list):
        return [made_like(part, root) for part in example]
    if not isinstance(example, Tensor):
        return example
    held = next((p for p in root.parameters() if p.is_floating_point()), None)
    kind = held.dtype if held is not None and example.is_floating_point() else example.dtype
    return torch.zeros(example.shape, dtype=kind, device=None if held is None else held.device)
