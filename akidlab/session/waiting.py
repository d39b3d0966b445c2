"""Waiting: a cell waits for what trains, and what it says when it is interrupted."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from akidlab.store import Run, words

LOOK = 0.25  # seconds between looks at the store's health


class Watched(Protocol):
    """Something that trains."""

    run: Run
    error: BaseException | None
    was_interrupted: bool

    @property
    def problem(self) -> str | None: ...
    def start(self) -> object: ...
    def join(self, timeout: float | None = None) -> bool: ...
    def stop(self) -> None: ...
    def abandon(self) -> None: ...


def watch(training: Watched) -> None:
    """Start `training` and wait until it has ended.

    The first interrupt asks it to stop after the step it is in, the second breaks it off.

    Raises:
        KeyboardInterrupt: at the second interrupt.
        Exception: what the training failed with.
    """
    __tracebackhide__ = True
    try:
        training.start()
        _wait(training)
    except KeyboardInterrupt:
        training.was_interrupted = True
        training.stop()
        try:
            _wait(training)
        except KeyboardInterrupt:
            training.abandon()
            training.join(1.0)
            raise
    if training.error is not None:
        raise training.error


def _wait(training: Watched) -> None:
    __tracebackhide__ = True
    told = None
    while not training.join(LOOK):
        if training.problem is not None and told is None:
            told = training.problem
            sys.stderr.write(f"{told}\n")


def summary(training: Watched) -> str:
    """One calm line: what it came to; below it, what it was warned of.

    Example:
        `digits` finished: 500 steps in 3.2 s, validation loss 0.1234, validation accuracy 0.9722
    """
    now = training.run.look()
    of = f" of {now.max_steps}" if now.max_steps and now.step < now.max_steps else ""
    facts = [f"{now.step}{of} steps in {now.elapsed:.1f} s"]
    for tag in training.run.pulse().tags.values():
        if tag.name.startswith("validation_") and tag.count:
            facts.append(f"{tag.name.replace('_', ' ')} {tag.value:.4g}")
            if tag.step != now.step:
                facts[-1] += f" (of step {tag.step})"
    line = f"`{now.name}` {now.status}: {', '.join(facts)}"
    if now.status == "stopped" and now.step:
        line += f". {_how_to_go_on(training)}"
    if now.status == "finished" and of:
        line += f". {_why_so_early(training.run, now.step)}"
    return "\n".join([line, *(f"{words.WARNED[0]} {said}" for said in training.run.warnings)])


def _how_to_go_on(training: Watched) -> str:
    kid: Any = getattr(training, "kid", training)  # a program has its kid alone
    if kid.step:
        return f"The kid is as it was after step {kid.step}; train it again and it goes on."
    return "The kid is as it was before: its ranks kept nothing. Train it again and it begins anew."


def _why_so_early(run: Run, step: int) -> str:
    told = [event.data for event in run.events("early_stop") if event.step == step]
    if not told or "patience" not in told[-1]:
        return "A hook ended it; train it again and it goes on."
    why = told[-1]
    what, best = str(why["metric"]).replace("_", " "), why["best"]
    than = "" if best is None else f" than {best:.4g} of step {why['best_step']}"
    count = "1 validation" if why["patience"] == 1 else f"{why['patience']} validations"
    return f"Stopped early: no better {what}{than} in {count}; train it again and it has as many more."
