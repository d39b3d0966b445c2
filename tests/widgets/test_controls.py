"""What a browser asks for is checked before it is passed on."""

from __future__ import annotations

import pytest

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.messages import Command
from akidlab.models.brains import OneLayerBrain
from akidlab.store import Recorder, Run
from akidlab.widgets.controls import Controls, command, to_the_run


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
        ({"action": "note", "text": 5, "id": "a1"}, "is a text, found 5"),
        ({"action": "note", "text": "x" * 3000, "id": "a1"}, "at most 2,000 characters"),
        ({"action": "explode", "id": "a1"}, "There is no command `explode`"),
    ],
)
def test_what_is_no_command_is_refused(request_: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        command(request_)


def test_a_note_is_kept_with_a_past_run_and_nothing_else_is_done_to_it(run: Run, recorder: Recorder) -> None:
    recorder.stop("finished")
    controls = Controls(to_the_run(run))

    kept = controls.take({"action": "note", "text": "The best so far.", "id": "a1"})
    paused = controls.take({"action": "pause", "id": "a2"})

    assert (kept["ok"], paused["ok"]) == (True, False)
    assert [event.data["text"] for event in run.events("note")] == ["The best so far."]


@pytest.mark.parametrize("asked", [Command("note", text="It converges."), Command("rate", 0.05)])
def test_what_a_run_took_counts_once_though_a_copy_comes_after_its_end(asked: Command) -> None:
    kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(0.1), max_steps=3)
    kid.hooks.on_train_begin.append(lambda kid: kid.controls.send(asked))
    kid.practice()
    assert kid.run is not None

    late = Controls(to_the_run(kid.run)).take(asked.plain)

    assert late["ok"]
    assert [event.data["id"] for event in kid.run.events(asked.action)] == [asked.id]


def test_a_run_that_cannot_take_it_is_answered_for() -> None:
    def refuse(_: Command) -> None:
        raise RuntimeError("The run has ended.")

    answer = Controls(refuse).take({"action": "stop", "id": "a1"})

    assert answer == {"kind": "ack", "id": "a1", "ok": False, "error": "The run has ended."}
