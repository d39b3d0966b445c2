"""SimpleSensor: one thread ahead, the same batches, and errors where the batch is asked for."""

from __future__ import annotations

import gc
import pickle
import threading
import traceback
import weakref
from pathlib import Path

import kornia.augmentation as K
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from akidlab import (
    ArraySource,
    Brain,
    CropJoker,
    FeedSensor,
    FlipJoker,
    InnerProductLayer,
    Kid,
    KorniaJoker,
    MomentumKongFu,
    SimpleSensor,
    SoftmaxWithLossLayer,
)
from akidlab.errors import DataError, WorkerError
from tests.patience import until
from tests.sensors.sources import Hanging, Missing, Numbers


def threads() -> int:
    return sum(thread.name.startswith("akidlab-sensor") for thread in threading.enumerate())


def same(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(a.equal(b) for a, b in zip(some, others, strict=True))


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 3), st.integers(1, 6), st.booleans())
@settings(max_examples=30)
def test_the_batches_are_those_of_a_feed_sensor(
    length: int, batch_size: int, size: int, queue_size: int, lazy: bool
):
    assume(batch_size >= size)
    images = torch.rand(length, 1, 4, 4)
    source = (
        Numbers(length)
        if lazy
        else ArraySource((images, torch.arange(length)), (images, torch.arange(length)))
    )
    feed = FeedSensor(source, batch_size).attach(CropJoker(4, padding=1)).shard(size - 1, size)
    with SimpleSensor(source, batch_size, queue_size=queue_size).shard(size - 1, size) as simple:
        simple.attach(CropJoker(4, padding=1))

        for _ in range(2 * len(feed) + 1):
            assert same(simple.next(), feed.next())
            assert (simple.position, simple.weight) == (feed.position, feed.weight)
        for one, other in zip(simple.validation_batches(), feed.validation_batches(), strict=True):
            assert same(one, other)
        assert same(simple.batch(), feed.batch())
        assert same(simple.next(), feed.next())


def test_it_goes_on_where_a_checkpoint_stood_and_where_it_is_sent():
    feed, simple = FeedSensor(Numbers(), 6), SimpleSensor(Numbers(), 6)
    with simple:
        for _ in range(3):
            feed.next(), simple.next()
        state = feed.state_dict()
        ahead = [feed.next() for _ in range(4)]
        assert [same(simple.next(), batch) for batch in ahead] == [True] * 4

        simple.load_state_dict(state)

        assert [same(simple.next(), batch) for batch in ahead] == [True] * 4
        assert len([x for x, _ in simple]) == 4


def test_an_error_of_the_source_comes_with_its_batch_and_its_traceback(tmp_path: Path):
    flag = tmp_path / "flag"
    with SimpleSensor(Missing(flag), 5, shuffle=False) as sensor:
        sensor.setup()
        flag.touch()
        before = [sensor.next()[1].tolist() for _ in range(2)]

        with pytest.raises(OSError, match="sample 13 is torn") as caught:
            sensor.next()

        assert before == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
        assert "sources.py" in "".join(traceback.format_tb(caught.value.__traceback__))
        assert sensor.position == (0, 0, 10)
        flag.unlink()
        assert sensor.next()[1].tolist() == [10, 11, 12, 13, 14]


def test_a_source_that_hangs_is_given_up(tmp_path: Path):
    flag = tmp_path / "flag"
    with SimpleSensor(Hanging(flag), 20, queue_size=1) as sensor:
        sensor.next()
        until(flag.exists)
        sensor._hands.timeout = 0.2  # type: ignore[union-attr]  # not before: a batch takes longer

        with pytest.raises(WorkerError, match=r"No batch came within 0.2 s \(samples 0 to 19 of `train`\)"):
            sensor.next()

        assert sensor.position == (0, 1, 0)
        flag.unlink()


def test_a_part_that_is_not_there_is_told_at_once():
    with SimpleSensor(Numbers(num_val=0), 5) as sensor, pytest.raises(DataError, match="has no `val` part"):
        sensor.validation_batches()


def test_no_thread_is_left():
    gc.collect()
    until(lambda: not threads())  # those of other tests
    with SimpleSensor(Numbers(), 5) as sensor:
        sensor.next()
        assert threads() == 1
    until(lambda: not threads())
    assert sensor.next() is not None  # it starts again when needed
    reference = weakref.ref(sensor)

    del sensor
    gc.collect()

    assert reference() is None
    until(lambda: not threads())


def test_a_validation_that_was_broken_off_leaves_nothing_under_way():
    with SimpleSensor(Numbers(num_val=50), 5, val_batch_size=2) as sensor:
        for _ in range(5):
            next(iter(sensor.validation_batches()))

        assert len(list(sensor.validation_batches())) == 25


def test_a_joker_that_draws_from_the_global_generator_disturbs_no_brain():
    feed, simple = FeedSensor(Numbers(), 6), SimpleSensor(Numbers(), 6)
    for sensor in (feed, simple):
        sensor.attach(KorniaJoker(K.RandomAffine(90.0)))

    with simple:
        torch.manual_seed(0)
        drawn = [torch.rand(()).item() for _ in range(8) if simple.next()]

        torch.manual_seed(0)
        assert [torch.rand(()).item() for _ in range(8) if feed.next()] == drawn
        assert same(simple.next(), feed.next())


def test_a_sensor_that_has_started_travels():
    with SimpleSensor(Numbers(), 6).attach(FlipJoker()) as sensor:
        sensor.next()
        other = pickle.loads(pickle.dumps(sensor))
        with other:
            assert same(other.next(), sensor.next())


def kid(sensor: FeedSensor, **options) -> Kid:
    brain = Brain(name="small")
    brain.attach(InnerProductLayer(out_channel_num=20, name="ip"))
    brain.attach(
        SoftmaxWithLossLayer(class_num=20, inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}])
    )
    facts = {"max_steps": 12, "val_log_step": 4, "record": False, "save_chk_point": False, **options}
    return Kid(sensor, brain, MomentumKongFu(lr=0.01), **facts)


def test_a_kid_learns_the_same_from_a_thread():
    source = Numbers(num_val=20)
    feed, simple = kid(FeedSensor(source, 6)), kid(SimpleSensor(source, 6))

    assert feed.practice() == simple.practice()

    weights = zip(feed.brain.parameters(), simple.brain.parameters(), strict=True)
    assert all(one.equal(other) for one, other in weights)
    simple.sensor.teardown()


def test_an_error_of_the_source_is_raised_where_the_kid_practises(tmp_path: Path):
    flag = tmp_path / "flag"
    trained = kid(SimpleSensor(Missing(flag, num_val=20), 6))
    trained.setup()
    flag.touch()

    with pytest.raises(OSError, match="sample 13 is torn"):
        trained.practice()
    flag.unlink()
    trained.practice()

    assert int(trained.clock) == 12
    trained.sensor.teardown()
