"""Events: what is raised to change the course of a practice, or to say that it cannot go on."""

from __future__ import annotations

from collections.abc import Mapping

from akidlab.errors import WorkerError

__all__ = [
    "DataPrefetchProcessesDeadEvent",
    "DataPrefetchThreadsDeadEvent",
    "DoneEvent",
    "EarlyStoppingEvent",
    "EpochCompletedEvent",
]


class EarlyStoppingEvent(Exception):
    """Raised from any hook, it ends `practice()`, which then returns these values.

    Args:
        val_loss: the validation loss to return; None for the last one.
        val_evals: the evaluations to return with it.

    Example:
        >>> def stop_when_good(kid):
        ...     if kid.loss < 0.1:
        ...         raise EarlyStoppingEvent(kid.loss, kid.evals)
    """

    def __init__(self, val_loss: float | None = None, val_evals: Mapping[str, float] | None = None) -> None:
        super().__init__(val_loss, val_evals)
        self.val_loss = val_loss
        self.val_evals = val_evals


class DoneEvent(Exception):
    """Raised from any hook, it ends `practice()` as if the last step had been made."""


class EpochCompletedEvent(Exception):
    """Raised by a sampler when every sample of an epoch has been drawn; the next draw begins another."""


# akid's names for what is raised where batches are asked for, when nobody is left who makes them.
DataPrefetchThreadsDeadEvent = WorkerError
DataPrefetchProcessesDeadEvent = WorkerError
