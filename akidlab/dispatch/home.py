"""Home: the notebook that holds the kid of a run on ranks, and is asked when the run shall move."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from akidlab.errors import DispatchError
from akidlab.messages import Command
from akidlab.processes import began, lives

if TYPE_CHECKING:
    from akidlab.dispatch.work import Work


def here() -> dict[str, object]:
    """This process, for the options of a task, and for what the store keeps of a run.

    Example:
        >>> is_there(here()), is_there(None)
        (True, False)
    """
    me = os.getpid()
    return {"pid": me, "born": began(me)}


def is_there(home: Any) -> bool:
    """True if that process lives."""
    return bool(home) and lives(home["pid"], home["born"])


def ask(work: Work, command: Command) -> None:
    """Tell the notebook that the run shall move: it alone can hand it on, or take it.

    Raises:
        DispatchError: if it is gone.
    """
    if not is_there(work.task.options.get("home")):
        raise DispatchError(
            f"The run `{work.name}` cannot be moved: the notebook that holds its kid is gone. Stop it; "
            f"`%akid_train --resume {shlex.quote(work.name)} -np {int(command.value or 1)}` goes on with it."
        )
    work.tell({"kind": "move", "command": command})


def suggest(work: Work, command: Command) -> None:
    """The run itself wants to move: a hook asked for it."""
    try:
        ask(work, command)
    except DispatchError as error:
        work.note("stays", id=command.id, ranks=command.value, text=str(error))


def release(work: Work, command: Command, is_waiting: bool) -> None:
    """The notebook goes on with the run: have the ranks leave it, after the same step.

    Raises:
        DispatchError: if there is nothing that they could leave.
    """
    if work.is_closing or work.outcome is not None:
        raise DispatchError(f"The run `{work.name}` is over.")
    if is_waiting:
        raise DispatchError(f"The run `{work.name}` has not begun: it waits for its ranks.")
    work.commands.append(command)
