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
    from akidlab.kids import Kid, Moment
    from akidlab.kids.branch import Branch
    from akidlab.store import Run


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of one training.

    Args:
        steps: how many steps more.
        epochs: how many epochs more; not together with `steps`.
        lr: the learning rate, instead of the kongfu's; a scheme goes on from there, see `KongFu.set_lr`.
        resume: the name or uid of a run whose newest checkpoint it goes on from.
        start: `RUN@STEP`: the checkpoint of a run that a new one, its child, begins at; `RUN` alone for the
            newest. Not together with `resume`.
        keep: which checkpoints stay, see `Keep`.
        watch: options of `WatchOptions` that are other than the kid's.
        guard: what happens at a value that is not finite, instead of the kid's `guard`.
        survival: on ranks, `commit_every` so many steps, and the `max_restarts` after a rank was lost.
    """

    steps: int | None = None
    epochs: float | None = None
    lr: float | None = None
    resume: str | None = None
    start: str | None = None
    keep: Mapping[str, int] = field(default_factory=dict)
    watch: Mapping[str, Any] = field(default_factory=dict)
    guard: str | None = None
    survival: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise MagicError("Say `--steps` or `--epochs`, not both.")
        if self.resume is not None and self.start is not None:
            raise MagicError(
                "Say `--resume` to go on with a run, or `--from` to begin another one there, not both."
            )

    def earlier(self) -> Run | None:
        """The run that it goes on from.

        Raises:
            MagicError: if there is no such run, or it is still going on.
            CheckpointError: if it has left no checkpoint.
        """
        if self.start is not None:
            return self._then().run
        if self.resume is None:
            return None
        from akidlab.kids import checkpoint

        run = _run(self.resume)
        if run.is_live:
            raise MagicError(f"The run `{run.name}` is {run.status}; stop it before it is resumed.")
        if checkpoint.latest(run.folder) is None:
            raise CheckpointError(f"The run `{run.name}` has left no checkpoint in `{run.folder}`.")
        return run

    def state(self) -> tuple[bytes, Branch] | None:
        """The checkpoint that it begins at, and where it leaves the run of that; None if none was said.

        Raises:
            MagicError: if there is no such run.
            CheckpointError: if it has left no checkpoint.
        """
        from akidlab.kids import checkpoint
        from akidlab.kids.branch import Branch

        if self.start is not None:
            then = self._then()
            return then.data, Branch.of(then)
        if (earlier := self.earlier()) is None:
            return None
        data = checkpoint.newest(earlier.folder)
        if data is None:
            raise CheckpointError(f"The run `{earlier.name}` has left no whole checkpoint.")
        return data, Branch(earlier.uid, earlier.name, checkpoint.read(data)[1]["step"])

    def apply(self, kid: Kid, name: str | None = None) -> Run | None:
        """Put `kid`, which is set up, where the plan begins and tell it where that ends.

        Args:
            kid: who is to train.
            name: what the new run is called; None to go on with the one that is resumed, if any.

        Returns:
            The run that it goes on with, cut back to where it goes on; None if that is a new one.

        Raises:
            MagicError: if nothing is left to do.
        """
        told = self.state()
        if told is not None:
            kid.restore(told[0])
            kid.branched = told[1]
        if self.lr is not None:
            kid.kongfu.set_lr(self.lr, kid.clock)
        for name, value in self._eyes(kid).items():
            setattr(kid, name, value)
        self._extend(kid, kid.step)
        _warn_of_no_rate(kid)
        if told is None or name is not None or self.start is not None:
            return None
        earlier, kid.branched = _run(told[1].uid), None
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

    def _then(self) -> Moment:
        """The moment that `start` names."""
        name, step = _place(self.start or "")
        run = _run(name)
        return run.at(run.step if step is None else step)

    def _eyes(self, kid: Kid) -> dict[str, object]:
        """What is watched, guarded and kept, where that is other than the kid was told."""
        found: dict[str, object] = {} if self.guard is None else {"guard": self.guard}
        if self.keep:
            found["keep"] = replace(kid.keep, **self.keep)
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
        origin = self.resume or self.start
        if start > kid.last_step and origin is not None:
            raise MagicError(
                f"The checkpoint of `{origin}` is of step {start}, the kid ends at step {kid.last_step}."
                " Say how many more: `--steps 100`."
            )
        if start >= kid.last_step:
            raise MagicError(
                f"The kid has made all of its {kid.last_step} steps. Say how many more: `--steps 100`."
            )


def _run(name: str) -> Run:
    from akidlab.store import Store

    try:
        return Store().run(name)
    except UnknownNameError as error:
        raise MagicError(*error.args) from None


def _place(text: str) -> tuple[str, int | None]:
    """The run and the step of `RUN@STEP`; no step where none is given."""
    name, at, step = text.rpartition("@")
    if not at:
        return text, None
    if not step.isdecimal() or not name:
        raise MagicError(f"`--from` is `RUN@STEP`, such as `digits@100`, or `RUN`; found `{text}`.")
    return name, int(step)


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
