"""Fetching: the state of a run as a checkpoint, whichever process trains it, or trained it."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from akidlab.errors import CheckpointError, DispatchError, WireError
from akidlab.messages import Command
from akidlab.store.liveness import this_machine
from akidlab.wire import Connection, send_command

if TYPE_CHECKING:
    from akidlab.store import Run

LOOK = 0.02  # seconds between looks whether a checkpoint has been written


def steer(run: Run, command: Command) -> None:
    """Give a command to a live run.

    Raises:
        WireError: if it has ended, or cannot be reached from here.
    """
    now = run.look()
    if not now.is_live:
        raise WireError(f"The run `{now.name}` is {now.standing}; only a live run can be steered.")
    if now.machine != this_machine():
        raise WireError(f"The run `{now.name}` trains on {now.host}, and listens to that machine alone.")
    answer = send_command(run.uid, command)
    if not answer.get("ok"):
        raise WireError(str(answer.get("error")))


def fetch(run: Run, timeout: float) -> bytes:
    """The state of a run: of a live one at the step it is in, of another the last that was kept.

    Args:
        run: which.
        timeout: seconds for a live run to write a checkpoint.

    Raises:
        CheckpointError: if there is none.
        TimeoutError: if a live run has written none in time.
    """
    from akidlab.kids import checkpoint

    if run.status in ("running", "paused"):
        _save(run, timeout)
    now = run.look()
    found = checkpoint.newest(run.folder)
    if not now.is_live and (found is None or checkpoint.read(found)[1]["step"] < now.step):
        found = _held(run) or found  # it writes none by itself, or could not
    if found is None:
        why = "has not begun yet" if now.standing == "preparing" else f"is {now.standing}"
        raise CheckpointError(f"The run `{now.name}` {why}; there is no checkpoint in {run.folder}.")
    return found


def _save(run: Run, timeout: float) -> None:
    """Have a live run write a checkpoint, and wait until it is there, or the run has ended."""
    command, before = Command("save", 0), run.pulse().event  # to be read now, not to be kept
    end, is_heard = time.monotonic() + timeout, False
    try:
        steer(run, command)
    except WireError:
        if run.is_live:
            raise
    while run.is_live:
        for event in run.events(after=before):
            is_heard = is_heard or event.data.get("id") == command.id
            if is_heard and event.kind == "checkpoint":
                return
            if is_heard and event.kind == "warning":
                raise CheckpointError(str(event.data.get("text")))
        if time.monotonic() >= end:
            raise TimeoutError(
                f"The run `{run.name}` has written no checkpoint within {timeout:g} s: a step, or a "
                "validation, takes longer. Wait longer: `weights(timeout=600)`."
            )
        time.sleep(LOOK)


def _held(run: Run) -> bytes | None:
    """The weights of a run that ended on ranks, from the supervisor, if it is still there and knows them."""
    from akidlab.dispatch import Pool

    for connection in Connection.find("pool"):
        with closing(Pool(connection)) as pool, suppress(DispatchError, TimeoutError):
            found = pool.watch(run.uid).wait(timeout=5.0)
            if found.status != "moved":  # else it went on elsewhere
                return found.weights
    return None
