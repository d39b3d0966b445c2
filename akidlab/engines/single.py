"""The engine of one process: everything is already where it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from torch import Tensor

from akidlab.engines.base import Engine
from akidlab.messages import Command

T = TypeVar("T")


class SingleEngine(Engine):
    """Works in this process alone.

    Example:
        >>> SingleEngine(device="cpu").sum({"count": 3})
        {'count': 3.0}
    """

    def average(self, gradients: Sequence[Tensor], loss: Tensor, flag: bool) -> tuple[Tensor, bool]:
        return loss, flag

    def agree(self, commands: list[Command]) -> list[Command]:
        return commands

    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        return {name: float(value) for name, value in values.items()}

    def any(self, *flags: bool) -> tuple[bool, ...]:
        return flags

    def broadcast(self, value: T, root: int = 0) -> T:
        return value

    def gather(self, value: T) -> list[T]:
        return [value]
