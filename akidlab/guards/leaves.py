"""Leaves: the modules that compute, by the names under which they are watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from akidlab.exporter.tree import called, walk


def leaves(module: nn.Module) -> dict[str, nn.Module]:
    """The leaves of `module` by name: of blocks the innermost ones, of other modules those without children.

    Example:
        >>> list(leaves(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))))
        ['linear0', 'relu0', 'linear1']
    """
    return {name or called(module): leaf for leaf, name, stands in walk(module, "", -1) if stands}


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors in a signal, however it is nested."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for part in value:
            yield from tensors_in(part)
