"""ParallelSensor: the same batches from any number of processes, and nothing hangs or is left."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from akidlab import ArraySource, CropJoker, FeedSensor, FlipJoker, ParallelSensor
from akidlab.errors import DataError, WorkerError
from tests.patience import until
from tests.processes import lives, offspring
from tests.sensors.sources import Growing, Hanging, Missing, Numbers, Process
from tests.sensors.test_simple import kid, same


def workers() -> list[psutil.Process]:
    """The processes of this one that make batches."""
    return offspring("akidlab.sensors.worker")


def files() -> list[str]:
    """What this process has open, where the system tells."""
    folder, names = Path("/proc/self/fd"), []
    for file in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile, as the folder itself
            names.append(os.readlink(file))
    return sorted(name for name in names if not name.startswith(("/proc", str(Path.cwd()))))


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = files()
    yield
    gc.collect()
    assert workers() == []
    assert not Counter(files()) - Counter(before)  # what others left open may be closed meanwhile


def jokers(sensor: FeedSensor) -> FeedSensor:
    return sensor.attach(CropJoker(4, padding=1)).attach(FlipJoker()).attach(FlipJoker(), to_val=True)


def test_the_batches_are_those_of_a_feed_sensor_in_the_same_order():
    feed = jokers(FeedSensor(Numbers(40), 6, val_batch_size=3, seed=4))
    with jokers(ParallelSensor(Numbers(40), 6, 3, seed=4, num_workers=2)) as sensor:
        for _ in range(2 * len(feed) + 1):
            assert same(sensor.next(), feed.next())
            assert sensor.position == feed.position
        state = feed.state_dict()
        for _ in range(3):  # broken off: what was under way must not be in the way
            next(iter(sensor.validation_batches()))
        for one, other in zip(sensor.validation_batches(), feed.validation_batches(), strict=True):
            assert same(one, other)
        ahead = [feed.next() for _ in range(5)]
        assert [same(sensor.next(), batch) for batch in ahead] == [True] * 5

        feed.load_state_dict(state)
        sensor.load_state_dict(state)

        assert [same(sensor.next(), batch) for batch in ahead] == [True] * 5
        for rank in (feed, sensor):
            rank.load_state_dict(state)
            rank.shard(1, 2)
        assert same(sensor.next(), feed.next())
        assert len(workers()) == 2


def test_samples_in_memory_are_shared_and_jokers_play_in_the_workers():
    images = torch.rand(20, 1, 4, 4)
    source = ArraySource((images, torch.arange(20)), (images, torch.arange(20)))
    feed = FeedSensor(source, 6)
    with ParallelSensor(source, 6, num_workers=1).attach(Process(idxs=[1])) as sensor:
        for _ in range(7):
            x, pids = sensor.next()
            assert x.equal(feed.next()[0])
            assert pids.unique().tolist() == [workers()[0].pid]
        assert sum(len(x) for x, _ in sensor.validation_batches()) == 20


def test_a_batch_that_finds_no_room_in_shared_memory_comes_through_the_pipe():
    feed = FeedSensor(Numbers(60, side=16), 6).attach(Growing())
    with ParallelSensor(Numbers(60, side=16), 6, 6, num_workers=1).attach(Growing()) as sensor:
        assert [same(sensor.next(), feed.next()) for _ in range(10)] == [True] * 10


def test_an_error_in_a_worker_is_raised_with_its_batch_and_its_traceback(tmp_path: Path):
    flag = tmp_path / "flag"
    with ParallelSensor(Missing(flag), 5, shuffle=False, num_workers=1) as sensor:
        sensor.setup()
        flag.touch()
        before = [sensor.next()[1].tolist() for _ in range(2)]
        at_work = workers()

        with pytest.raises(
            WorkerError, match=r"(?s)failed with the batch of samples 10 to 14 of `train`"
        ) as caught:
            sensor.next()

        assert before == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        assert 'raise OSError("sample 13 is torn")' in str(caught.value)
        assert str(caught.value).rstrip().endswith("OSError: sample 13 is torn")
        flag.unlink()
        assert sensor.next()[1].tolist() == [10, 11, 12, 13, 14]
        assert workers() == at_work


def test_a_worker_that_was_killed_is_told_and_the_others_are_ended():
    with ParallelSensor(Numbers(), 6, num_workers=2) as sensor:
        sensor.next()
        killed = workers()[0]

        killed.kill()
        with pytest.raises(WorkerError, match=r"Worker \d of 2 ended while it made .*killed by SIGKILL, p"):
            _ = [sensor.next() for _ in range(9)]

        assert workers() == []


def test_a_worker_that_hangs_is_given_up_and_tells_where_it_hangs(tmp_path: Path):
    flag = tmp_path / "flag"
    with ParallelSensor(Hanging(flag), 20, num_workers=1, queue_size=1) as sensor:
        sensor.next()
        until(flag.exists)
        sensor._hands.timeout = 0.5  # type: ignore[union-attr]  # not before: starting takes longer

        with pytest.raises(WorkerError, match=r"within 0.5 s") as caught:
            sensor.next()

        assert "in fetch" in str(caught.value)
        assert workers() == []


def test_a_source_that_cannot_travel_is_told_before_anything_starts():
    source = Numbers()
    source.lock = __import__("threading").Lock()  # type: ignore[attr-defined]

    with ParallelSensor(source, 6, num_workers=1) as sensor, pytest.raises(DataError, match="cannot travel"):
        sensor.next()


def test_workers_end_with_their_sensor_and_do_not_heed_interrupts():
    sensor = ParallelSensor(Numbers(), 6, num_workers=1)
    other = pickle.loads(pickle.dumps(sensor))
    with other:
        for worker in [sensor.next() and workers()[0]]:
            worker.send_signal(signal.SIGINT)
        for _ in range(5):
            sensor.next()
        assert len(workers()) == 1
    reference = weakref.ref(sensor)

    del sensor
    gc.collect()

    assert reference() is None
    assert workers() == []


def test_a_kid_learns_the_same_from_processes_and_is_told_of_a_dead_one():
    feed, trained = (
        kid(FeedSensor(Numbers(num_val=20), 6)),
        kid(ParallelSensor(Numbers(num_val=20), 6, num_workers=1)),
    )
    loss = feed.practice()
    trained.hooks.on_batch_end.append(
        lambda kid: workers()[0].kill() if int(kid.clock) == 3 and not said else None
    )
    said: list[str] = []

    with pytest.raises(WorkerError, match="killed by SIGKILL") as caught:
        trained.practice()
    said.append(str(caught.value))

    assert trained.practice() == loss
    weights = zip(feed.brain.parameters(), trained.brain.parameters(), strict=True)
    assert all(one.equal(other) for one, other in weights)
    trained.sensor.teardown()


SCRIPT = """
import sys, time
import torch
from akidlab import Joker, ParallelSensor
from tests.sensors.sources import Numbers

class Mine(Joker):  # of this script, which no worker can import
    def forward(self, images, draw):
        return images + HALF

HALF = 0.5
sensor = ParallelSensor(Numbers(), 6, num_workers=1, shuffle=False).attach(Mine())
print(sensor.next()[0][0, 0, 0, 0].item(), sensor._hands._processes[0].popen.pid, flush=True)
if sys.argv[1:]:
    time.sleep(60)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_workers_of_a_plain_script_end_with_it_however_it_ends(killed: bool, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), *(["wait"] if killed else [])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        value, pid = process.stdout.readline().split()
        if killed:
            process.kill()

    assert value == "0.5"
    assert process.returncode == (-signal.SIGKILL if killed else 0)
    until(lambda: not lives(int(pid)))
