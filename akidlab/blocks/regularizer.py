"""Regularisers: what weights cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from akidlab.errors import BlockError, unknown
from akidlab.nn import regularizers


@dataclass(frozen=True, slots=True)
class Regularizer:
    """Weight decay: `l2` costs scale · Σw²/2, `l1` costs scale · Σ|w|.

    Example:
        >>> import torch
        >>> Regularizer("l2", 0.5)([torch.tensor([1.0, 2.0])])
        tensor(1.2500)
    """

    type: str
    scale: float

    def __call__(self, weights: Iterable[Tensor]) -> Tensor | None:
        """What these weights cost, None where there are none."""
        costs = [regularizers.compute(self.type, weight) for weight in weights]
        return self.scale * sum(costs[1:], costs[0]) if costs else None


def get(wd: object) -> Regularizer | None:
    """The regulariser that `{"type": "l2", "scale": 5e-4}` describes, None for None.

    Raises:
        UnknownNameError: if the type is not known.
        BlockError: if it is not written so.
    """
    if wd is None or isinstance(wd, Regularizer):
        return wd
    if not isinstance(wd, Mapping) or set(wd) != {"type", "scale"}:
        raise BlockError(f'`wd` is written as {{"type": "l2", "scale": 5e-4}}, found {wd!r}.')
    if wd["type"] not in regularizers.TYPES:
        raise unknown("type of weight decay", str(wd["type"]), regularizers.TYPES)
    if isinstance(wd["scale"], bool) or not isinstance(wd["scale"], (int, float)) or wd["scale"] < 0:
        raise BlockError(f"The `scale` of `wd` is a number of 0 or more, found {wd['scale']!r}.")
    return Regularizer(str(wd["type"]), float(wd["scale"]))
