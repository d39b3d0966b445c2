"""FeedSensor: every sample once, in the same order, on any number of ranks."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from akidlab import ArraySource, DigitsSource, FeedSensor
from akidlab.errors import DataError, UnknownNameError
from akidlab.sensors import samplers
from akidlab.sensors.samplers import SequenceSampler

SIZES, BATCHES, RANKS, SEEDS = st.integers(1, 60), st.integers(1, 70), st.integers(1, 5), st.integers(0, 9)


def numbered(length: int, num_val: int = 0) -> ArraySource:
    """A source whose samples are their own numbers."""
    val = np.arange(num_val)
    return ArraySource(
        (np.arange(length)[:, None] + 0.5, np.arange(length)), (val[:, None] + 0.5, val) if num_val else None
    )


def numbers(batches: Iterable[list[torch.Tensor]]) -> list[int]:
    return [int(label) for batch in batches for label in batch[-1]]


def counted(sensor: FeedSensor) -> list[int]:
    """The samples of a rank's epoch that count: a rank without a share shows one that does not."""
    return [int(label) for batch in sensor for label in batch[-1] if sensor.weight > 0]


@given(SIZES, BATCHES, RANKS, SEEDS, st.booleans())
def test_an_epoch_shows_every_sample_once_over_all_ranks(
    length: int, batch_size: int, size: int, seed: int, shuffle: bool
):
    assume(batch_size >= size)
    sensors = [
        FeedSensor(numbered(length), batch_size, seed=seed, shuffle=shuffle).shard(rank, size)
        for rank in range(size)
    ]

    for _ in range(2):
        assert sorted(n for sensor in sensors for n in counted(sensor)) == list(range(length))


@given(SIZES, BATCHES, RANKS)
def test_the_slices_of_the_ranks_make_the_batch_of_one(length: int, batch_size: int, size: int):
    assume(batch_size >= size)
    alone = FeedSensor(numbered(length), batch_size, seed=3)
    sensors = [FeedSensor(numbered(length), batch_size, seed=3).shard(r, size) for r in range(size)]

    for _ in range(2 * len(alone)):
        slices = [batch for s in sensors if (batch := s.next()) and s.weight > 0]
        assert numbers(slices) == numbers([alone.next()])
        assert {sensor.position for sensor in sensors} == {alone.position}


@given(SIZES, BATCHES, RANKS)
def test_weights_make_the_mean_of_the_ranks_exact(length: int, batch_size: int, size: int):
    assume(batch_size >= size)
    alone = FeedSensor(numbered(length), batch_size)
    sensors = [FeedSensor(numbered(length), batch_size).shard(rank, size) for rank in range(size)]

    for _ in range(len(alone)):
        means = [sensor.next()[0].double().mean().item() * sensor.weight for sensor in sensors]
        assert sum(means) / size == pytest.approx(alone.next()[0].double().mean().item())


@given(SIZES, BATCHES, st.integers(0, 100), st.integers(0, 20), RANKS, st.booleans())
def test_a_sensor_goes_on_where_a_checkpoint_stood_on_any_number_of_ranks(
    length: int, batch_size: int, before: int, after: int, size: int, drop_last: bool
):
    assume(batch_size >= size)
    assume(not drop_last or batch_size <= length)
    sensor = FeedSensor(numbered(length), batch_size, seed=5, drop_last=drop_last).shard(0, size)
    for _ in range(before):
        sensor.next()
    other = FeedSensor(numbered(length), batch_size, drop_last=drop_last)

    other.load_state_dict(sensor.state_dict())

    sensor.shard(0, 1)
    for _ in range(after):
        assert all(a.equal(b) for a, b in zip(sensor.next(), other.next(), strict=True))
    assert sensor.state_dict() == other.state_dict()


@given(SIZES, RANKS, st.integers(1, 70))
def test_validation_shows_every_sample_once_over_all_ranks(num_val: int, size: int, batch_size: int):
    sensors = [
        FeedSensor(numbered(3, num_val), size, val_batch_size=batch_size).shard(rank, size)
        for rank in range(size)
    ]

    batches = [batch for sensor in sensors for batch in sensor.validation_batches()]

    assert numbers(batches) == list(range(num_val))
    assert all(1 <= len(x) == len(y) <= batch_size for x, y in batches)


