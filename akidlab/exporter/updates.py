"""Updates: what a step changed, found by keeping the parameters from before it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


class Before:
    """Keeps parameters as they were before a step.

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

    def take(self, parameters: Sequence[Tensor]) -> None:
        """Keep the values that `parameters` have now."""
        self._parameters = [parameter.detach() for parameter in parameters]
        self._kept = [parameter.clone() for parameter in self._parameters]

    def updates(self) -> list[Tensor]:
        """What each has changed by since."""
        return [now - kept for now, kept in zip(self._parameters, self._kept, strict=True)]
