from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab.messages import Message
from akidlab.messages.picture import picture
from akidlab.store import Recorder, Run, Store
from akidlab.widgets.pictures import pictures
from akidlab.widgets.questions import answer


def run_with(*messages: Message) -> Run:
    run = Store().create("digits")
    with Recorder(run) as recorder:
        for message in messages:
            recorder.hear(message)
    return run


def told(key: str, step: int, side: int = 2, topic: str = "filters") -> Message:
    return Message(topic, picture(np.full((3, 1, side, side), step), np.arange(3.0)), step=step, key=key)


def test_the_newest_pictures_come_first_and_then_only_what_is_new() -> None:
    run = run_with(told("conv1", 1), told("conv1", 5), told("ip1", 5), told("relu1", 5, topic="maps"))

    first, buffers = pictures(run, {"topic": "filters"})
    second, nothing = pictures(run, {"topic": "filters", "has": {"filters/conv1": 5, "filters/ip1": 5}})

    assert [(one["tag"], one["step"]) for one in first["pictures"]] == [
        ("filters/conv1", 5),
        ("filters/ip1", 5),
    ]  # type: ignore[union-attr,index]
    assert first["names"] == ["filters/conv1", "filters/ip1"]
    assert first["steps"] == [1, 5]
    assert [len(buffer) for buffer in buffers] == [24, 24]
    np.testing.assert_array_equal(np.frombuffer(buffers[1], "<f4"), [0, 1, 2, 0, 1, 2])
    assert (second["pictures"], nothing) == ([], [b"", b""])


def test_pictures_as_of_an_earlier_step_are_those_that_were_newest_then() -> None:
    run = run_with(told("conv1", 10), told("conv1", 20), told("conv1", 30))

    def step_of(asked: int) -> int:
        return pictures(run, {"topic": "filters", "step": asked})[0]["pictures"][0]["step"]  # type: ignore[index]

    assert [step_of(25), step_of(30), step_of(5)] == [20, 30, 10]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_an_answer_stays_small_and_all_come_in_the_end(sides: list[int]) -> None:
    run = run_with(*(told(f"layer{number}", 1, side) for number, side in enumerate(sides)))

    has: dict[str, int] = {}
    while True:
        content, buffers = pictures(run, {"topic": "filters", "has": has})
        size = sum(map(len, buffers)) + len(json.dumps(content["pictures"]))
        assert size < 20_000 or len(content["pictures"]) == 1  # type: ignore[arg-type]
        has |= {one["tag"]: one["step"] for one in content["pictures"]}  # type: ignore[union-attr,index]
        if not content["more"]:
            break

    assert len(has) == len(sides)


def test_a_browser_asks_by_the_name_of_the_question() -> None:
    found = answer(run_with(told("conv1", 1)), "pictures", {"topic": "filters"})

    assert json.loads(json.dumps(found.plain))["content"]["pictures"][0]["shape"] == [3, 1, 2, 2]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"topic": "weights"}, "Pictures are of filters or maps, found 'weights'"),
        ({"topic": "maps", "step": "x"}, "`step` is a whole number"),
        ({"topic": "maps", "has": 3}, "`has` names the steps"),
    ],
)
def test_what_makes_no_sense_is_told(asked: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pictures(run_with(), asked)
