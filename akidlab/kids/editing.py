"""Edits of a living Kid: its brain changes between two steps, and its optimiser follows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from akidlab.blocks.plan import lacks, missing
from akidlab.errors import BlockError, KindError
from akidlab.kids.report import Report

if TYPE_CHECKING:
    from akidlab.blocks import Brain
    from akidlab.blocks.edit import Edit
    from akidlab.kids.kid import Kid


def edit(kid: Kid, change: Callable[[Brain], object]) -> Edit:
    """Let `change` edit the brain of `kid`, as one edit, and put the kid together again.

    Raises:
        BlockError: if that cannot work, or leaves nothing to train; then nothing has changed.
        KindError: if `change` is no function.
    """
    if not callable(change):
        raise KindError(
            f"`change` is a function that is given the brain, found {change!r:.60}. "
            'Such as `kid.edit(lambda brain: brain.remove("relu1"))`.'
        )
    brain = kid.brain
    with brain.editing(seed=kid.seed) as under_way:
        change(brain)
    try:
        _check(kid)
        kid.setup()
    except BaseException:
        under_way.before.restore()
        kid.setup()
        raise
    kid.saved = None  # a checkpoint of this step, if there is one, is of the brain before
    return brain.edits[-1]


def check_thread(kid: Kid, thread: int) -> None:
    """Raise a BlockError where several ranks practise, and only this one would be changed."""
    if kid.practising and kid.engine.size > 1 and threading.get_ident() != thread:
        raise BlockError(
            f"`{kid.name}` practises on {kid.engine.size} ranks, which must change at the same step. Edit "
            "from a hook, on every rank: kid.hooks.on_val_log_step.append(lambda kid: kid.edit(change))."
        )


def announce(kid: Kid) -> None:
    """Publish the edits since the kid was put together last, also those that were made behind its back."""
    report, edits = kid.report or Report(kid), kid.brain.edits[kid.edits :]
    for one in edits:
        facts = {name: list(value) for name, value in asdict(one).items() if isinstance(value, tuple)}
        report.event("edit", text=str(one), kept=one.kept, **facts)
    if edits:
        report.graph()


def _check(kid: Kid) -> None:
    """Raise a BlockError unless a batch of the sensor leads to a loss."""
    brain, plan = kid.brain, kid.brain.plan()
    values = plan.opened(list(kid.sensor.batch()))
    for step in plan.steps:
        if lacks(step, values, set()):
            raise BlockError(missing(step, values))
    if not any(block._contributes() for _, block in brain._leaves()):
        raise BlockError(f"`{brain.name}` would have no loss to minimise: leave it one, or replace it.")
