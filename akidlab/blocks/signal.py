"""Signals: what flows between blocks, one tensor or a list of them, and how its shape is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Signal: TypeAlias = Any  # a tensor, or a list of tensors: akid's rule 6
Shape: TypeAlias = "tuple[int, ...] | list[Shape] | None"


def pack(inputs: Sequence[Signal]) -> Signal:
    """What a block is given: nothing, one value as it is, several as a list."""
    if len(inputs) == 1:
        return list(inputs[0]) if isinstance(inputs[0], tuple) else inputs[0]
    return list(inputs) if inputs else None


def listed(signal: Signal) -> list[Tensor]:
    """A signal as a list, however many tensors it holds."""
    return signal if isinstance(signal, list) else [signal]


def moved(signal: Signal, device: torch.device) -> Signal:
    """A signal on a device."""
    if isinstance(signal, list):
        return [moved(part, device) for part in signal]
    return signal.to(device) if isinstance(signal, Tensor) else signal


def shape_of(signal: Signal) -> Shape:
    """The shape of a tensor, a list of shapes for a list, None for what has none."""
    if isinstance(signal, (list, tuple)):
        return [shape_of(part) for part in signal]
    return tuple(signal.shape) if isinstance(signal, Tensor) else None


def batch_of(signals: Iterable[Signal]) -> int:
    """How many samples the first tensor holds that has a batch dimension."""
    return next((s.shape[0] for s in signals if isinstance(s, Tensor) and s.dim() > 0), 1)


def told(shape: Shape, *, batch: bool = True) -> str:
    """A shape as people read it.

    Example:
        >>> told((64, 1, 28, 28)), told((64, 1, 28, 28), batch=False), told(())
        ('N×1×28×28', '1×28×28', 'scalar')
    """
    if shape is None:
        return "?"
    if isinstance(shape, list):
        return ", ".join(told(part, batch=batch) for part in shape)
    if not shape:
        return "scalar"
    sizes = [*(["N"] if batch or len(shape) == 1 else []), *map(str, shape[1:])]
    return "×".join(sizes)


def found(signal: Signal) -> str:
    """The exact shape of a signal, for an error.

    Example:
        >>> found([torch.zeros(64, 10), torch.zeros(64), torch.tensor(1)])
        '[64×10, shape [64], a scalar]'
    """
    if isinstance(signal, (list, tuple)):
        return "[" + ", ".join(found(part) for part in signal) + "]"
    if isinstance(signal, Tensor):
        if signal.dim() == 1:  # `64` alone would read as a number
            return f"shape [{signal.shape[0]}]"
        return "×".join(map(str, signal.shape)) or "a scalar"
    return type(signal).__name__
