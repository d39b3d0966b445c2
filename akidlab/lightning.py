"""A Lightning callback that watches the module of a Trainer: the same run, the same dashboard."""

from __future__ import annotations

from typing import Any

from akidlab.errors import MissingPackageError
from akidlab.session.loop import LoopWatch, StoppedError
from akidlab.session.plain import watch
from akidlab.watching import WatchOptions

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise MissingPackageError(
        "Lightning is not installed. Install it with: pip install 'akidlab[lightning]'"
    ) from error


__all__ = ["WatchCallback"]


class WatchCallback(Callback):
    """Watches the module that a Lightning Trainer fits, as `akidlab.watch` does in a loop of one's own.

    Whatever the module logs (`self.log("loss", ...)`) is recorded; the buttons of the dashboard work.

    Args:
        topics: what to look at; everything by default.
        name: what the run is called; by default as the module's class.
        options: those of `akidlab.watch`: every, exact, elements, budget, metrics, doctor, guard, dashboard.

    Raises:
        MissingPackageError: when imported, if Lightning is not installed.

    Example:
        >>> from lightning.pytorch import Trainer
        >>> from akidlab.lightning import WatchCallback
        >>> trainer = Trainer(callbacks=[WatchCallback("gradients", every=5)])  # doctest: +SKIP
        >>> WatchCallback("gradients", every=5).topics
        ('gradients',)
    """

    def __init__(self, *topics: str, name: str | None = None, **options: Any) -> None:
        own = ("loss", "guard", "dashboard", "run")
        WatchOptions(topics, **{key: value for key, value in options.items() if key not in own})
        self.topics, self.name, self.options = topics, name, options
        self.watching: LoopWatch | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The optimisers are there: begin."""
        optimizer = trainer.optimizers[0]
        self.watching = watch(pl_module, optimizer, *self.topics, name=self.name, **self.options)
        self.watching.on_stop = lambda: setattr(trainer, "should_stop", True)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """What follows is of another step, though not every batch ends one."""
        assert self.watching is not None
        self.watching.step_begins()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the loss of the step, and what the module logged."""
        assert self.watching is not None
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        parts = trainer.accumulate_grad_batches  # Lightning gives the share of a batch in its step
        told = {} if loss is None else {"loss": loss * parts}
        self.watching.log(**{**_plain(trainer.callback_metrics), **told})

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record that an epoch is over."""
        assert self.watching is not None
        self.watching.epoch_finished()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what validation found, but not that of Lightning's trial run."""
        if self.watching is not None and not trainer.sanity_checking:
            self.watching.log(**_plain(trainer.callback_metrics))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the run."""
        assert self.watching is not None
        self._close("stopped" if self.watching.was_stopped else "finished")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the run as what it came to."""
        stopped = isinstance(exception, (StoppedError, KeyboardInterrupt))
        self._close("stopped" if stopped else "failed", None if stopped else repr(exception))

    def _close(self, status: str, error: str | None = None) -> None:
        watching, self.watching = self.watching, None
        if watching is not None:
            self.run = watching.run
            watching.close(status, error)


def _plain(metrics: Any) -> dict[str, Any]:
    return {name.replace("/", "_"): value for name, value in metrics.items() if value.numel() == 1}