@given(SIZES, BATCHES)
def test_drop_last_leaves_out_the_short_batch_alone(length: int, batch_size: int):
    assume(batch_size <= length)
    sensor = FeedSensor(numbered(length), batch_size, drop_last=True)

    lengths = [len(x) for x, _ in sensor]

    assert lengths == [batch_size] * (length // batch_size) == [batch_size] * len(sensor)
    assert sensor.position == (0, 1, 0)


@given(st.integers(1, 50))
def test_epochs_differ_and_a_seed_gives_them_again(batch_size: int):
    first, again = (FeedSensor(numbered(40), batch_size, seed=1) for _ in range(2))

    epochs = [numbers(first) for _ in range(3)]

    assert epochs == [numbers(again) for _ in range(3)]
    assert len(set(map(tuple, epochs))) == 3
    assert epochs[0] != numbers(FeedSensor(numbered(40), batch_size, seed=2))


def test_inputs_and_labels_stay_together():
    x, y = FeedSensor(numbered(50), 50).next()

    assert x[:, 0].equal(y + 0.5)


def test_akids_call_and_its_methods_work():
    sensor = FeedSensor(name="data", source_in=DigitsSource(), batch_size=64, val_batch_size=100)
    sensor.setup()

    first = sensor.data()
    x, y = sensor.forward()

    assert (sensor.name, len(sensor), x.shape) == ("data", 23, (64, 1, 8, 8))
    assert first.equal(x)
    assert sensor.data() is x
    assert sensor.labels() is y


def test_a_look_at_a_batch_moves_nothing_on():
    sensor = FeedSensor(numbered(10), 4)

    look = [sensor.batch(k) for k in range(3)]
    peeked = sensor.batch()

    assert sensor.position == (0, 0, 0)
    assert numbers([peeked]) == numbers([look[0]])
    assert numbers(look) == numbers(sensor)


def test_a_batch_that_an_epoch_does_not_have_is_refused():
    with pytest.raises(DataError, match="There is no batch 3: an epoch has 3, from 0 on"):
        FeedSensor(numbered(10), 4).batch(3)


def test_a_loop_that_was_broken_off_is_followed_by_a_whole_epoch():
    sensor = FeedSensor(numbered(10), 4)

    next(iter(sensor))

    assert sorted(numbers(sensor)) == list(range(10))


def test_a_loop_after_a_checkpoint_finishes_the_epoch():
    sensor, other = FeedSensor(numbered(10), 4), FeedSensor(numbered(10), 4)
    seen = numbers([sensor.next()])

    other.load_state_dict(sensor.state_dict())

    assert sorted(seen + numbers(other)) == list(range(10))
    assert sorted(numbers(other)) == list(range(10))


def test_a_source_may_have_more_than_two_arrays():
    source = ArraySource((np.zeros((6, 2)), np.ones((6, 3)), np.arange(6)))

    assert [tensor.shape for tensor in FeedSensor(source, 4).next()] == [(4, 2), (4, 3), (4,)]


def test_a_sensor_travels_without_the_samples_that_can_be_read_again():
    sensor = FeedSensor(DigitsSource(), 64, seed=2)
    sensor.next()

    content = pickle.dumps(sensor)
    other = pickle.loads(content)

    assert len(content) < 2000
    assert other.position == sensor.position
    assert other.next()[0].equal(sensor.next()[0])


def test_moving_to_a_device_keeps_the_position():
    sensor, other = FeedSensor(numbered(10), 4), FeedSensor(numbered(10), 4)
    sensor.next(), other.next()

    assert sensor.to("cpu").next()[0].equal(other.next()[0])


def test_a_sensor_shows_itself_in_text_and_html():
    sensor = FeedSensor(numbered(10, 5), 4, name="<data>").shard(1, 2)

    assert repr(sensor) == (
        "FeedSensor '<data>': source ArraySource 'array': 10 training samples of 1, 5 for validation, "
        "batches 3 of 4 samples, shuffled by seed 0, position epoch 0, sample 0, rank 1 of 2"
    )
    assert sensor._repr_html_().startswith("<b>&lt;data&gt;</b> <code>FeedSensor</code><table><tr><th>source")


@pytest.mark.parametrize("size", [0, -3, 2.5, True, "64"])
def test_a_batch_size_that_is_none_is_refused(size):
    with pytest.raises(DataError, match=r"`batch_size` must be a whole number of 1 or more, found"):
        FeedSensor(numbered(10), size)


def test_a_seed_that_is_negative_is_refused():
    with pytest.raises(DataError, match=r"`seed` must be a whole number of 0 or more, found -1"):
        FeedSensor(numbered(10), seed=-1)


def test_more_ranks_than_samples_in_a_batch_are_refused():
    with pytest.raises(DataError, match=r"`batch_size` is 2, too few for 3 ranks: .*Give at least 3"):
        FeedSensor(numbered(10), 2).shard(0, 3)


def test_a_rank_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match="There is no rank 2 of 2: ranks count from 0 to 1"):
        FeedSensor(numbered(10), 2).shard(2, 2)


