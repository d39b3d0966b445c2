"""The data-parallel engine: one process, several devices, each with a part of every batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.engines.single import SingleEngine
from akidlab.engines.towers import Objective, Towers
from akidlab.errors import DataError
from akidlab.parallel import device as device_of

if TYPE_CHECKING:
    from akidlab.blocks import Brain

log = logging.getLogger(__name__)


class DataParallelEngine(SingleEngine):
    """Cuts every batch into parts, one for each device, and adds their gradients up.

    The loss and its gradients are those of the whole batch wherever losses are means over samples; batch
    normalisation sees the samples of its own part. On a machine without a GPU, `num_gpu` parts are worked on
    by the CPU, one after the other, so that a notebook runs there, too.

    Args:
        num_gpu: on how many GPUs; by default all that are there, on two parts where there are none.
        val_gpu_num: on how many devices validation works; by default as many.
        devices: the devices themselves, such as `["cpu", "cpu"]`; the first holds the brain.
        gpu_num: another name of `num_gpu`, akid's.
        device: the first device, where `num_gpu` are counted from.

    Raises:
        DataError: if there are not so many devices, or the numbers make no sense.

    Example:
        >>> DataParallelEngine(devices=["cpu", "cpu"])
        DataParallelEngine(devices=['cpu', 'cpu'])
    """

    def __init__(
        self,
        *,
        num_gpu: int | None = None,
        val_gpu_num: int | None = None,
        devices: Sequence[str | int | torch.device] | None = None,
        gpu_num: int | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if num_gpu is not None and gpu_num is not None and num_gpu != gpu_num:
            raise DataError(f"`num_gpu` and `gpu_num` are one, found {num_gpu} and {gpu_num}.")
        count = _checked("num_gpu", gpu_num if num_gpu is None else num_gpu)
        val_count = _checked("val_gpu_num", val_gpu_num)
        if devices is not None and count is not None and count != len(devices):
            raise DataError(f"`devices` names {len(devices)}, while `num_gpu` is {count}. Give one of them.")
        found = _counted(count, val_count, device) if devices is None else _given(devices, device)
        self.count = (count or _default_count(found)) if devices is None else len(found)
        self.val_count = self.count if val_count is None else val_count
        if self.val_count > len(found):
            raise DataError(f"`val_gpu_num` is {val_count}, but there are {len(found)} devices.")
        self.devices = found
        self._towers: Towers | None = None
        super().__init__(device=found[0])

    def objective(
        self, brain: Brain, prepare: Callable[[Objective], Objective] = lambda objective: objective
    ) -> Objective:
        self._towers = towers = Towers(brain, self.devices, prepare)
        return lambda inputs: towers.loss(inputs, self.count)

    def passes(self, brain: Brain, inputs: Any) -> Iterator[tuple[Brain, Tensor, int]]:
        yield from self._towers_of(brain).passes(inputs, self.val_count)

    def evals(self, brain: Brain) -> dict[str, Tensor]:
        return self._towers_of(brain).evals() or dict(brain.evals)

    def _towers_of(self, brain: Brain) -> Towers:
        if self._towers is None or self._towers.brain is not brain:
            self._towers = Towers(brain, self.devices, lambda objective: objective)
        return self._towers

    def __repr__(self) -> str:
        less = f", val_gpu_num={self.val_count}" if self.val_count != self.count else ""
        return f"DataParallelEngine(devices={[str(device) for device in self.devices[: self.count]]}{less})"


def _checked(name: str, count: int | None) -> int | None:
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise DataError(f"`{name}` is a number of devices, 1 or more, found {count!r}.")
    return count


def _given(
    devices: Sequence[str | int | torch.device], device: torch.device | str | None
) -> list[torch.device]:
    if isinstance(devices, str) or not devices:
        raise DataError(f'`devices` is a list such as ["cpu", "cpu"], found {devices!r}.')
    found = [device_of(name) for name in devices]
    if device is not None and device_of(str(device)) != found[0]:
        raise DataError(f"The kid works on {device}, but `devices` begins with {found[0]}. Give one of them.")
    return found


def _counted(
    count: int | None, val_count: int | None, device: torch.device | str | None
) -> list[torch.device]:
    there = torch.cuda.device_count()
    first = device_of(str(device or ("cuda" if there else "cpu")))
    if first.type != "cuda":
        if count is not None and device is None:
            log.info("There is no GPU here: %d parts of each batch are worked on by the CPU in turn.", count)
        return [first] * max(count or 2, val_count or 1)
    begin, wanted = first.index or 0, max(count or 1, val_count or 1)
    if begin + wanted > there:
        after = f" from number {begin} on" if begin else ""
        raise DataError(
            f"{wanted} GPUs are asked for{after}, torch sees {there}. Ask for fewer, or name the parts: "
            '`"devices": ["cuda:0", "cuda:0"]` works on one GPU in turn.'
        )
    return [
        torch.device("cuda", number) for number in range(begin, there if count is None else begin + wanted)
    ]


def _default_count(found: list[torch.device]) -> int:
    return 2 if found[0].type == "cpu" else len(found)
