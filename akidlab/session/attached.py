"""Attached: a run that another process trains, or trained, as this notebook sees it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError, KindError, RankError
from akidlab.messages import Command
from akidlab.session.fetching import fetch, steer

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.store import Run
    from akidlab.widgets import Dashboard

LOOK = 0.1  # seconds between looks whether a run has ended


class Attached:
    """A run as another notebook sees it; get one with `attach`. It tells all that a Run tells.

    Shown in a notebook, it is the live dashboard. An interrupt ends no more than the waiting: the run goes
    on, unless it is told to stop.

    Args:
        run: the run in the store.

    Example:
        >>> from akidlab import Store
        >>> Attached(Store().create("digits", max_steps=100))
        Attached('digits': … preparing, step 0 / 100, 0.0 s)
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._dashboard: Dashboard | None = None

    @property
    def dashboard(self) -> Dashboard:
        """What it is shown by."""
        from akidlab.widgets import Dashboard

        if self._dashboard is None or self._dashboard.is_finished:
            self._dashboard = Dashboard(self.run)
        return self._dashboard

    def send(self, action: str, value: float | None = None) -> None:
        """Steer the run: `pause`, `resume`, `step`, `stop`, `rate`, `ranks`, or `save` for a checkpoint.

        Raises:
            ValueError: if there is no such act.
            WireError: if the run has ended, or cannot be reached from here.
        """
        steer(self.run, Command(action, value))

    @property
    def step(self) -> int:
        """Steps done."""
        return self.run.step

    def pause(self) -> None:
        """Have it wait after the step it is in, as `send("pause")` does."""
        self.send("pause")

    def resume(self) -> None:
        """Have it go on after a pause, as `send("resume")` does."""
        self.send("resume")

    def note(self, text: str) -> None:
        """Keep a note with the run, at the step where it is now.

        Raises:
            ValueError: if it is empty, or longer than 2,000 characters.
        """
        self.run.note(text)

    def stop(self) -> None:
        """End it after the step it is in, saved, as `send("stop")` does."""
        self.send("stop")

    def move(self, ranks: int) -> None:
        """Have the run go on with another number of processes, see `Kid.move`; its notebook must live.

        Raises:
            WireError: if the run has ended, or cannot be moved.
        """
        self.send("ranks", ranks)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the end of the run.

        Args:
            timeout: seconds, None for as long as it takes.

        Returns:
            The run, finished or stopped.

        Raises:
            RankError: if a rank failed; the message ends with that rank's traceback.
            DispatchError: if it failed in another kernel, or the process that held it died.
            TimeoutError: if it has not ended in time; it goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while self.run.is_live:
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(
                    f"The run `{self.run.name}` has not ended after {timeout:g} s; it goes on."
                )
            time.sleep(LOOK)
        _raise_its_fault(self.run)
        return self.run

    def weights(self, timeout: float = 60.0) -> dict[str, Tensor]:
        """The state of its brain, as `brain.load_state_dict` takes it: of a live run, at the step it is in.

        A live run writes a checkpoint for it. Of one that has ended it is its last state that was kept.

        Args:
            timeout: seconds for a live run to write; a step, or a validation, has to end first.

        Raises:
            CheckpointError: if there is no checkpoint.
            TimeoutError: if a live run has written none in time.
        """
        from akidlab.kids import checkpoint

        tensors, _ = checkpoint.read(fetch(self.run, timeout))
        names = sorted(name for name in tensors if name.startswith("brain."))  # a file keeps no order
        return {name.removeprefix("brain."): tensors[name] for name in names}

    def load_into(self, target: Any, timeout: float = 60.0) -> Any:
        """Give what was learned to a kid, or to a brain.

        A kid stands where the run stood, with its optimiser, data and clock; a brain gets the weights.

        Args:
            target: a Kid, a Brain, or any torch module of the same parts.
            timeout: as for `weights`.

        Returns:
            The target.

        Raises:
            CheckpointError: if there is no checkpoint, or it is of another brain.
            KindError: if the target can take no weights.
        """
        from akidlab.kids import Kid, moment

        if isinstance(target, Kid):
            target.restore(fetch(self.run, timeout))
            if not self.run.is_live:
                target.run = self.run
        elif hasattr(target, "load_state_dict"):
            moment.load(target, self.weights(timeout))
        else:
            raise KindError(f"Weights go into a Kid or a Brain, found a {type(target).__name__}.")
        return target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "run":  # what a notebook or a copy looks for is not the run's
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.run, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(self.run) if not name.startswith("_"))})

    def _ipython_display_(self) -> None:
        self.dashboard.show()

    def __repr__(self) -> str:
        return repr(self.run).replace("Run(", "Attached(", 1)


def _raise_its_fault(run: Run) -> None:
    """Raise what a run failed with."""
    now = run.look()
    if now.standing == "lost":
        raise DispatchError(
            f"The run `{now.name}` was lost at step {now.step}: its process ({now.pid}) died. "
            f"`--resume {now.name}` goes on from its last checkpoint."
        )
    if now.standing == "failed":
        told = run.events("error")
        why = told[-1].data.get("traceback") if told else now.error
        kind = RankError if now.world_size > 1 else DispatchError
        raise kind(f"The run `{now.name}` failed: {why or now.error}")
