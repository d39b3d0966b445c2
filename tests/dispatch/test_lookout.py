"""What the supervisor makes of what ranks measure: samples, rows, events, timelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akidlab.dispatch import gauges
from akidlab.dispatch.lookout import Lookout
from akidlab.errors import DispatchError
from akidlab.messages import Event, Message, Samples, Status


class Heard:
    """A lookout of two ranks, and all that it said."""

    def __init__(self, folder: Path, hosts: tuple[str, str] = ("ada", "ada")) -> None:
        self.messages: list[Message] = []
        self.written: list[tuple[int, str]] = []
        self.lookout = Lookout(
            self.messages.append, lambda rank, text: self.written.append((rank, text)), folder
        )
        self.lookout.begin([{"host": host, "pid": 41 + rank} for rank, host in enumerate(hosts)])

    def step(self, first: int, count: int, own: tuple[float, float] = (0.005, 0.005), **more: Any) -> None:
        """Both ranks tell of some steps of 10 ms or more."""
        for rank in (0, 1):
            steps = np.arange(first, first + count)
            ended = 0.1 * steps + 1000.0 * rank * more.get("ahead", 0)
            told = {
                "steps": steps,
                "began": ended - 0.002,
                "ended": ended,
                "own": np.full(count, own[rank]),
                "queued": np.zeros(count),
                "looks": np.array([[first, 2600.0, 0.5 + rank]]),
                "sums": {"names": ["w"], "steps": np.array([first]), "sums": np.array([[7]])},
                "trace": None,
            }
            self.lookout.hear(rank, told | {key: value for key, value in more.items() if key in told})

    def of(self, kind: type) -> list[Any]:
        return [message.data for message in self.messages if isinstance(message.data, kind)]

    def scalars(self) -> dict[str, float]:
        samples = [message for message in self.messages if isinstance(message.data, Samples)]
        return {f"{message.topic}/{message.key}": message.data.values[-1] for message in samples}  # type: ignore[union-attr]


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Heard:
    monkeypatch.setattr(gauges, "OFTEN", 0.0)
    return Heard(tmp_path / "digits")


def test_the_means_of_the_steps_are_recorded_for_each_rank(heard: Heard) -> None:
    heard.step(1, 10, own=(0.005, 0.008))
    found = heard.scalars()

    assert found["ranks/own_ms/0"] == pytest.approx(5.0)
    assert found["ranks/own_ms/1"] == pytest.approx(8.0)
    assert found["ranks/wait_ms/1"] == pytest.approx(2.0)
    assert found["ranks/step_ms/1"] == pytest.approx(10.0)
    assert (found["ranks/bytes/0"], found["ranks/gradient_norm/1"]) == (2600.0, 1.5)


def test_a_rank_that_lags_is_told_of_on_the_dashboard_and_in_the_cell(heard: Heard) -> None:
    heard.step(1, 10, own=(0.005, 0.055))

    [event] = heard.of(Event)
    assert (event.kind, event.data["rank"], event.data["step"]) == ("rank_lags", 1, 6)
    assert heard.written == [(1, event.data["text"] + "\n")]
    assert heard.of(Status)[-1].data["ranks"][1]["lags"] == 11.0


def test_rows_tell_what_is_known_and_only_when_that_is_news(heard: Heard) -> None:
    heard.step(1, 10)
    heard.lookout.lose(1)
    heard.lookout.lose(1)
    told = [status.data["ranks"] for status in heard.of(Status)]

    assert [rows[1]["state"] for rows in told] == ["running", "running", "lost"]
    known = {"host": "ada", "pid": 41, "state": "running", "step": 10}
    assert told[1][0] == known | {"checksum": "00000007", "lags": 0.0, "drifts": 0}


def test_at_the_end_what_is_left_is_recorded_and_later_nothing(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "OFTEN", 3600.0)
    heard.step(1, 10)
    assert heard.scalars() == {}
    heard.lookout.end({0: "finished", 1: "failed"})
    heard.step(11, 10)

    assert heard.scalars()["ranks/own_ms/0"] == pytest.approx(5.0)
    assert [row["state"] for row in heard.of(Status)[-1].data["ranks"]] == ["finished", "failed"]


def test_nonsense_of_a_rank_ends_nothing(heard: Heard) -> None:
    heard.lookout.hear(0, {"steps": "none"})
    heard.lookout.hear(7, {"steps": np.array([1])})
    heard.step(1, 10)

    assert heard.scalars()


def trace(first: int, last: int, *others: tuple[str, float, float]) -> dict[str, Any]:
    names, began, ended = map(list, zip(*others, strict=True)) if others else ([], [], [])
    return {"first": first, "last": last, "names": names, "began": began, "ended": ended}


def test_a_timeline_holds_the_steps_that_all_have_traced(heard: Heard, tmp_path: Path) -> None:
    steps, file = heard.lookout.trace(20, 3)
    heard.step(1, 30, trace=trace(4, 23, ("gather", 0.45, 0.48)))
    [event] = heard.of(Event)
    bars = json.loads((tmp_path / "digits" / "timeline-3.json").read_text())["traceEvents"]

    assert (steps, file) == (20, str(tmp_path / "digits" / "timeline-3-horovod.json"))
    assert (event.kind, dict(event.data)) == ("timeline", {"file": "timeline-3.json", "first": 4, "last": 23})
    averages = [bar for bar in bars if bar["name"] == "average" and bar["pid"] == 1]
    assert [bar["args"]["step"] for bar in averages] == list(range(4, 24))
    assert averages[1]["ts"] - averages[0]["ts"] == pytest.approx(100_000)  # microseconds
    assert averages[0]["dur"] == pytest.approx(2000)
    assert [bar["name"] for bar in bars if bar.get("cat") == "other"] == ["gather", "gather"]
    assert {bar["args"]["name"] for bar in bars if bar["ph"] == "M"} == {"rank 0 on ada", "rank 1 on ada"}


def test_clocks_of_several_machines_are_set_by_the_end_of_an_average(tmp_path: Path) -> None:
    heard = Heard(tmp_path, ("ada", "bob"))
    heard.lookout.trace(None, 1)
    heard.step(1, 10, ahead=1, trace=trace(2, 9))
    bars = json.loads((tmp_path / "timeline-1.json").read_text())["traceEvents"]
    starts = [
        [bar["ts"] for bar in bars if bar["name"] == "average" and bar["pid"] == rank] for rank in (0, 1)
    ]

    assert starts[0] == pytest.approx(starts[1])


def test_the_own_timeline_of_the_engine_is_told_where_there_is_one(heard: Heard) -> None:
    file = heard.lookout.trace(None, 3)[1]
    Path(file).write_text("[]")
    heard.step(1, 30, trace=trace(4, 23))

    assert heard.of(Event)[0].data["engine"] == "timeline-3-horovod.json"


def test_one_timeline_at_a_time(heard: Heard) -> None:
    heard.lookout.trace(None, 3)
    with pytest.raises(DispatchError, match="is being recorded already"):
        heard.lookout.trace(None, 4)
    heard.step(1, 30, trace=trace(4, 23))

    assert heard.lookout.trace(None, 30)[0] == 50
