"""Filters: the weights of each layer as what they are laid over: maps, colours, or rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from akidlab.atlas import arrange
from akidlab.blocks import Block, SynapseLayer, System
from akidlab.errors import BlockError, KindError
from akidlab.exporter.tree import unwrapped, walk
from akidlab.observers.chosen import chosen

CHOSEN = "filters_to_visual"  # in the bag of a block: which of its filters are drawn


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of one layer.

    Args:
        name: of the layer.
        weights: float32, `[filters, channels, height, width]`; a layer without a map has 1×1 numbers.
        biases: float32, `[filters]`; None without biases.
        total: how many the layer has, which may be more than are taken.
    """

    name: str
    weights: np.ndarray
    biases: np.ndarray | None
    total: int

    @property
    def is_colour(self) -> bool:
        """True for filters of three channels that see a map: of red, green and blue."""
        return self.weights.shape[1] == 3 and min(self.weights.shape[2:]) > 1

    def __len__(self) -> int:
        return len(self.weights)


def layers(module: nn.Module) -> dict[str, nn.Module]:
    """What holds filters within a module, by name: `conv1`, `features/conv1` in a nested system.

    Example:
        >>> list(layers(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Linear(4, 2))))
        ['conv2d0', 'linear0']
    """
    found: dict[str, nn.Module] = {}
    for inner, path, is_leaf in walk(unwrapped(module), "", -1):
        if is_leaf and weight_of(inner) is not None:
            found[path or getattr(inner, "name", type(inner).__name__.lower())] = inner
    return found


def weight_of(module: nn.Module) -> Tensor | None:
    """What a layer lays over its input, None if it holds nothing of two dimensions or more."""
    if isinstance(module, System):
        return None
    for name in module.WEIGHTS if isinstance(module, SynapseLayer) else ("weight",):
        weight = getattr(module, name, None)
        if isinstance(weight, Tensor) and not is_lazy(weight) and weight.dim() >= 2:
            return weight
    return None


def filters(
    module: nn.Module,
    names: Iterable[str] | str | None = None,
    *,
    most: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> dict[str, Filters]:
    """The filters of each layer of a brain, or of any torch module.

    The weights of an inner product that was given a map are laid out as that map. The `bag` of a block may
    say which are taken: `bag={"filters_to_visual": [0, 3]}`.

    Args:
        module: a brain, a block, or a torch module.
        names: of the layers; all of them if left out.
        most: at most so many filters of a layer, the first of them.
        shapes: what layers of torch that know no map are given, by name: `{"linear0": (1, 28, 28)}`.

    Returns:
        By name, in the order in which they run.

    Raises:
        UnknownNameError: if there is no such layer.
        BlockError: if nothing is set up, so that there are no weights yet.
        KindError: if these are no names, or `filters_to_visual` names filters that a layer does not have.

    Example:
        >>> found = filters(nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU()))
        >>> found["conv2d0"].weights.shape, found["conv2d0"].biases.shape
        ((8, 3, 5, 5), (8,))
    """
    known = layers(module)
    if not known and isinstance(module, Block) and not module.is_setup:
        raise BlockError(
            f"`{module.name}` is not set up, so it has no filters yet. Call it with an input first."
        )
    given = shapes or {}
    return {
        name: _of(name, known[name], most, given.get(name))
        for name in chosen("layer with filters", names, known)
    }


def filter_norms(module: nn.Module, names: Iterable[str] | str | None = None) -> dict[str, np.ndarray]:
    """The L2 norm of each filter, without its bias: `[filters]` by the name of the layer.

    Args:
        module: a brain, a block, or a torch module.
        names: of the layers; all of them if left out.

    Raises:
        UnknownNameError: if there is no such layer.

    Example:
        >>> filter_norms(nn.Conv2d(1, 4, 3))["conv2d"].shape
        (4,)
    """
    found = filters(module, names)
    return {
        name: np.sqrt(np.square(one.weights.astype(np.float64)).sum(axis=(1, 2, 3)))
        for name, one in found.items()
    }


def picture_of(one: Filters, layout: str | Mapping[str, object] = "normal", *, gap: int = 1) -> np.ndarray:
    """The filters of a layer as one image: see `akidlab.atlas.arrange`.

    Colours are grey where a weight is zero; the largest weight of the layer has the fullest.

    Returns:
        `[rows, columns]`, or `[rows, columns, 3]` of colours from 0 to 1.
    """
    if not one.is_colour:
        return arrange(one.weights, one.biases, layout, gap=gap)
    fine = one.weights[np.isfinite(one.weights)]
    most = float(np.abs(fine).max()) if fine.size else 0.0
    sheet = arrange(one.weights, one.biases, layout, colour=True, gap=gap)
    return np.clip(0.5 + sheet / (2 * (most or 1.0)), 0, 1)


def _of(name: str, module: nn.Module, most: int | None, given: tuple[int, ...] | None) -> Filters:
    weight, bias = weight_of(module), _bias_of(module)
    assert weight is not None
    with torch.no_grad():
        weight = weight.detach()
        if _counts_outputs_second(module):
            weight = weight.transpose(0, 1)
        total = len(weight)
        rows = _rows(name, module, total)
        if rows is not None:
            weight, bias = weight[rows], None if bias is None else bias[rows]
        if most is not None:
            weight, bias = weight[:most], None if bias is None else bias[:most]
        laid = _laid(weight, module, given).float().cpu().numpy()
        held = None if bias is None else bias.float().cpu().numpy()
    return Filters(name, laid, held, total)


def _bias_of(module: nn.Module) -> Tensor | None:
    weight, bias = weight_of(module), getattr(module, "bias", None)
    if not isinstance(bias, Tensor) or weight is None or bias.dim() != 1:
        return None
    outputs = weight.shape[1] if _counts_outputs_second(module) else weight.shape[0]
    return bias.detach() if len(bias) == outputs else None


def _counts_outputs_second(module: nn.Module) -> bool:
    if isinstance(module, SynapseLayer):
        return module.OUTPUTS == 1
    return isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d))


def _rows(name: str, module: nn.Module, total: int) -> list[int] | None:
    bag: dict[str, Any] = module.bag if isinstance(module, Block) else {}
    asked = bag.get(CHOSEN)
    if asked is None:
        return None
    rows = [asked] if isinstance(asked, int) else list(asked)
    if any(not isinstance(row, int) or not -total <= row < total for row in rows):
        raise KindError(
            f"`{name}` has {total} filters, 0 to {total - 1}; `{CHOSEN}` in its bag is {asked!r}."
        )
    return rows


def _laid(weight: Tensor, module: nn.Module, given: tuple[int, ...] | None) -> Tensor:
    """The weights as `[filters, channels, height, width]`."""
    if weight.dim() == 2:
        shape = _map_of(module, weight.shape[1], given)
        return weight.reshape(len(weight), *(shape or (1, 1, weight.shape[1])))
    if weight.dim() == 3:
        return weight.unsqueeze(2)
    return weight.reshape(*weight.shape[:3], -1) if weight.dim() > 4 else weight


def _map_of(module: nn.Module, inputs: int, given: tuple[int, ...] | None) -> tuple[int, int, int] | None:
    """The map that the weights of an inner product are laid over, None if it was no map."""
    shape: Any = given
    if shape is None and isinstance(module, Block) and isinstance(module.in_shape, tuple):
        shape = module.in_shape[1:]
    if shape is None or len(shape) != 3 or int(np.prod(shape)) != inputs:
        return None
    return tuple(int(size) for size in shape)  # type: ignore[return-value]
