"""What a doctor sees of one step: a few numbers of each block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from akidlab.guards.finding import Finding

ROWS, FEW = 64, 4  # samples of a batch that are looked at, if they are small, and if they are large
ELEMENTS = 1 << 16


@dataclass(eq=False)
class Units:
    """What the units of a block emitted: of each the lowest and the highest value, and some rows of all."""

    lowest: Tensor
    highest: Tensor
    rows: Tensor
    spread: float = 0.0  # the standard deviation of all
    range: float = 0.0  # between the lowest and the highest, of the unit where that is most

    @property
    def is_constant(self) -> bool:
        """True if no unit tells one sample from another."""
        return len(self.rows) > 1 and self.range <= 1e-6 * self.spread


@dataclass(eq=False)
class Sizes:
    """The norms of a parameter, of its gradient and of its update; None for what was not told."""

    dims: int = 1
    weights: float | None = None
    gradients: float | None = None
    updates: float | None = None

    @property
    def ratio(self) -> float | None:
        """How large the update is beside the weights; None for what begins at 0, as biases do."""
        if self.dims < 2 or not self.weights or self.updates is None:
            return None
        ratio = self.updates / self.weights
        return ratio if ratio == ratio else math.inf  # both beyond what can be squared


@dataclass(eq=False)
class Observed:
    """One step as it was observed; blocks are in the order in which they ran."""

    step: int
    count: int  # how many were examined before
    module: nn.Module
    modules: Mapping[str, nn.Module]
    optimizer: torch.optim.Optimizer | None = None
    others: Sequence[torch.optim.Optimizer] = ()  # whose steps are not looked at
    units: dict[str, Units] = field(default_factory=dict)
    passed_back: set[str] = field(default_factory=set)
    parameters: dict[tuple[str, str], Sizes] = field(default_factory=dict)
    inputs: Tensor | None = None
    answer: Tensor | None = None
    labels: Tensor | None = None
    has_loss: bool = False
    loss: float | None = None  # the first of the step
    spoilt: Finding | None = None  # the first block that emitted a NaN
    uncleared: bool = False  # the gradients of the step before were there when this one went back

    def sizes(self, family: str, key: str) -> Sizes:
        """The sizes of a parameter; `family` is `weight` or `bias`."""
        return self.parameters.setdefault((family, key), Sizes())

    @property
    def ratios(self) -> dict[str, float]:
        """How large the update is beside the weights, of each block with weights."""
        return {key: s.ratio for (_, key), s in self.parameters.items() if s.ratio is not None}

    @property
    def answers(self) -> set[str]:
        """The blocks whose output the loss judges."""
        if self.answer is None:
            return set()
        place = self.answer.data_ptr()
        return {key for key, units in self.units.items() if units.rows.data_ptr() == place}


def units_of(tensor: Tensor) -> Units | None:
    """The units of what a block emitted for a batch; None if it has none."""
    if tensor.dim() < 2 or not tensor.is_floating_point() or not tensor.numel():
        return None
    rows = min(ROWS, max(FEW, ELEMENTS * len(tensor) // tensor.numel()))
    some = tensor.detach()[:rows]
    if some.dim() == 3:  # sequences: features last
        some = some.flatten(0, 1)
    elif some.dim() > 3:  # images: channels second
        some = some.flatten(2).transpose(1, 2).flatten(0, 1)
    lowest, highest = torch.aminmax(some, dim=0)
    return Units(lowest, highest, some)
