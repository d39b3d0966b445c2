"""JokerSystem, jokers of your own, and those of kornia."""

from __future__ import annotations

import pickle

import kornia.augmentation as K
import pytest
import torch

from akidlab import CropJoker, FlipJoker, Joker, JokerSystem, KorniaJoker
from akidlab.errors import DataError
from akidlab.jokers import Draw


class Noise(Joker):
    NAME = "noise"

    def forward(self, images, draw):
        return images + draw.uniform().view(-1, 1, 1, 1)


class Mixup(Joker):
    """Changes the labels, too."""

    def forward(self, images, draw):
        return images

    def play(self, batch, draw):
        images, labels = batch
        return [(images + images.flip(0)) / 2, labels + labels.flip(0)]


def images(number: int = 6) -> torch.Tensor:
    return torch.rand(number, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_jokers_play_one_after_another_each_by_its_own_chance():
    system, draw = JokerSystem([Noise(), JokerSystem([CropJoker(5)])]).attach(Noise()), Draw((1,), 0, 6)

    found = system(images(), draw)

    step = CropJoker(5)(Noise()(images(), draw.of(0)), draw.of(1).of(0))
    assert found.equal(Noise()(step, draw.of(2)))
    assert system.play([images(), torch.arange(6)], draw)[0].equal(found)
    assert (len(system), system[0].name, [joker.name for joker in system]) == (
        3, "noise", ["noise", "jokers", "noise"],
    )  # fmt: skip


def test_an_image_and_its_mask_are_changed_alike():
    x = images()

    picture, mask, label = JokerSystem([FlipJoker(idxs=[0, 1]), CropJoker(4, idxs=[0, 1])]).play(
        [x, x.clone(), torch.arange(6)], Draw((2,), 0, 6)
    )

    assert picture.equal(mask)
    assert label.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_joker_may_change_labels():
    x, y = JokerSystem([Mixup()]).play([images(), torch.arange(6)], Draw((0,), 0, 6))

    assert y.tolist() == [5] * 6
    assert x.equal((images() + images().flip(0)) / 2)


def test_a_tensor_that_a_batch_does_not_have_is_told():
    with pytest.raises(DataError, match="`flip` is to change tensor 2 of a batch, which has 2"):
        FlipJoker(idxs=[2]).play([images(), torch.arange(6)], Draw((0,), 0, 6))


def test_what_is_no_joker_is_refused():
    with pytest.raises(DataError, match=r"Only a joker can be attached, found RandomAffine.*KorniaJoker"):
        JokerSystem().attach(K.RandomAffine(10))  # type: ignore[arg-type]


def test_jokers_travel():
    system = JokerSystem([CropJoker(5), KorniaJoker(K.RandomAffine(10.0))])
    draw = Draw((1,), 0, 6)

    again = pickle.loads(pickle.dumps(system))

    assert again(images(), draw).equal(system(images(), draw))


@pytest.mark.parametrize("number", [4, 6])
@pytest.mark.parametrize(
    "augmentation",
    [
        K.RandomAffine(30.0, p=0.7),
        K.RandomErasing(p=0.5),
        K.ColorJitter(0.1, 0.1, 0.1, 0.1),
        K.RandomResizedCrop((5, 5)),
        K.RandomGaussianNoise(p=0.5),
    ],
    ids=lambda augmentation: type(augmentation).__name__,
)
def test_an_augmentation_of_kornia_draws_the_same_for_each_rank(augmentation, number: int):
    joker, batch = KorniaJoker(augmentation), (10, 10 + number)

    whole = joker(images(number), Draw((1,), *batch))

    parts = [joker(images(number)[i : i + 2], Draw((1,), 10 + i, 12 + i, batch)) for i in range(0, number, 2)]
    assert torch.cat(parts).equal(whole)
    assert not whole.equal(joker(images(number), Draw((2,), *batch)))


def test_kornia_leaves_the_global_generator_alone():
    before = torch.get_rng_state()

    KorniaJoker(K.RandomAffine(10.0))(images(), Draw((0,), 0, 6))

    assert torch.get_rng_state().equal(before)
    assert not JokerSystem([JokerSystem([KorniaJoker(K.RandomAffine(10.0))])]).is_thread_safe
    assert JokerSystem([FlipJoker()]).is_thread_safe


def test_a_sequence_of_kornia_is_refused():
    with pytest.raises(DataError, match=r"takes one augmentation of images, found AugmentationSequential"):
        KorniaJoker(K.AugmentationSequential(K.RandomErasing()))
