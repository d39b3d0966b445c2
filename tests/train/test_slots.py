"""GPUs and shares of the CPU, handed out and taken back."""

from __future__ import annotations

import threading

import pytest

from akidlab.errors import TuningError
from akidlab.train.slots import Slots, default_shares, visible_gpus
from tests.patience import PATIENCE


def test_no_gpu_is_handed_out_twice() -> None:
    slots = Slots(gpus=[4, 5, 7])
    one, two = slots.take(1), slots.take(2)
    slots.give(one)
    three = slots.take(1)

    assert (one.gpus, two.gpus, three.gpus) == (("4",), ("5", "7"), ("4",))
    assert two.environment["CUDA_VISIBLE_DEVICES"] == "5,7"


def test_an_instance_that_wants_no_gpu_sees_none() -> None:
    slots = Slots(gpus=["0"], shares=2)
    slot = slots.take(0)

    assert (slot.gpus, slot.shares, slot.environment["CUDA_VISIBLE_DEVICES"]) == ((), 1, "")


def test_without_gpus_shares_of_the_cpu_are_taken() -> None:
    slots = Slots(gpus=[], shares=3)
    slot = slots.take(2)
    last = slots.take(1)
    waiting = threading.Thread(target=lambda: slots.give(slots.take(1)), daemon=True)
    waiting.start()
    waiting.join(0.05)

    assert (slot.shares, last.shares, waiting.is_alive()) == (2, 1, True)
    assert "CUDA_VISIBLE_DEVICES" not in slot.environment
    slots.give(last)
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_an_instance_has_its_share_of_the_cores_and_no_more_than_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: range(8), raising=False)
    assert Slots(gpus=[], shares=4).take(2).threads == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    slot = Slots(gpus=[], shares=2).take(1)

    assert (slot.threads, slot.environment["OMP_NUM_THREADS"]) == (3, "3")


def test_what_would_be_waited_for_for_ever_is_said() -> None:
    with pytest.raises(TuningError, match=r"wants 3 GPUs, and there are 2. Ask for fewer"):
        Slots(gpus=["0", "1"]).check(3)
    with pytest.raises(TuningError, match=r"wants 3 slots of the CPU, and there are 2. Ask for `slots=3`"):
        Slots(gpus=[], shares=2).check(3)
    with pytest.raises(TuningError, match=r"`slots` is a whole number of 1 or more, found 0"):
        Slots(gpus=[], shares=0)


def test_the_gpus_are_those_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5ebe9f43,7")
    assert visible_gpus() == ["3", "GPU-5ebe9f43"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

    assert visible_gpus() == ["0", "1"]
    assert default_shares() >= 1
