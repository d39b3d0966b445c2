"""Sensors with jokers: any number of ranks draws the same, and a checkpoint goes on with it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import (
    ArraySource,
    CropJoker,
    DigitsSource,
    FeedSensor,
    FlipJoker,
    Joker,
    NormalizeJoker,
    Sensor,
)
from akidlab.errors import DataError, UnknownNameError
from akidlab.sensors.picture import picture


def images(number: int) -> torch.Tensor:
    return torch.rand(number, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def sensor(length: int = 20, batch_size: int = 6, **options) -> FeedSensor:
    source = ArraySource((images(length), torch.arange(length)), (images(9), torch.arange(9)))
    made = FeedSensor(source, batch_size, val_batch_size=4, **options)
    return made.attach(CropJoker(6, padding=2)).attach(FlipJoker())


@given(st.integers(1, 30), st.integers(3, 40), st.integers(1, 3), st.integers(0, 5))
@settings(max_examples=30)
def test_the_slices_of_the_ranks_make_the_batch_of_one(length: int, batch_size: int, size: int, seed: int):
    alone = sensor(length, batch_size, seed=seed)
    ranks = [sensor(length, batch_size, seed=seed).shard(rank, size) for rank in range(size)]

    for _ in range(2 * len(alone)):
        slices = [batch[0] for rank in ranks if (batch := rank.next()) and rank.weight > 0]
        assert torch.cat(slices).equal(alone.next()[0])


def test_the_size_of_the_batches_changes_no_sample():
    small, large = sensor(batch_size=3), sensor(batch_size=10)

    assert torch.cat([x for x, _ in small]).equal(torch.cat([x for x, _ in large]))


def test_epochs_differ_and_a_seed_gives_them_again():
    one, other = sensor(shuffle=False), sensor(shuffle=False)

    epochs = [torch.cat([x for x, _ in one]) for _ in range(3)]

    assert all(epoch.equal(torch.cat([x for x, _ in other])) for epoch in epochs)
    assert not epochs[0].equal(epochs[1])
    assert not epochs[0].equal(torch.cat([x for x, _ in sensor(shuffle=False, seed=1)]))


def test_a_checkpoint_goes_on_with_the_same_crops():
    one, other = sensor(), sensor(seed=3)
    for _ in range(5):
        one.next()

    other.load_state_dict(one.state_dict())

    for _ in range(5):
        assert one.next()[0].equal(other.next()[0])


def test_a_look_at_a_batch_shows_what_training_will_see():
    looked = sensor()

    assert looked.batch(1)[0].equal([x for x, _ in looked][1])
    assert looked.data().equal(looked.data())


def test_validation_has_jokers_of_its_own():
    made = sensor().attach(NormalizeJoker(0.5, 0.5), to_val=True)

    found = torch.cat([x for x, _ in made.validation_batches()])

    assert found.equal((images(9) - 0.5) / 0.5)
    assert [len(made.training_jokers), len(made.val_jokers)] == [2, 1]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_chance_in_validation_is_the_same_every_time_on_any_number_of_ranks(size: int):
    ranks = [sensor().attach(FlipJoker(), to_val=True).shard(rank, size) for rank in range(size)]

    found = torch.cat([x for rank in ranks for x, _ in rank.validation_batches()])

    alone = sensor().attach(FlipJoker(), to_val=True)
    assert found.equal(torch.cat([x for x, _ in alone.validation_batches()]))
    assert not found.equal(images(9))


def test_the_samples_of_the_source_stay_as_they_are():
    made = sensor().attach(NormalizeJoker(0.5, 0.5), to_val=True)

    _ = [batch for _ in range(2) for batch in made], list(made.validation_batches())

    assert made.source.training[0].equal(images(20))
    assert made.source.part("val")[0].equal(images(9))  # type: ignore[index]


def test_a_joker_attached_during_an_epoch_plays_from_the_next_batch_on():
    made = FeedSensor(ArraySource((images(20), torch.arange(20))), 6)
    before = [made.next(), made.next()]

    made.attach(NormalizeJoker(0.0, 2.0))

    assert made.next()[0].max() <= 0.5
    assert before[0][0].max() > 0.5
    assert made.data().max() <= 0.5


def test_jokers_travel_with_their_sensor():
    made = sensor()
    made.next()

    again = pickle.loads(pickle.dumps(made))

    assert again.next()[0].equal(made.next()[0])


def test_a_sensor_tells_its_jokers():
    made = sensor().attach(NormalizeJoker(0.5, 0.5), to_val=True)

    assert "jokers CropJoker(6x6, padding 2), FlipJoker(left-right, p 0.5)" in repr(made)
    assert "validation jokers NormalizeJoker(mean 0.5, std 0.5)" in repr(made)


def test_what_is_no_joker_is_not_attached():
    with pytest.raises(DataError, match="Only a joker can be attached, found function"):
        sensor().attach(lambda x: x)  # type: ignore[arg-type]


class Failing(Joker):
    def forward(self, images, draw):
        raise RuntimeError("no luck")


def test_a_joker_that_fails_moves_nothing_on():
    made = sensor()
    made.next()
    made.training_jokers.attach(Failing())

    with pytest.raises(RuntimeError, match="no luck"):
        made.next()
    made.training_jokers.jokers.pop()

    assert made.position == (0, 0, 6)
    assert made.next()[0].equal(_second(sensor()))


def test_a_picture_shows_what_the_brain_is_given():
    made = sensor()

    shown = np.asarray(made.picture(3, columns=2))

    x = made.data()[0, 0]
    assert shown.shape == (2 * 60 + 3, 2 * 60 + 3)
    low, high = made.data()[:3].aminmax()
    assert np.abs(shown[:60:10, :60:10] - (255 * (x - low) / (high - low)).numpy()).max() <= 1
    assert made.position == (0, 0, 0)
    assert picture(torch.rand(1, 3, 70, 60)).mode == "RGB"
    with pytest.raises(DataError, match=r"A picture is made of .* found the shape \(3,\)"):
        picture(torch.rand(3))


def test_a_mode_says_which_batches_akids_forward_gives():
    made = sensor(shuffle=False).set_mode("val")

    lengths = [len(made.forward()[0]) for _ in range(4)]

    assert lengths == [4, 4, 1, 4]  # and again from the first
    assert made.set_mode("train").forward()[1].tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(DataError, match="has no `test` part"):
        made.set_mode("test")
    with pytest.raises(UnknownNameError, match="Did you mean `train`"):
        made.set_mode("trian")
    assert made.mode == "train"


def test_the_name_that_akid_gave_a_sensor_with_jokers_is_kept():
    from akidlab import IntegratedSensor

    assert IntegratedSensor is FeedSensor
    assert isinstance(IntegratedSensor(DigitsSource()), Sensor)


def _second(made: FeedSensor) -> torch.Tensor:
    made.next()
    return made.next()[0]
