"""Messages and payloads: plain values that do not change."""

from __future__ import annotations

import dataclasses
import time

import pytest

from akidlab.messages import Command, Event, Log, Message, Samples, Status


@pytest.mark.parametrize(
    "value",
    [Message("loss"), Samples([1], [0.5], [0.0]), Event("stop"), Log("hello"), Status(), Command("stop")],
)
def test_what_was_said_stays_as_it_was_said(value):
    name = dataclasses.fields(value)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(value, name, None)


def test_a_message_knows_when_it_was_said():
    before = time.time()
    message = Message("loss")

    assert before <= message.time <= time.time()


def test_two_events_share_no_data():
    assert Event("stop").data == {}
    assert Event("stop").data is not Event("stop").data


def test_payloads_are_compared_by_value():
    assert Log("a", rank=1) == Log("a", rank=1)
    assert Status("running", {"step": 1}) != Status("running", {"step": 2})
