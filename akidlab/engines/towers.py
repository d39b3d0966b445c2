"""Towers: copies of a brain that share its parameters, each at work on a part of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from akidlab.blocks import System
from akidlab.engines.memories import cut
from akidlab.engines.turns import together
from akidlab.parallel.spread import broadcast, scatter

if TYPE_CHECKING:
    from akidlab.blocks import Brain

Objective = Callable[[Any], Tensor]
AVERAGES = ("running_mean", "running_var")


class Towers:
    """The brain itself on the first device, and a tower for each other one.

    The gradient of a parameter is the sum over the towers, each weighted by its share of the samples: that of
    the whole batch, where losses are means over samples. Running statistics are averaged the same way.

    Args:
        brain: set up, on the first device.
        devices: where to work; a device may be named more than once.
        prepare: what is done to each tower's objective, such as compiling it.
    """

    def __init__(
        self, brain: Brain, devices: Sequence[torch.device], prepare: Callable[[Objective], Objective]
    ) -> None:
        self.brain, self.devices, self.prepare = brain, list(devices), prepare
        self.shares: list[tuple[Brain, float]] = []  # of the last pass
        self._build()

    def _build(self) -> None:
        brain = self.brain
        self.parameters = list(brain.parameters())
        self.plans = [(system, system.plan()) for system in brain.modules() if isinstance(system, System)]
        self.towers = [brain, *(_tower(brain, device) for device in self.devices[1:])]
        self.modules = [list(tower.modules()) for tower in self.towers]
        self.slots = [self._slots(modules) for modules in self.modules]
        self.objectives = [self.prepare(tower.objective) for tower in self.towers]

    def loss(self, inputs: Any, count: int) -> Tensor:
        """The loss of a batch, cut into at most `count` parts."""
        losses = self.run(inputs, count)
        if len(losses) == 1:
            return losses[0]
        place = self.devices[0]
        terms = [loss.to(place) * share for loss, (_, share) in zip(losses, self.shares, strict=True)]
        return torch.stack(terms).sum()

    def passes(self, inputs: Any, count: int) -> Iterator[tuple[Brain, Tensor, int]]:
        """The towers, one after the other, with the loss and the number of samples of each part."""
        losses = self.run(inputs, count, compiled=False)
        samples = len(inputs[0])
        for (tower, share), loss in zip(self.shares, losses, strict=True):
            yield tower, loss.to(self.devices[0]), round(share * samples)

    def evals(self) -> dict[str, Tensor]:
        """The evaluations of the last pass, averaged over its samples."""
        place, found = self.devices[0], {}
        for tower, share in self.shares:
            for name, value in tower.evals.items():
                found[name] = found.get(name, 0.0) + torch.as_tensor(value).to(place) * share
        return found

    def run(self, inputs: Any, count: int, *, compiled: bool = True) -> list[Tensor]:
        """The losses of the parts of a batch."""
        if any(system._plan is not plan for system, plan in self.plans):  # blocks came or went
            self._build()
        objectives = self.objectives if compiled else [tower.objective for tower in self.towers]
        parts = scatter(list(inputs), self.devices[:count])
        sizes = [len(part[0]) for part in parts]
        self.shares = [(self.towers[i], size / max(1, sum(sizes))) for i, size in enumerate(sizes)]
        if len(parts) == 1:
            self.shares = [(self.brain, 1.0)]
            return [objectives[0](parts[0])]
        self._hand_out(len(parts))
        with cut(self.modules[: len(parts)], self.devices, sizes):
            losses = together(objectives, parts, self.devices)
        self._take_back()
        return losses

    def _slots(self, modules: list[nn.Module]) -> list[tuple[dict[str, Any], str, int]]:
        numbers = {id(parameter): number for number, parameter in enumerate(self.parameters)}
        return [
            (mine._parameters, name, numbers[id(parameter)])
            for mine, first in zip(modules, self.modules[0], strict=True)
            for name, parameter in first._parameters.items()
            if parameter is not None
        ]

    def _hand_out(self, count: int) -> None:
        """Give the towers the parameters, statistics and modes of the brain."""
        copies = broadcast(self.parameters, self.devices[1:count])
        for number in range(1, count):
            for holder, name, index in self.slots[number]:
                holder[name] = copies[number - 1][index]
            for mine, first in zip(self.modules[number], self.modules[0], strict=True):
                mine.training = first.training
                for name, buffer in first._buffers.items():
                    kept = mine._buffers[name]
                    if buffer is not None and kept is not None and not name.endswith("_average"):
                        kept.data.copy_(buffer)  # by `data`: the graph of the pass before may still be needed

    def _take_back(self) -> None:
        """Let the running statistics of the brain be the mean of those of the towers."""
        shares = [share for _, share in self.shares]
        for alike in zip(*self.modules[: len(shares)], strict=True):
            for name in AVERAGES if alike[0].training else ():
                mine = alike[0]._buffers.get(name)
                if mine is not None:
                    held = [module._buffers[name].to(mine.device) for module in alike]  # type: ignore[union-attr]
                    mine.data.copy_(sum(h * share for h, share in zip(held, shares, strict=True)))  # type: ignore[arg-type]


def _tower(brain: Brain, device: torch.device) -> Brain:
    """A copy that shares parameters and hooks, with buffers of its own on `device`."""
    shared = [*brain.parameters(), *_listeners(brain)]
    tower = deepcopy(brain, {id(thing): thing for thing in shared})
    for module in tower.modules():
        for name, buffer in module._buffers.items():
            module._buffers[name] = None if buffer is None else buffer.to(device)
        if hasattr(module, "is_shadow"):
            module.is_shadow = True  # type: ignore[assignment]
    return tower


def _listeners(brain: Brain) -> Iterator[object]:
    """The lists of hooks themselves: what is added to the brain later is heard in towers, too."""
    for module in brain.modules():
        yield from getattr(module, "_hooks", ())
        yield from (module._forward_hooks, module._forward_pre_hooks)
        yield from (module._backward_hooks, module._backward_pre_hooks)
