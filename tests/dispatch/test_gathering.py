"""What ranks say of their shares is recorded once all have said it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.dispatch import gathering
from akidlab.dispatch.gathering import LONG, WAIT, Gathering
from akidlab.messages import Message, Percentiles, Samples


class Now:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(gathering, "time", clock)
    return clock


@pytest.fixture
def out() -> list[Message]:
    return []


def said(step: int, value: float, weight: float = 1.0, topic: str = "mean") -> Message:
    return Message(topic, Samples([step], [value], [0.0], "mean", [weight]), step=step, key="conv1")


def told(out: list[Message]) -> list[tuple[int, float]]:
    return [(message.step, message.data.values[0]) for message in out]  # type: ignore[attr-defined]


def test_it_is_given_out_when_every_rank_has_spoken(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(1, 2.0, 3))
    assert out == []
    gathering.hear(1, said(1, 6.0, 1))

    assert told(out) == [(1, 3.0)]
    assert (out[0].topic, out[0].key, list(out[0].data.weights)) == ("mean", "conv1", [4.0])  # type: ignore[attr-defined]


def test_a_line_does_not_wait_for_another(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    for rank, topic in ((0, "mean"), (0, "norm"), (1, "norm")):
        gathering.hear(rank, said(1, 1.0, topic=topic))

    assert [message.topic for message in out] == ["norm"]


def test_ranks_may_bundle_their_steps_otherwise(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, Message("mean", Samples([1, 2], [1.0, 2.0], [0.0, 0.0], "mean", [1, 3])))
    for step in (1, 2):
        gathering.hear(1, Message("mean", Samples([step], [3.0], [0.0], "mean")))

    assert told(out) == [(1, 2.0), (2, 2.25)]


def test_a_step_that_a_rank_left_out_is_given_out_with_its_next(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(10, 1.0))
    gathering.hear(0, said(20, 2.0))
    gathering.hear(1, said(20, 4.0))

    assert told(out) == [(10, 1.0), (20, 3.0)]


def test_a_rank_that_is_past_the_step_and_silent_is_not_waited_for(out: list[Message], clock: Now) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(10, 1.0))
    gathering.pass_by(1, 10)
    gathering.look()
    assert out == []
    clock.now += WAIT + 0.1
    gathering.look()

    assert told(out) == [(10, 1.0)]


def test_one_that_is_on_its_way_is_waited_for_longer(out: list[Message], clock: Now) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(10, 1.0))
    gathering.pass_by(1, 9)
    clock.now += LONG - 0.1
    gathering.look()
    assert out == []
    clock.now += 0.2
    gathering.look()

    assert told(out) == [(10, 1.0)]


def test_what_comes_too_late_is_left_out_and_the_order_is_kept(out: list[Message], clock: Now) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(10, 1.0))
    clock.now += LONG + 0.1
    gathering.look()
    gathering.hear(1, said(10, 9.0))
    gathering.hear(0, said(11, 1.0))
    gathering.hear(1, said(11, 3.0))

    assert told(out) == [(10, 1.0), (11, 2.0)]


def test_at_the_end_all_that_is_here_is_given_out(out: list[Message]) -> None:
    gathering = Gathering(3, out.append)
    gathering.hear(1, said(1, 2.0))
    gathering.hear(0, said(1, 4.0))
    gathering.hear(0, said(2, 5.0))
    gathering.finish()

    assert told(out) == [(1, 3.0), (2, 5.0)]


def test_distributions_are_merged_too(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    for rank in (0, 1):
        ends = np.linspace(rank, rank + 1, 129, dtype="float32")[None]
        data = Percentiles(["activations/conv1"], ends[:, :: 128 // 8], np.array([100]), ends)
        gathering.hear(rank, Message("percentiles", data, step=4))

    data = out[0].data
    assert isinstance(data, Percentiles)
    assert (out[0].step, data.values[0, [0, 4, 8]].tolist(), data.counts.tolist()) == (
        4, [0.0, pytest.approx(1.0, abs=0.02), 2.0], [200],
    )  # fmt: skip


def test_what_does_not_go_together_is_told_as_rank_0_does(out: list[Message]) -> None:
    gathering = Gathering(2, out.append)
    gathering.hear(0, said(1, 2.0))
    data = Percentiles([], np.zeros((0, 9)), np.zeros(0), np.zeros((0, 3)))
    gathering.hear(1, Message("mean", data, step=1, key="conv1"))

    assert told(out) == [(1, 2.0)]


@given(st.permutations([(rank, step) for rank in (0, 1) for step in range(6)]), st.sets(st.integers(0, 11)))
def test_whatever_arrives_when_steps_ascend_and_each_comes_once(
    order: list[tuple[int, int]], lost: set[int]
) -> None:
    out: list[Message] = []
    gathering = Gathering(2, out.append)
    for rank in (0, 1):  # a rank's own steps come in order
        steps = iter(sorted(step for r, step in order if r == rank))
        order = [(r, next(steps)) if r == rank else (r, s) for r, s in order]
    kept = [one for number, one in enumerate(order) if number not in lost]
    for rank, step in kept:
        gathering.hear(rank, said(step, float(rank)))
    gathering.finish()

    steps = [message.step for message in out]
    assert all(one < after for one, after in pairwise(steps))
    assert set(steps) == {step for _, step in kept}
