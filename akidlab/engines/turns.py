"""Turns: several parts at work, on different devices at the same time, on one device in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from akidlab.parallel.threads import thread_run


def together(
    objectives: Sequence[Callable[[Any], Tensor]], parts: list[Any], devices: Sequence[torch.device]
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
