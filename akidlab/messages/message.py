"""A Message: one thing said about a run at one step."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said about a run.

    Args:
        topic: what it is about, for instance `loss`, `validation_loss`, `event`, `log`, `status`.
        data: the payload. Plain values may travel; tensors die in the process where they were born.
        step: the training step it belongs to.
        epoch: whole epochs behind it.
        tag: `train` for training itself; probes and evaluations use their own.
        key: the name of the block or module it is about, None for the network.
        time: seconds since the epoch.
        train_step: the step within its epoch; what Ikkuna calls so.
    """

    topic: str
    data: object = None
    step: int = 0
    epoch: int = 0
    tag: str = "train"
    key: str | None = None
    time: float = field(default_factory=time.time)
    train_step: int = 0

    @property
    def kind(self) -> str:
        """Its topic: Ikkuna's name for it."""
        return self.topic

    @property
    def global_step(self) -> int:
        """Its step: Ikkuna's name for it."""
        return self.step
