"""What the engines of ranks have in common: how gradients are averaged, and by which way."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from akidlab.engines import neighbours
from akidlab.engines.base import Engine
from akidlab.engines.choosing import Choice, Way
from akidlab.engines.shared import LARGEST, PIECE, Shared, memory_for
from akidlab.errors import DispatchError
from akidlab.messages import Command

VARIABLE = "AKIDLAB_REDUCTION"  # the way that a user wants, whatever it takes

_met: dict[type[Engine], Shared | None] = {}  # once in a process: all kids of a rank have the same neighbours


class RanksEngine(Engine):
    """Averages gradients over processes, those of one host through memory that they share.

    On the CPU several ways may lead to the same bits: shared memory, or what carries all else. The first
    steps of a training tell which is the quickest for gradients of its sizes.

    Args:
        device: where this rank works.
    """

    name: str
    shared: Shared | None = None

    def __init__(self, *, device: torch.device | str | None = None) -> None:
        super().__init__(device=device)
        self._choices: dict[Any, Choice] = {}
        self._choice: Choice | None = None
        wanted = os.environ.get(VARIABLE)
        if wanted not in (None, "shared", self.name):
            raise DispatchError(f"{VARIABLE} is `{wanted}`, expected `shared` or `{self.name}`.")
        if wanted != self.name and self.size > 1 and self.device.type == "cpu" and self._is_one_host():
            self.shared = self._meet_neighbours()
        if wanted == "shared" and self.shared is None and self.size > 1:
            raise DispatchError(
                f"{VARIABLE} is `shared`, but these ranks share no memory: they must be on one host, under"
                " Linux, and work on its CPU."
            )
        self._wanted = wanted

    @property
    def reduction(self) -> dict[str, Any]:
        """How gradients are averaged now, and what was measured; empty until that is known."""
        return {} if self._choice is None or self._choice.chosen is None else self._choice.describe()

    def average(self, gradients: Sequence[Tensor], loss: Tensor, flag: bool) -> tuple[Tensor, bool]:
        if self.device.type != "cpu":
            return self._average_elsewhere(gradients, loss, flag)
        pulse = torch.stack([loss.float(), torch.tensor(float(flag))])
        tensors = [*gradients, pulse]
        key = tuple((tensor.dtype, tensor.numel()) for tensor in tensors)
        choice = self._choice = self._choices.get(key) or self._choices.setdefault(key, self._choose(tensors))
        choice.average(tensors)
        return pulse[0], bool(pulse[1] > 0)

    def agree(self, commands: list[Command]) -> list[Command]:
        plain = [(command.action, command.value, command.id, command.text) for command in commands]
        return [Command(*command) for rank in self.gather(plain) for command in rank]

    def average_tensors(self, tensors: Sequence[Tensor]) -> None:
        floating = [tensor.data for tensor in tensors if tensor.is_floating_point()]
        if floating:
            average = self._average if self.shared is None else self.shared.average
            average(floating)

    def settle(self, timeout: float) -> bool:
        self._choices.clear()  # one rank may have been broken off before it knew of a choice
        return self.shared is None or self.shared.settle(timeout)

    def leave(self) -> None:
        shared = _met.pop(type(self), None)
        if shared is not None:
            shared.close()

    @abstractmethod
    def _average(self, tensors: Sequence[Tensor]) -> None:
        """Average without shared memory."""

    @abstractmethod
    def _average_elsewhere(
        self, gradients: Sequence[Tensor], loss: Tensor, flag: bool
    ) -> tuple[Tensor, bool]:
        """`average`, on an accelerator, without waiting for it."""

    @abstractmethod
    def _is_one_host(self) -> bool:
        """Whether all ranks were started on one host."""

    def _meet_neighbours(self) -> Shared | None:
        kind = type(self)
        if kind not in _met:
            found = neighbours.find(
                self.rank, self.size, self.broadcast, lambda flag: self.any(flag)[0], memory_for(self.size)
            )
            _met[kind] = None if found is None else Shared(found)
        return _met[kind]

    def _choose(self, tensors: Sequence[Tensor]) -> Choice:
        """A clock may choose only among ways of the same bits: sums of three depend on their order."""
        if self.shared is None:
            return Choice({self.name: self._average}, self.barrier, self.gather)
        ways: dict[str, Way] = {"shared": self.shared.average}
        if sum(tensor.nbytes for tensor in tensors) > PIECE:
            ways["shared, large pieces"] = partial(self.shared.average, piece=LARGEST)
        if self.size == 2 and self._wanted is None:
            ways[self.name] = self._average
        return Choice(ways, self.shared.meet, self.shared.gather)
