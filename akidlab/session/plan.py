"""A Plan: how far a kid shall train, from where, and at which rate, where the kid was told otherwise."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from akidlab.clock import Clock
from akidlab.errors import CheckpointError, MagicError, UnknownNameError

if TYPE_CHECKING:
    from akidlab.kids import Kid
    from akidlab.store import Run


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of one training.

    Args:
        steps: how many steps more.
        epochs: how many epochs more; not together with `steps`.
        lr: the learning rate, instead of the kongfu's; a scheme goes on from there, see `KongFu.set_lr`.
        resume: the name or uid of a run whose newest checkpoint it goes on from.
        watch: options of `WatchOptions` that are other than the kid's.
        guard: what happens at a value that is not finite, instead of the kid's `guard`.
        survival: on ranks, `commit_every` so many steps, and the `max_restarts` after a rank was lost.
    """

    steps: int | None = None
    epochs: float | None = None
    lr: float | None = None
    resume: str | None = None
    watch: Mapping[str, Any] = field(default_factory=dict)
    guard: str | None = None
    survival: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise MagicError("Say `--steps` or `--epochs`, not both.")

    def earlier(self) -> Run | None:
        """The run that it goes on from.

        Raises:
            MagicError: if there is no such run, or it is still going on.
            CheckpointError: if it has left no checkpoint.
        """
        if self.resume is None:
            return None
        from akidlab.kids import checkpoint
        from akidlab.store import Store

        try:
            run = Store().run(self.resume)
        except UnknownNameError as error:
            raise MagicError(*error.args) from None
        if run.is_live:
            raise MagicError(f"The run `{run.name}` is {run.status}; stop it before it is resumed.")
        if checkpoint.latest(run.folder) is None:
            raise CheckpointError(f"The run `{run.name}` has left no checkpoint in `{run.folder}`.")
        return run

    def apply(self, kid: Kid) -> Run | None:
        """Put `kid`, which is set up, where the plan begins and tell it where that ends.

        Returns:
            The run that it goes on from, cut back to where it goes on.

        Raises:
            MagicError: if nothing is left to do.
        """
        earlier = self.earlier()
        if earlier is not None:
            kid.restore(earlier)
        if self.lr is not None:
            kid.kongfu.set_lr(self.lr, kid.clock)
        for name, value in self._eyes(kid).items():
            setattr(kid, name, value)
        self._extend(kid, kid.step)
        _warn_of_no_rate(kid)
        if earlier is not None:
            earlier.rewind(kid.step)
        return earlier

    def overrides(self, kid: Kid, start: int) -> dict[str, object]:
        """What the ranks tell their kids before they begin, and `kid` is told, too.

        Args:
            kid: the kid here; it is set up only if that is needed.
            start: the step that it begins at.

        Raises:
            MagicError: if nothing is left to do.
        """
        found: dict[str, object] = {} if self.lr is None else {"lr": self.lr}
        for name, value in self._eyes(kid).items():
            setattr(kid, name, value)
            found[name] = value
        if self.steps is None and self.epochs is None and start == 0:
            return found
        if self.epochs is not None and start == 0:
            kid.max_steps, kid.max_epoch = None, self.epochs
        else:
            if self.steps is None:
                kid.setup()
            self._extend(kid, start)
        return {**found, "max_steps": kid.max_steps, "max_epoch": kid.max_epoch}

    def _eyes(self, kid: Kid) -> dict[str, object]:
        """What is watched and guarded, where that is other than the kid was told."""
        found: dict[str, object] = {} if self.guard is None else {"guard": self.guard}
        if self.watch.get("topics") == ("none",) and not self.watch.get("metrics"):
            found["watching"] = None
        elif self.watch:
            from akidlab.watching import WatchOptions

            new = WatchOptions(("none",) if set(self.watch) == {"metrics"} else ("all",))
            found["watching"] = replace(kid.watching or new, **self.watch)
        return found

    def _extend(self, kid: Kid, start: int) -> None:
        """Tell `kid` where to end: so many steps or epochs from `start`."""
        if self.steps is not None:
            kid.max_steps, kid.max_epoch = start + self.steps, None
        elif self.epochs is not None:
            more = math.ceil(self.epochs * kid.batches_per_epoch / kid.accumulate)
            kid.max_steps, kid.max_epoch = start + more, None
        if start > kid.last_step and self.resume is not None:
            raise MagicError(
                f"The checkpoint of `{self.resume}` is of step {start}, the kid ends at step {kid.last_step}."
                " Say how many more: `--steps 100`."
            )
        if start >= kid.last_step:
            raise MagicError(
                f"The kid has made all of its {kid.last_step} steps. Say how many more: `--steps 100`."
            )


def _warn_of_no_rate(kid: Kid) -> None:
    """Warn if every step would be made at a rate of 0, as after the end of a cosine."""
    last = kid.last_step - 1
    end = Clock(last, last * kid.accumulate // kid.batches_per_epoch)
    if kid.kongfu.scheduled and kid.kongfu.lr_at(kid.clock) == 0 == kid.kongfu.lr_at(end):
        warnings.warn(
            f"The learning rate is 0 from step {kid.step} on: nothing is learned. The scheme has ended; "
            "`--lr 0.01` goes on with that rate.",
            stacklevel=2,
        )
