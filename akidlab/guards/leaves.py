"""Leaves: the modules that compute, by the names under which they are watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from akidlab.blocks import TorchLayer
from akidlab.exporter.tree import called, walk


def leaves(module: nn.Module) -> dict[str, nn.Module]:
    """The leaves of `module` by name: of blocks the innermost ones, of other modules those without children.

    Example:
        >>> list(leaves(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))))
        ['linear0', 'relu0', 'linear1']
    """
    return {name or called(module): leaf for leaf, name, stands in walk(module, "", -1) if stands}


def inner_leaves(module: nn.Module) -> dict[str, nn.Module]:
    """The leaves, and those of the torch modules that are held by a block."""
    found = {}
    for name, leaf in leaves(module).items():
        if isinstance(leaf, TorchLayer) and list(leaf.module.children()):
            found |= {f"{name}/{inner}": part for inner, part in leaves(leaf.module).items()}
        found[name] = leaf  # after those within it: it is done later
    return found


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors in a signal, however it is nested."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for part in value:
            yield from tensors_in(part)
