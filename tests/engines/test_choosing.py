"""The way that gradients take: measured in the first steps, the same on all ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from akidlab.engines.choosing import ENOUGH, ROUNDS, Choice


class Clock:
    """A clock that goes on only when it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def way(self, name: str, taken: list[str], seconds: list[float]) -> Callable[[Sequence[Tensor]], None]:
        """One that takes these seconds, the last of them ever after."""

        def average(tensors: Sequence[Tensor]) -> None:
            taken.append(name)
            self.now += seconds.pop(0) if len(seconds) > 1 else seconds[0]

        return average


def chosen_after(steps: int, **seconds: list[float]) -> tuple[Choice, list[str]]:
    """The choice, and which way each step took."""
    clock, taken = Clock(), list[str]()
    ways = {name: clock.way(name, taken, spent) for name, spent in seconds.items()}
    choice = Choice(ways, meet=lambda: None, gather=lambda value: [value], clock=clock)
    for _ in range(steps):
        choice.average([])
    return choice, taken


def test_every_way_is_tried_in_turn_and_then_the_quickest_is_taken() -> None:
    choice, taken = chosen_after(20, slow=[0.004], quick=[0.002])

    assert taken == ["slow", "quick"] * (ROUNDS + 1) + ["quick"] * (20 - 2 * (ROUNDS + 1))
    assert choice.describe() == {"path": "quick", "ms": {"slow": 4.0, "quick": 2.0}}


def test_the_first_time_of_a_way_does_not_count() -> None:
    choice, _ = chosen_after(20, steady=[0.004], warming=[0.1, 0.002])

    assert choice.chosen == "warming"


def test_trials_end_when_they_took_long_enough() -> None:
    choice, taken = chosen_after(4, endless=[ENOUGH], quick=[0.001])

    assert (choice.chosen, taken) == ("quick", ["endless", "quick", "quick", "quick"])


def test_where_there_is_one_way_nothing_is_measured() -> None:
    choice, taken = chosen_after(1, only=[1.0])

    assert (choice.describe(), taken) == ({"path": "only", "ms": {}}, ["only"])


def test_a_way_is_as_slow_as_it_was_on_the_slowest_rank() -> None:
    other = {"here": [0.5] * 4, "there": [0.2] * 4}
    clock, taken = Clock(), list[str]()
    ways = {"here": clock.way("here", taken, [0.001]), "there": clock.way("there", taken, [0.002])}
    choice = Choice(
        ways, lambda: None, lambda value: [value, {n: s[: len(value[n])] for n, s in other.items()}]
    )
    while choice.chosen is None:
        choice.average([])

    assert choice.chosen == "there"
