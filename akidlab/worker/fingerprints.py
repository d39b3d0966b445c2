"""Fingerprints: a number for each parameter, the same on all ranks as long as all bits of it are."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch import nn

KEPT = 10_000  # that nobody fetched
_WORDS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes of an element


class Fingerprints:
    """Takes those of a brain, step by step.

    Integers are summed, not floats: the order of summation does not count, and one bit that differs does.
    Running statistics are left out: each rank has those of its share. On an accelerator nobody waits for it.

    Args:
        brain: whose parameters.

    Example:
        >>> from torch import nn
        >>> brain = nn.Linear(2, 1, bias=False)
        >>> fingerprints = Fingerprints(brain)
        >>> fingerprints.note(8)
        >>> told = fingerprints.take()
        >>> told["names"], told["steps"].tolist(), told["sums"].shape
        (['weight'], [8], (1, 1))
    """

    def __init__(self, brain: nn.Module) -> None:
        self._brain = brain
        self._views: dict[int, Tensor] = {}
        self._noted: deque[tuple[int, list[str], Arriving]] = deque(maxlen=KEPT)

    def note(self, step: int) -> None:
        """Take those of now; called by the thread that trains, with the step that comes."""
        named = dict(self._brain.named_parameters())
        if named:
            sums = torch.stack([self._words(parameter).sum() for parameter in named.values()])
            self._noted.append((step, list(named), Arriving(sums)))

    def take(self) -> dict[str, Any] | None:
        """What was noted of the newest set of parameters: their `names`, the `steps`, and a row for each."""
        rows: list[tuple[int, list[str], np.ndarray]] = []
        while self._noted and self._noted[0][2].is_here:
            step, names, sums = self._noted.popleft()
            rows.append((step, names, sums.read().numpy()))
        if not rows:
            return None
        names = rows[-1][1]
        same = [(step, sums) for step, found, sums in rows if found == names]  # not of before an edit
        steps = np.array([step for step, _ in same], np.int64)
        return {"names": names, "steps": steps, "sums": np.stack([sums for _, sums in same])}

    def _words(self, parameter: Tensor) -> Tensor:
        """The bits of a parameter as integers; kept, for to make such a view takes as long as to sum it."""
        place = parameter.data_ptr()
        found = self._views.get(place)
        if (
            found is None
            or found.numel() * found.element_size() != parameter.numel() * parameter.element_size()
        ):
            if len(self._views) > 4 * KEPT:
                self._views.clear()
            found = _words(parameter.detach())
            if parameter.is_contiguous():
                self._views[place] = found
        return found


class Arriving:
    """A tensor on its way from an accelerator; on the CPU it is there.

    Args:
        tensor: which; nobody writes to it any more.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._event: torch.cuda.Event | None = None
        self._host = tensor
        if tensor.is_cuda:
            self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._host.copy_(tensor, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record(torch.cuda.current_stream(tensor.device))

    @property
    def is_here(self) -> bool:
        """True once it can be read without waiting."""
        return self._event is None or self._event.query()

    def read(self) -> Tensor:
        """The tensor, on the CPU."""
        return self._host


def _words(tensor: Tensor) -> Tensor:
    flat = tensor.contiguous().reshape(-1)
    if flat.is_complex():
        flat = torch.view_as_real(flat).reshape(-1)
    size = flat.element_size()
    pairs = size == 4 and flat.numel() % 2 == 0 and flat.storage_offset() % 2 == 0
    return flat.view(torch.int64 if pairs else _WORDS[size])
