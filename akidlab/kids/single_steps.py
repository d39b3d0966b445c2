"""Single steps, and akid's other names: what a Kid offers to those who write the loop themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from akidlab.errors import NotFiniteError
from akidlab.kids.guarding import Guarding, NotFinite
from akidlab.kids.randomness import Randomness, outer_kept
from akidlab.kids.update import autocast, make_update
from akidlab.kids.validation import watching
from akidlab.messages import higher_is_better

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid


class SingleSteps:
    """What a Kid offers beside `practice`, under akid's names."""

    def run_step(
        self, update: bool = True, val: bool = False, data: Sequence[Any] | None = None
    ) -> tuple[float, dict[str, float]]:
        """Pass one batch through, without the clock, the log and the hooks.

        Args:
            update: let the kongfu update the brain; in validation it never does.
            val: True to pass a validation batch through, in validation mode.
            data: the batch, such as `[images, labels]`; by default the next of the sensor.

        Returns:
            The loss and the evaluations of that batch.

        Raises:
            NotFiniteError: if the loss or a gradient is NaN or infinite; the brain is not updated then.

        Example:
            >>> from akidlab.models.brains import OneLayerBrain
            >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), record=False)
            >>> first, _ = kid.run_step()
            >>> for _ in range(20):
            ...     loss, evals = kid.run_step()
            >>> loss < first, sorted(evals)
            (True, ['accuracy'])
        """
        kid = cast("Kid", self)
        kid.setup()
        batch = None if data is None else [torch.as_tensor(part).to(kid.device) for part in data]
        return kid.between_steps(lambda: _step(kid, update and not val, val, batch))

    def save_to_ckpt(self) -> Path:
        """Write a checkpoint: akid's name for `save`."""
        return cast("Kid", self).save()

    def teardown(self) -> None:
        """Write down what is left to write and let go of the run; the kid stays usable."""
        cast("Kid", self).close_run()

    @property
    def best_val_evals(self) -> dict[str, float]:
        """The best of each evaluation over the validations of this kid, whichever way is better."""
        history = cast("Kid", self).eval_data_val
        names = history[0] if history else ()
        return {
            name: (max if higher_is_better(name) else min)(evals[name] for evals in history if name in evals)
            for name in names
        }

    @property
    def model_dir(self) -> Path | None:
        """Where its checkpoints go: akid's name for `folder`."""
        return cast("Kid", self).folder


def _step(kid: Kid, update: bool, val: bool, batch: list[Tensor] | None) -> tuple[float, dict[str, float]]:
    if val:
        given = next(iter(kid.sensor.validation_batches())) if batch is None else batch
        with watching(kid):
            return _judged(kid, kid.brain.objective(given))
    if kid.practising:  # the generators are the kid's already
        return _trained(kid, update, batch)
    with outer_kept(kid.device):
        kid.random.restore(kid.device)
        try:
            return _trained(kid, update, batch)
        finally:
            kid.random = Randomness.capture(kid.device)


def _trained(kid: Kid, update: bool, batch: list[Tensor] | None) -> tuple[float, dict[str, float]]:
    if update:
        return _judged(kid, _updated(kid, None if batch is None else lambda: batch))
    with torch.no_grad(), autocast(kid)():
        return _judged(kid, kid.objective(kid.sensor.next() if batch is None else batch))


def _updated(kid: Kid, next_batch: Callable[[], Any] | None) -> Tensor | float:
    guarding = Guarding(kid)
    try:
        loss = make_update(kid, next_batch, guarding)()
        guarding.settle()
    except NotFinite as fault:
        finding = guarding.explain(fault)
        guarding.mend()
        raise NotFiniteError(finding.text) from None
    return loss


def _judged(kid: Kid, loss: Tensor | float) -> tuple[float, dict[str, float]]:
    return float(loss), {name: float(value) for name, value in kid.engine.evals(kid.brain).items()}
