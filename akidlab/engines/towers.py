"""Towers: copies of a brain that share its parameters, each at work on a part of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from akidlab.blocks import System
from akidlab.engines.memories import cut
from akidlab.parallel.spread import broadcast, scatter
from akidlab.parallel.threads import thread_run

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
            losses = _together(objectives, parts, self.devices)
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


def _together(
    objectives: Sequence[Objective], parts: list[Any], devices: Sequence[torch.device]
) -> list[Tensor]:
    """The losses of all parts: devices work at the same time, the towers of a device in turn.

    In turn, because they draw from one generator: dropout would depend on who comes first.
    """
    turns: dict[torch.device, list[int]] = {}
    for number in range(len(parts)):
        turns.setdefault(devices[number], []).append(number)
    losses: dict[int, Tensor] = {}

    def work(numbers: list[int]) -> None:
        for number in numbers:
            losses[number] = objectives[number](parts[number])

    if len(turns) == 1:
        work(list(range(len(parts))))
    else:
        like_here = _context(devices[0])
        threads = [thread_run(like_here, device, work, numbers)[1] for device, numbers in turns.items()]
        errors = [error for thread in threads if (error := _joined(thread)) is not None]
        if errors:
            raise errors[0]
    return [losses[number] for number in range(len(parts))]


def _context(main: torch.device) -> Callable[..., None]:
    """A function that works in another thread as this one would: modes belong to threads."""
    gradients, casts = torch.is_grad_enabled(), torch.is_autocast_enabled(main.type)
    kind = torch.get_autocast_dtype(main.type)
    seeds = torch.randint(2**62, (torch.cuda.device_count(),)).tolist() if torch.cuda.is_available() else []

    def work(device: torch.device, function: Callable[[list[int]], None], numbers: list[int]) -> None:
        with torch.set_grad_enabled(gradients), torch.autocast(device.type, dtype=kind, enabled=casts):
            if device.type != "cuda":
                return function(numbers)
            with torch.cuda.device(device):
                if device != main:  # its generator is not the kid's: it starts from the kid's each time
                    torch.cuda.manual_seed(seeds[device.index])
                function(numbers)

    return work


def _joined(thread: Any) -> BaseException | None:
    try:
        thread.join()
    except BaseException as error:  # all threads end before one of them is heard
        return error
    return None
