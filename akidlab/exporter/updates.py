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

    def take(self, parameters: Sequence[Tensor]) -> None:
        """Keep the values that `parameters` have now."""
        looks = [(parameter.shape, parameter.dtype, parameter.device) for parameter in parameters]
        self._parameters = [parameter.detach() for parameter in parameters]
        if looks != self._looks:
            self._looks, self._kept = looks, [torch.empty_like(parameter) for parameter in self._parameters]
        if looks:
            torch._foreach_copy_(self._kept, self._parameters)  # pyright: ignore[reportPrivateImportUsage]

    def updates(self) -> list[Tensor]:
        """What each has changed by since; good until parameters are taken again."""
        on_device = [place for place, kept in enumerate(self._kept) if not kept.is_cpu]
        for now, kept in zip(self._parameters, self._kept, strict=True):
            if kept.is_cpu:
                torch.sub(now, kept, out=kept)
        if on_device:  # in two calls for all of them
            kept = [self._kept[place] for place in on_device]
            torch._foreach_neg_(kept)  # pyright: ignore[reportPrivateImportUsage]
            torch._foreach_add_(kept, [self._parameters[place] for place in on_device])  # pyright: ignore[reportPrivateImportUsage]
        return self._kept
