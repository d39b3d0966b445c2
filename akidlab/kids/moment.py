"""A Moment: a run as of one of its checkpoints."""

from __future__ import annotations

import logging
from bisect import bisect_right
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab import checkpoints
from akidlab.errors import CheckpointError, KindError
from akidlab.kids import checkpoint, travel
from akidlab.kids.differences import differences
from akidlab.kids.kid import Kid

if TYPE_CHECKING:
    from torch import Tensor, nn

    from akidlab.store import Run

log = logging.getLogger(__name__)

MORE = (
    "A run writes one every `val_log_step` steps and at its end; `kid.save()`, or *Checkpoint* in its "
    "dashboard, writes one of the step that it is at."
)


def at(run: Run, step: int, like: Kid | None = None) -> Moment:
    """`run` as of its newest checkpoint of a step no later than `step`; torn ones are passed over.

    Raises:
        CheckpointError: if there is none; it names the nearest.
        KindError: if `step` is no whole number, or `like` no kid.
    """
    if like is not None and not isinstance(like, Kid):
        raise KindError(f"`like` is a Kid such as the run was made with, found a {type(like).__name__}.")
    if isinstance(step, bool) or not hasattr(step, "__index__"):
        raise KindError(f"`step` is a whole number, found {step!r}.")
    own = like.folder if like is not None and like.run == run else None  # it may have a `log_dir`
    there = run.checkpoints if own is None else checkpoints.on_the_way(own)
    for one in reversed(there[: bisect_right(there.steps, step)]):
        try:
            data = one.path.read_bytes()
        except FileNotFoundError:  # thinned meanwhile by whoever writes: another is the nearest now
            return at(run, step, like)
        try:
            return Moment(run, one.path, data, like)
        except CheckpointError as error:
            log.warning("%s is passed over: %s", one.path, error)
    raise CheckpointError(_none(run, step, there))


class Moment:
    """A run as of one of its checkpoints; get one with `run.at(step)`.

    Args:
        run: the run.
        path: the file of the checkpoint; it may be thinned away meanwhile, the moment stays.
        data: what is in it.
        like: a kid such as the run was made with: its code is not in the checkpoint, which runs none.

    Raises:
        CheckpointError: if the data are torn or are no checkpoint.

    Example:
        >>> from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
        >>> from akidlab.models.brains import OneLayerBrain
        >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps=40)
        >>> kid.val_log_step = 20
        >>> _ = kid.practice()
        >>> then = kid.run.at(30, like=kid)
        >>> then
        Moment('kid': step 20)
        >>> then.weights()["ip1.weight"].shape, int(then.kid.clock), int(kid.clock)
        (torch.Size([10, 128]), 20, 40)
    """

    def __init__(self, run: Run, path: Path, data: bytes, like: Kid | None = None) -> None:
        self.run, self.path, self.like = run, path, like
        self.data = data
        self._tensors, self.facts = checkpoint.read(data)

    @property
    def step(self) -> int:
        """The step that it is of."""
        return self.facts["step"]

    def weights(self) -> dict[str, Tensor]:
        """The state of the brain then, as `brain.load_state_dict` takes it: parameters and statistics."""
        names = sorted(name for name in self._tensors if name.startswith("brain."))
        return {name.removeprefix("brain."): self._tensors[name] for name in names}

    def load_into(self, target: Any) -> Any:
        """Give what was learned by then to a kid, or to a brain.

        A kid stands where the run stood, with its optimiser, data and clock; a brain gets the weights.

        Args:
            target: a Kid, a Brain, or any torch module of the same parts.

        Returns:
            The target.

        Raises:
            CheckpointError: if the checkpoint is of another brain.
            KindError: if the target can take no weights.
        """
        if isinstance(target, Kid):
            return target.restore(self.data)
        if not hasattr(target, "load_state_dict"):
            raise KindError(f"Weights go into a Kid or a Brain, found a {type(target).__name__}.")
        load(target, self.weights())
        return target

    @cached_property
    def kid(self) -> Kid:
        """The kid as of then: a copy of the one that it was to be `like`, put where the run stood.

        Raises:
            CheckpointError: if nothing was said that it is like, or the checkpoint is of another brain.
        """
        if self.like is None:
            raise CheckpointError(
                "A checkpoint holds no code. Give a kid such as the run was made with, "
                f"`run.at({self.step}, like=kid)`, or take the `weights()`."
            )
        kid = travel.twin(self.like)
        kid.restore(self.data)
        return kid

    def __repr__(self) -> str:
        return f"Moment({self.run.name!r}: step {self.step})"


def load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Give `weights` to a module.

    Raises:
        CheckpointError: if they are of another one; it says what differs.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        unlike = differences(weights, module.state_dict()) or f"{error}."
        raise CheckpointError(f"The checkpoint belongs to another brain. {unlike}") from error


def _none(run: Run, step: int, there: checkpoints.Checkpoints) -> str:
    if not there:
        return f"The run `{run.name}` has left no checkpoint in `{run.folder}`. {MORE}"
    nearest = sorted(sorted(there.steps, key=lambda one: abs(one - step))[:2])
    told = " and ".join(f"{one:,}" for one in nearest)
    are = "are those of steps" if len(nearest) > 1 else "is that of step"
    return (
        f"The run `{run.name}` has no whole checkpoint of step {step:,} or before. The nearest {are} {told}. "
        f"{MORE}"
    )
