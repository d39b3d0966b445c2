"""Units: which outputs of a layer say nothing, whatever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.metrics.numbers import unit_dim

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped


def dead_units(activations: Shaped[Tensor, "batch ..."], dim: int | None = None) -> Float[Tensor, ""]:
    """The share of units that are zero for every sample and position: `|{u : aᵢᵤ = 0 for all i}| / units`.

    Source: L. Lu et al., Dying ReLU and Initialization, arXiv 1903.06733: a unit is dead if it answers every
    input with the same; of a ReLU that is 0.

    Args:
        activations: what a layer with ReLUs gave for a batch.
        dim: where the units are; by default the second dimension, the last where there are three.

    Returns:
        The share; NaN where there are no units.

    Raises:
        DataError: if there are no units apart from samples.

    Example:
        >>> dead_units(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        tensor(0.5000)
    """
    return silent(activations, dim).to(torch.float32).mean()


def silent(activations: Shaped[Tensor, "batch ..."], dim: int | None = None) -> Bool[Tensor, " units"]:
    """Which units are zero for every sample and position.

    Example:
        >>> silent(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        tensor([ True, False])
    """
    shown = activations.detach()
    units = unit_dim(shown, dim) % shown.dim()
    rest = tuple(place for place in range(shown.dim()) if place != units)
    if not shown.numel():  # nothing was said
        return torch.ones(shown.shape[units], dtype=torch.bool, device=shown.device)
    return (shown.amax(rest) == 0) & (shown.amin(rest) == 0)  # far quicker than `all`
