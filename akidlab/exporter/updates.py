"""Updates: what a step changed, found by keeping the parameters from before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Before:
    """Keeps parameters as they were before a step, in the same memory each time: finding new takes longer.

    Nothing is kept from one step to the next: parameters may be changed by others than the optimiser.

    Example:
        >>> before, weight = Before(), torch.zeros(2)
        >>> before.take([weight])
        >>> weight += 1
        >>> before.updates()
        [tensor([1., 1.])]
    """

    def __init__(self) -> None:
        self._parameters: list[Tensor] = []
        self._kept: list[Tensor] = []
        self._looks: list[tuple[torch.Size, torch.dtype, torch.device]] = []
        self._on_device: list[int] = []  # which of them are not on the host

    def take(self, parameters: Sequence[Tensor]) -> None:
        """Keep the values that `parameters` have now."""
        now = [p.detach() if p.requires_grad else p for p in parameters]
        looks = [(parameter.shape, parameter.dtype, parameter.device) for parameter in now]
        if looks != self._looks:
            self._looks = looks
            self._kept = [torch.empty_like(parameter) for parameter in now]
            self._on_device = [place for place, kept in enumerate(self._kept) if not kept.is_cpu]
        self._parameters = now
        if now:
            torch._foreach_copy_(self._kept, now)  # pyright: ignore[reportPrivateImportUsage]

    def updates(self) -> list[Tensor]:
        """What each has changed by since; good until parameters are taken again."""
        if not self._on_device:
            for now, kept in zip(self._parameters, self._kept, strict=True):
                torch.sub(now, kept, out=kept)
            return self._kept
        for place, kept in enumerate(self._kept):
            if kept.is_cpu:
                torch.sub(self._parameters[place], kept, out=kept)
        kept = [self._kept[place] for place in self._on_device]  # in two calls for all of them
        torch._foreach_neg_(kept)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_add_(kept, [self._parameters[place] for place in self._on_device])  # pyright: ignore[reportPrivateImportUsage]
        return self._kept
