"""Branching from a dashboard: the checkpoint that a child would begin at, and the kid that made the run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from IPython.core.getipython import get_ipython

if TYPE_CHECKING:
    from akidlab.store import Run
    from akidlab.widgets.description import Plain


def checkpoints(run: Run, asked: Mapping[str, object]) -> Plain:
    """Where a branch would begin that leaves `run` at a step: its newest checkpoint at or before that.

    Of a run that is a branch itself, steps before its beginning are those of the run that it left.

    Args:
        run: the one that is looked at.
        asked: `step`.

    Returns:
        The name of the `run` that the checkpoint is of, and its `step`; both None if there is none so early.
        `first` is the step of the first one of `run`, None if it has none.

    Raises:
        ValueError: if `step` is no step.
    """
    step = asked.get("step")
    if type(step) is not int or not 0 <= step < 2**53:
        raise ValueError(f"`step` is a step, found {step!r:.40}.")
    own = run.checkpoints.steps
    told: Plain = {"run": None, "step": None, "first": own[0] if own else None}
    for stretch in reversed(run.lineage):
        until = step if stretch.until is None else min(step, stretch.until)
        there = own if stretch.until is None else stretch.run.checkpoints.steps
        if early := [one for one in there if one <= until]:
            return told | {"run": stretch.run.name, "step": early[-1]}
    return told


def variable(run: Run) -> str | None:
    """The name of the notebook's variable that holds the kid of `run`; None where there is none."""
    module = sys.modules.get(
        "akidlab.kids.kid"
    )  # where no kid was ever made, torch is not loaded to find out
    names = getattr(get_ipython(), "user_ns", {})
    if module is None:
        return None
    kids = {name: value for name, value in list(names.items()) if isinstance(value, module.Kid)}
    found = [name for name, kid in kids.items() if kid.run is not None and kid.run.uid == run.uid]
    return next((name for name in found if not name.startswith("_")), None)
