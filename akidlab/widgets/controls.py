"""Controls: what a button of the dashboard asks for, given to the function that can do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from akidlab.errors import WireError
from akidlab.messages import Command
from akidlab.wire import send_command

if TYPE_CHECKING:
    from akidlab.store import Run


class Controls:
    """Takes what the browser asks for over the comm, and answers whether that was taken.

    Args:
        send: gives a command to the run, None if nobody can.

    Example:
        >>> Controls(None).take({"action": "pause", "id": "a1"})
        {'kind': 'ack', 'id': 'a1', 'ok': False, 'error': 'Nothing here can reach this run.'}
    """

    def __init__(self, send: Callable[[Command], object] | None) -> None:
        self.send = send

    def take(self, request: Mapping[str, object]) -> dict[str, object]:
        """Pass `request` on as a command; its id makes it count once, whichever way it came first."""
        answer: dict[str, object] = {"kind": "ack", "id": request.get("id")}
        if self.send is None:
            return answer | {"ok": False, "error": "Nothing here can reach this run."}
        try:
            self.send(command(request))
        except Exception as error:  # the button says it; the notebook goes on
            return answer | {"ok": False, "error": str(error) or repr(error)}
        return answer | {"ok": True}


def to_the_run(run: Run) -> Callable[[Command], None]:
    """What gives commands to the control socket of `run`, in whatever process of this user.

    A note is kept with a past run, too. What the run took already, by another way, is not given again.
    """

    def send(command: Command) -> None:
        if any(event.data.get("id") == command.id for event in run.events(command.action)):
            return  # a comm's copy waits until the cell ends: a foreground training, perhaps
        if command.action == "note" and not run.is_live:
            run.note(command.text or "")
            return
        answer = send_command(run.uid, command)
        if not answer.get("ok"):
            raise WireError(str(answer.get("error")))

    return send


def command(request: Mapping[str, object]) -> Command:
    """The command that plain values stand for.

    Raises:
        ValueError: if they stand for none.
    """
    action, value, id = request.get("action"), request.get("value"), request.get("id")
    text = request.get("text")
    if not isinstance(action, str):
        raise ValueError(f"A command names its action, found {action!r}.")
    if not isinstance(id, str) or not 0 < len(id) <= 64:
        raise ValueError(f"A command carries an id of up to 64 characters, found {id!r}.")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise ValueError(f"The value of a command is a number, found {value!r}.")
    if text is not None and not isinstance(text, str):
        raise ValueError(f"The text of a command is a text, found {text!r:.40}.")
    return Command(action, value, id, text)
