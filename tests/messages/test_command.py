"""What may be asked of a live run."""

from __future__ import annotations

import math

import pytest

from akidlab.messages import Command
from akidlab.wire.codec import decode, encode


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("pause", None),
        ("resume", None),
        ("stop", None),
        ("step", None),
        ("step", 5),
        ("rate", 0.01),
        ("rate", 0),
        ("save", None),
    ],
)
def test_the_known_acts_are_taken(action, value):
    command = Command(action, value)

    assert (command.action, command.value) == (action, value)


def test_every_command_has_an_id_of_its_own():
    assert len({Command("pause").id for _ in range(100)}) == 100


def test_a_command_that_arrives_twice_is_the_same():
    assert Command("pause", id="x") == Command("pause", id="x")


def test_an_unknown_act_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no command `explode`\. Known: pause, resume, step, stop, rate"):
        Command("explode")


@pytest.mark.parametrize("value", [None, -0.1, math.inf, math.nan, "fast"])
def test_a_rate_must_be_a_number_of_zero_or_more(value):
    with pytest.raises(ValueError, match=r"`rate` needs a learning rate of 0 or more"):
        Command("rate", value)


@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_a_number_of_steps_must_be_one_or_more(value):
    with pytest.raises(ValueError, match=r"`step` needs a number of steps of 1 or more"):
        Command("step", value)


def test_ranks_are_a_whole_number_and_0_is_the_notebook() -> None:
    assert Command("ranks", 0).value == 0
    for value in (None, -1, 1.5):
        with pytest.raises(ValueError, match=r"`ranks` needs a number of ranks, 0 for the notebook's own"):
            Command("ranks", value)


def test_a_note_carries_its_text_wherever_it_goes():
    note = Command("note", text="The loss jumps here.", id="n1")

    assert note.plain == {"action": "note", "value": None, "id": "n1", "text": "The loss jumps here."}
    assert Command.of(note.plain) == note
    assert decode(encode(note)) == note


@pytest.mark.parametrize(
    ("action", "text", "says"),
    [
        ("note", None, "A note is a text that says something, found None"),
        ("note", "  ", "A note is a text that says something, found '  '"),
        ("note", "x" * 2001, "at most 2,000 characters, found 2,001"),
        ("pause", "why", "Only a `note` has a text, found 'why' with `pause`"),
    ],
)
def test_a_text_that_is_no_note_is_refused(action, text, says):
    with pytest.raises(ValueError, match=says):
        Command(action, text=text)