def test_an_epoch_without_a_batch_is_refused():
    with pytest.raises(DataError, match=r"`batch_size` is 20 and `drop_last`.*only 10 samples"):
        FeedSensor(numbered(10), 20, drop_last=True).next()


def test_a_source_without_validation_says_so():
    with pytest.raises(DataError, match=r"The source `array` has no `val` part.*skip_validation=True"):
        FeedSensor(numbered(10)).validation_batches()


def test_a_checkpoint_of_another_source_is_refused():
    state = FeedSensor(numbered(10)).state_dict()

    with pytest.raises(
        DataError, match=r"made on 10 samples, the source `array` has 11. Use the same source"
    ):
        FeedSensor(numbered(11)).load_state_dict(state)


def test_the_order_may_be_told_by_a_function_or_by_a_name():
    def backwards(length, seed, epoch):
        return range(length - 1, -1, -1)

    assert numbers(FeedSensor(numbered(5), 2, sampler=backwards)) == [4, 3, 2, 1, 0]
    assert numbers(FeedSensor(numbered(5), 2, sampler="sequence")) == [0, 1, 2, 3, 4]
    assert "in the order of `backwards`" in repr(FeedSensor(numbered(5), sampler=backwards))
    one, other = FeedSensor(numbered(9), 2, seed=3, sampler="shuffle"), FeedSensor(numbered(9), 2, seed=3)
    assert [numbers(one), numbers(one)] == [numbers(other), numbers(other)]


def test_a_registered_sampler_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch):
    class Turning(SequenceSampler):
        def _order(self) -> list[int]:
            return [(row + self.epoch) % self.length for row in range(self.length)]

    monkeypatch.setattr(samplers, "_SAMPLERS", dict(samplers._SAMPLERS))
    samplers.register("turning", Turning)
    sensor = FeedSensor(numbered(4), 3, sampler="turning")

    assert [numbers(sensor) for _ in range(3)] == [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1]]


def test_a_sampler_that_leaves_out_samples_is_refused():
    with pytest.raises(
        DataError, match=r"as many rows as there are samples, 5, .*found 1, beginning with \[7\]"
    ):
        FeedSensor(numbered(5), 2, sampler=lambda length, seed, epoch: [7]).next()
    with pytest.raises(DataError, match=r"found 0, beginning with \[\]"):
        FeedSensor(numbered(5), 2, sampler=lambda length, seed, epoch: []).next()
    with pytest.raises(UnknownNameError, match="Did you mean `shuffle`"):
        FeedSensor(numbered(5), 2, sampler="shufle").next()


def test_a_batch_costs_little_more_than_its_indexing():
    source = ArraySource((np.zeros((20_000, 784), np.float32), np.zeros(20_000, np.int64)))
    sensor, (x, y) = FeedSensor(source, 32), source.training
    rows = torch.randperm(20_000)

    def by_hand():
        for i in range(0, 16_000, 32):
            part = rows[i : i + 32]
            _ = x.index_select(0, part), y.index_select(0, part)

    def by_sensor():
        for _ in range(500):
            sensor.next()

    ours, theirs = zip(*((_seconds(by_sensor), _seconds(by_hand)) for _ in range(15)), strict=True)

    assert min(ours) < 3 * min(theirs)  # 1.1 on a quiet machine


def _seconds(function) -> float:
    start = time.thread_time()
    function()
    return time.thread_time() - start
