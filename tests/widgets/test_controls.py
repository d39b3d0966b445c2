"""What a browser asks for is checked before it is passed on."""

from __future__ import annotations

import pytest

from akidlab.messages import Command
from akidlab.widgets.controls import Controls, command


def test_a_command_keeps_its_id() -> None:
    assert command({"action": "step", "value": 3, "id": "a1", "kind": "command"}) == Command("step", 3, "a1")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"id": "a1"}, "names its action"),
        ({"action": "pause"}, "carries an id"),
        ({"action": "pause", "id": "x" * 65}, "up to 64 characters"),
        ({"action": "rate", "value": "0.1", "id": "a1"}, "is a number, found '0.1'"),
        ({"action": "rate", "value": True, "id": "a1"}, "is a number, found True"),
        ({"action": "explode", "id": "a1"}, "There is no command `explode`"),
    ],
)
def test_what_is_no_command_is_refused(request_: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        command(request_)


def test_a_run_that_cannot_take_it_is_answered_for() -> None:
    def refuse(_: Command) -> None:
        raise RuntimeError("The run has ended.")

    answer = Controls(refuse).take({"action": "stop", "id": "a1"})

    assert answer == {"kind": "ack", "id": "a1", "ok": False, "error": "The run has ended."}
