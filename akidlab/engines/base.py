"""The Engine: how the work of a Kid is spread over processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from akidlab.messages import Command

if TYPE_CHECKING:
    from akidlab.blocks import Brain

T = TypeVar("T")
Objective = Callable[[Any], Tensor]


class Engine(ABC):
    """Spreads the work of a Kid over `size` processes, of which this is number `rank`.

    Every method is collective: all ranks call it at the same place.

    Args:
        device: where this rank works; by default its accelerator, else the CPU.
    """

    rank: int = 0
    size: int = 1

    @property
    def reduction(self) -> dict[str, Any]:
        """How gradients are averaged now, and what was measured; empty until that is known."""
        return {}

    def __init__(self, *, device: torch.device | str | None = None) -> None:
        self.device = torch.device(device) if device is not None else self._default_device()

    def setup(self, brain: nn.Module, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Make every rank start from the weights of rank 0; returns the optimizer to use."""
        return optimizer

    def objective(
        self, brain: Brain, prepare: Callable[[Objective], Objective] = lambda objective: objective
    ) -> Objective:
        """The function of a batch whose value this rank minimises.

        Args:
            brain: whose loss it is.
            prepare: what is done to each objective that is worked with, such as compiling it.
        """
        return prepare(brain.objective)

    def passes(self, brain: Brain, inputs: Any) -> Iterator[tuple[Brain, Tensor, int]]:
        """Pass a batch through to look at it: yields who judged, the loss, and how many samples it saw."""
        yield brain, brain.objective(inputs), len(inputs[0])

    def evals(self, brain: Brain) -> dict[str, Tensor]:
        """The evaluations of the last batch that this rank worked on."""
        return brain.evals

    @abstractmethod
    def average(self, gradients: Sequence[Tensor], loss: Tensor, flag: bool) -> tuple[Tensor, bool]:
        """Average `gradients` in place over the ranks; returns the mean loss and whether any rank flagged."""

    @abstractmethod
    def agree(self, commands: list[Command]) -> list[Command]:
        """The commands of all ranks, in the order of the ranks: the same list everywhere."""

    @abstractmethod
    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        """The sum of each value over the ranks, in double precision."""

    @abstractmethod
    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether it is raised on any rank."""

    @abstractmethod
    def broadcast(self, value: T, root: int = 0) -> T:
        """What rank `root` holds."""

    @abstractmethod
    def gather(self, value: T) -> list[T]:
        """What every rank holds, in the order of the ranks."""

    def average_tensors(self, tensors: Sequence[Tensor]) -> None:  # noqa: B027 - one rank has nothing to do
        """Replace each floating tensor by its mean over the ranks."""

    def barrier(self) -> None:  # noqa: B027 - one rank has nobody to wait for
        """Wait until every rank is here."""

    def timeline(self, file: str | None) -> None:  # noqa: B027 - few engines have one
        """Write the engine's own timeline into `file` until called with None, if it has one; on one rank."""

    def settle(self, timeout: float) -> bool:
        """After an error on some rank: whether all understand each other again within `timeout` seconds."""
        return True

    def leave(self) -> None:  # noqa: B027 - one rank has nobody to take leave of
        """Part from the other ranks; nothing can be done together afterwards."""

    def _default_device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank={self.rank}, size={self.size}, device={str(self.device)!r})"
