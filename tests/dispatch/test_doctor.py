"""Who hangs, from what ranks say: here said by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from akidlab.dispatch import doctor as module
from akidlab.dispatch.doctor import Doctor


class Clock:
    """Stands for the monotonic one."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module.Sign.__dataclass_fields__["heard"], "default_factory", clock.monotonic)
    return clock


@pytest.fixture
def doctor(clock: Clock) -> Doctor:
    doctor = Doctor(2)
    for rank in (0, 1):
        doctor.hear(rank, beat())
    return doctor


def beat(
    waiting: float | None = None,
    collective: str = "average",
    number: int = 9,
    pace: float = 0.01,
    step: int = 5,
) -> dict[str, Any]:
    stack = "  cell.py:3, in train\n"
    doing = {"collective": collective, "number": number, "waiting": waiting, "stack": stack}
    return {"step": step, "pace": pace, **doing}


def idle(rank: int) -> str:
    return "waits"


def test_ranks_that_are_heard_are_well(doctor: Doctor, clock: Clock) -> None:
    clock.now += 2.0

    assert doctor.look(idle) is None


def test_a_stopped_process_is_found_by_its_silence(doctor: Doctor, clock: Clock) -> None:
    clock.now += 4.0
    doctor.hear(0, beat(waiting=3.9))
    hang = doctor.look(lambda rank: "stopped" if rank == 1 else "waits")

    assert hang is not None
    assert (hang.rank, hang.why, hang.patience) == (1, "Rank 1 is stopped (SIGSTOP).", module.SILENT)


def test_a_silent_process_that_works_is_borne_with(doctor: Doctor, clock: Clock) -> None:
    clock.now += 8.0
    doctor.hear(0, beat(waiting=7.9))
    hang = doctor.look(lambda rank: "works")

    assert hang is not None
    assert (hang.rank, hang.patience) == (1, module.BUSY)
    assert "no sign of life" in hang.why


def test_the_rank_that_does_not_come_is_named_within_ten_seconds(doctor: Doctor, clock: Clock) -> None:
    doctor.hear(0, beat(waiting=6.5))
    assert doctor.look(idle) is None
    doctor.hear(0, beat(waiting=7.5))
    hang = doctor.look(idle)

    assert hang is not None
    assert (hang.rank, hang.why) == (1, "Rank 1 does not come: rank 0 waits in `average`.")
    assert hang.patience == module.PATIENCE
    assert doctor.describe() == (
        "Rank 0, step 5, waits in `average`, the collective number 9, at\n  cell.py:3, in train\n"
        "Rank 1, step 5, was last in `average`, the collective number 9, at\n  cell.py:3, in train\n"
    )


def test_slow_steps_and_the_first_one_are_borne_with(doctor: Doctor) -> None:
    doctor.hear(0, beat(waiting=100.0, pace=10.0))
    assert doctor.look(idle) is None
    doctor.hear(0, beat(waiting=100.0, step=0))
    doctor.hear(1, beat(step=0))
    hang = doctor.look(idle)

    assert hang is not None
    assert hang.patience == module.BUSY


def test_a_wait_that_came_to_a_good_end_is_borne_with_from_then_on(doctor: Doctor, clock: Clock) -> None:
    doctor.hear(0, beat(waiting=50.0))
    hang = doctor.look(idle)
    assert hang is not None
    assert doctor.recovered(hang) == pytest.approx(50.0)
    again = doctor.look(idle)

    assert again is not None
    assert again.patience == pytest.approx(200.0)


def test_mismatched_collectives_are_told_and_not_borne_with(doctor: Doctor) -> None:
    doctor.hear(0, beat(waiting=5.0, collective="sum", number=9))
    doctor.hear(1, beat(waiting=4.5, collective="average", number=10))
    hang = doctor.look(idle)

    assert hang is not None
    assert "rank 0 waits in `sum`, the collective number 9" in hang.why
    assert "rank 1 waits in `average`, the collective number 10" in hang.why
    assert hang.patience == module.APART


def test_ranks_between_which_nothing_comes_through_hang(doctor: Doctor) -> None:
    doctor.hear(0, beat(waiting=8.0))
    doctor.hear(1, beat(waiting=8.0))
    hang = doctor.look(idle)

    assert hang is not None
    assert "All ranks wait in `average`" in hang.why


def test_who_slept_forgives_the_silence(doctor: Doctor, clock: Clock) -> None:
    clock.now += 30.0
    doctor.forgive(30.0)

    assert doctor.look(lambda rank: "stopped") is None
