"""Tensors in whatever a module takes or gives: tuples, dicts and outputs that are objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

_STRIDED = torch.strided


def tensors_of(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in a value, each with the path to it: the indices and names on the way, joined by dots.

    Example:
        >>> [path for path, _ in tensors_of((torch.ones(2), {"state": torch.ones(3)}))]
        ['0', '1.state']
    """
    if isinstance(value, Tensor):
        yield path, value
        return
    for name, part in _parts(value):
        yield from tensors_of(part, f"{path}.{name}" if path else str(name))


def _parts(value: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))


def is_shown(tensor: Tensor) -> bool:
    """True for a tensor of real numbers that is more than one number: what a distribution can be shown of."""
    return (
        tensor.dim() > 0 and tensor.is_floating_point() and tensor.layout is _STRIDED and not tensor.is_meta
    )


def detached(value: Any) -> Any:
    """The value with its tensors detached from their graphs, in tuples, lists and dicts, too."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, Mapping):
        return {name: detached(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [detached(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


def answer_of(output: Any) -> Tensor | None:
    """What a network answers: its output, the `logits` of one that is an object, else its first tensor."""
    if isinstance(output, Tensor):
        return output.detach()
    named = dict(tensors_of(output))
    found = named.get("logits", next((t for t in named.values() if is_shown(t)), None))
    return None if found is None else found.detach()
