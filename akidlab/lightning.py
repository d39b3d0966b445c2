"""A Lightning callback that watches the module of a Trainer: the same run, the same dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from akidlab.errors import MissingPackageError
from akidlab.session.loop import LoopWatch, StoppedError
from akidlab.session.plain import watch
from akidlab.watching import WatchOptions

if TYPE_CHECKING:
    from akidlab.store import Run

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

    Over several processes (DDP), global rank 0 alone records what it sees of its share, and the other ranks
    watch nothing. What is asked of it is done by all ranks together, after every `every`th batch. It shows
    no dashboard: `akidlab.runs()` has the run, in any notebook.

    Of several optimisers (as of a GAN, with manual optimisation) a step is one of the first that
    `configure_optimizers` gives: its rate can be changed, its updates are seen. The guard looks at all.

    Args:
        topics: what to look at; everything by default.
        name: what the run is called; by default as the module's class.
        options: those of `akidlab.watch`: every, exact, elements, budget, metrics, doctor, guard, dashboard
            (the scaler of mixed precision is found).

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
        own = ("loss", "guard", "scaler", "dashboard", "run")
        chosen = WatchOptions(topics, **{key: value for key, value in options.items() if key not in own})
        self.topics, self.name, self.options = topics, name, options
        self.watching: LoopWatch | None = None
        self.run: Run | None = None  # of the last fit, where it was recorded
        self._batches, self._every, self._meeting = 0, chosen.every, chosen.every

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The optimisers are there: begin."""
        self._batches, self._meeting = 0, self._every
        if not trainer.is_global_zero:
            return
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        alone, options = trainer.world_size == 1, {"scaler": scaler, **self.options}
        if not alone:  # a rank is another process than the notebook's, or has its cell to itself
            options["dashboard"] = False
        self.watching = watch(pl_module, trainer.optimizers, *self.topics, name=self.name, **options)
        self.watching.on_stop = lambda: setattr(trainer, "should_stop", True)
        self.watching.obeys = alone

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """What follows is of another step, though not every batch ends one."""
        if self.watching is not None:
            self.watching.step_begins()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the loss of the step, and what the module logged."""
        if self.watching is not None:
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            parts = trainer.accumulate_grad_batches  # Lightning gives the share of a batch in its step
            told = {} if loss is None else {"loss": loss * parts}
            self.watching.log(**{**_plain(trainer.callback_metrics), **told})
        if trainer.world_size > 1:
            self._meet(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record that an epoch is over."""
        if self.watching is not None:
            self.watching.epoch_finished()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what validation found, but not that of Lightning's trial run."""
        if self.watching is not None and not trainer.sanity_checking:
            self.watching.log(**_plain(trainer.callback_metrics))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the run."""
        if self.watching is not None:
            self._close("stopped" if self.watching.was_stopped else "finished")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the run as what it came to."""
        stopped = isinstance(exception, (StoppedError, KeyboardInterrupt))
        self._close("stopped" if stopped else "failed", None if stopped else repr(exception))

    def _meet(self, trainer: Trainer) -> None:
        """All ranks do what was asked of the first, and wait with it in a pause."""
        self._batches += 1
        if self._batches < self._meeting:
            return
        self._meeting += self._every
        watching, strategy = self.watching, trainer.strategy
        is_asked = watching is not None and (watching.is_asked or watching.left > 0)
        if not strategy.reduce_boolean_decision(is_asked, all=False):
            return
        if watching is not None:
            watching.obey()
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        left = 0 if watching is None else watching.left
        rates = [group["lr"] for group in groups]
        trainer.should_stop, left, rates = strategy.broadcast((trainer.should_stop, left, rates))
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        if left:  # single steps
            self._meeting = self._batches + 1

    def _close(self, status: str, error: str | None = None) -> None:
        watching, self.watching = self.watching, None
        if watching is not None:
            self.run = watching.run
            watching.close(status, error)


def _plain(metrics: Any) -> dict[str, Any]:
    return {name.replace("/", "_"): value for name, value in metrics.items() if value.numel() == 1}
