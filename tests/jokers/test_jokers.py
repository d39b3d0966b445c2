"""Jokers: each against the formula or the library that it stands for."""

from __future__ import annotations

import kornia
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from akidlab import (
    ColorJoker,
    CropJoker,
    FlipJoker,
    Joker,
    LightJoker,
    NormalizeJoker,
    PadJoker,
    RescaleJoker,
    ResizeJoker,
    WhitenJoker,
)
from akidlab.errors import DataError, UnknownNameError
from akidlab.jokers import Draw
from akidlab.jokers.crop import windows

SIDES = st.integers(1, 9)


def images(number: int = 6, channels: int = 3, height: int = 8, width: int = 7) -> torch.Tensor:
    return torch.rand(number, channels, height, width, generator=torch.Generator().manual_seed(0))


def draw(number: int = 6) -> Draw:
    return Draw((1,), 0, number)


ALL = [
    *(CropJoker(5), CropJoker(5, padding=1), CropJoker(9, center=True), CropJoker(central_fraction=0.5)),
    *(FlipJoker(), FlipJoker(False), PadJoker(2), PadJoker(1, "reflect"), ResizeJoker(4), LightJoker()),
    *(WhitenJoker(), RescaleJoker(), ColorJoker(), NormalizeJoker(0.5, [0.1, 0.2, 0.3])),
]


@pytest.mark.parametrize("joker", ALL, ids=repr)
def test_what_is_given_stays_as_it_is_and_a_draw_decides_all(joker: Joker):
    given_, before = images(), images()

    out = joker(given_, draw())

    assert given_.equal(before)
    assert joker(given_, draw()).equal(out)
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert joker(given_[2:4], Draw((1,), 2, 4)).allclose(out[2:4], atol=1e-6)


@given(SIDES, SIDES, st.integers(0, 4), st.integers(0, 4), st.sampled_from(["f4", "f2", "u1", "b"]))
def test_windows_are_cut_where_they_are_wanted(height: int, width: int, more: int, wider: int, kind: str):
    dtype = {"f4": torch.float32, "f2": torch.bfloat16, "u1": torch.uint8, "b": torch.bool}[kind]
    whole = (images(4, 2, height + more, width + wider) * 9).to(dtype)
    tops, lefts = torch.randint(0, more + 1, (4,)), torch.randint(0, wider + 1, (4,))

    found = windows(whole, tops, lefts, height, width)

    places = zip(whole, tops.tolist(), lefts.tolist(), strict=True)
    assert found.equal(torch.stack([x[:, t : t + height, left : left + width] for x, t, left in places]))


def test_random_crops_reach_every_place():
    ramp = torch.arange(12.0).view(1, 1, 3, 4).expand(500, 1, 3, 4)

    corners = CropJoker(2, 2)(ramp, draw(500))[:, 0, 0, 0]

    assert corners.unique().tolist() == [0, 1, 2, 4, 5, 6]


def test_a_crop_with_padding_is_one_of_the_padded_image():
    found = CropJoker(8, 7, padding=2)(images(), draw())

    assert found.equal(CropJoker(8, 7)(PadJoker(2)(images(), draw()), draw()))
    dark = CropJoker(12, 11, padding=2, value=-1)(images(), draw())
    assert dark.equal(PadJoker(2, value=-1)(images(), draw()))
    assert CropJoker(10, center=True, value=3)(images())[0, 0, 0, 0] == 3


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_crop_of_the_middle_is_kornias(height: int, width: int, h: int, w: int):
    inside = (min(h, height), min(w, width))
    whole = images(2, 1, height, width)

    found = CropJoker(h, w, center=True)(whole)

    assert found.shape == (2, 1, h, w)
    top, left = (height - inside[0]) // 2, (width - inside[1]) // 2
    before = (h - inside[0]) // 2, (w - inside[1]) // 2
    kept = found[:, :, before[0] : before[0] + inside[0], before[1] : before[1] + inside[1]]
    assert kept.equal(whole[:, :, top : top + inside[0], left : left + inside[1]])
    assert found.sum().isclose(kept.sum())


def test_a_central_fraction_is_tensorflows():
    whole = torch.arange(100.0).view(1, 1, 10, 10)

    assert CropJoker(central_fraction=0.5)(whole).equal(whole[:, :, 2:8, 2:8])  # int(2.5) is cut
    assert CropJoker(central_fraction=1)(whole).equal(whole)


@pytest.mark.parametrize(
    ("left_right", "flip"), [(True, kornia.geometry.hflip), (False, kornia.geometry.vflip)]
)
def test_a_flip_mirrors_about_half_of_the_images(left_right: bool, flip):
    whole = images(400)

    found = FlipJoker(left_right)(whole, draw(400))

    mirrored = (found == flip(whole)).flatten(1).all(1)
    assert (mirrored | (found == whole).flatten(1).all(1)).all()
    assert 160 < mirrored.sum() < 240
    assert FlipJoker(left_right, p=1)(whole).equal(flip(whole))
    assert FlipJoker(left_right, p=0)(whole).equal(whole)
    halves = FlipJoker(left_right)(whole.bfloat16(), draw(400))
    assert halves.equal(found.bfloat16())


def test_light_changes_brightness_then_contrast():
    chance, (delta, factor) = draw(), (draw(), draw())
    delta, factor = delta.uniform(-0.1, 0.1), (factor.uniform(), factor.uniform(0.5, 2))[1]

    found = LightJoker(max_delta=0.1, contrast_range=(0.5, 2))(images(), chance)

    for image, d, c, x in zip(found, delta, factor, images(), strict=True):
        mean = (x + d).mean((1, 2), keepdim=True)
        assert image.allclose(mean + c * (x + d - mean), atol=1e-6)
    assert LightJoker(contrast=False, brightness=False)(images()).equal(images())


def test_whitening_is_tensorflows_standardization():
    whole = torch.cat([images(3), torch.full((1, 3, 8, 7), 4.0)])

    found = WhitenJoker()(whole)

    for image, x in zip(found, whole, strict=True):
        std = max(x.double().std(correction=0).item(), x.numel() ** -0.5)
        assert image.double().allclose((x.double() - x.double().mean()) / std, atol=1e-6)
    assert not found[-1].any()


def test_rescaling_makes_one_the_greatest_number():
    found = RescaleJoker()(torch.stack([images(1)[0] * 255, torch.zeros(3, 8, 7), -images(1)[0]]))

    assert found[0].max() == 1
    assert found[0].allclose(images(1)[0] / images(1).max())
    assert found[1:].equal(torch.stack([torch.zeros(3, 8, 7), -images(1)[0]]))


@pytest.mark.parametrize("method", [0, 1, 2, 3, "bilinear", "nearest", "bicubic", "area"])
def test_a_resize_gives_its_size_for_whole_batches(method: int | str):
    found = ResizeJoker(4, 14, method)(images())

    assert found.shape == (6, 3, 4, 14)
    assert ResizeJoker(8, 7, method)(images()).equal(images())


def test_resizes_are_torchs():
    assert ResizeJoker(4, 3, "area")(images()).equal(F.adaptive_avg_pool2d(images(), (4, 3)))
    assert ResizeJoker(16, 14, "nearest")(images()).equal(
        images().repeat_interleave(2, 2).repeat_interleave(2, 3)
    )
    halves = ResizeJoker(4, 7, antialias=False)(images())
    assert halves.allclose(F.interpolate(images(), (4, 7), mode="bilinear"))


def test_colours_are_kornias_image_by_image():
    chance = draw()
    saturation, hue = chance.uniform(0.5, 1.5), chance.uniform(-0.1, 0.1)

    found = ColorJoker()(images(), draw())

    for image, s, h, x in zip(found, saturation, hue, images(), strict=True):
        wanted = kornia.enhance.adjust_saturation(x[None], s.item())
        wanted = kornia.enhance.adjust_hue(wanted, h.item() * 2 * torch.pi)
        assert image.allclose(wanted[0], atol=1e-5)


def test_colours_of_pixels_with_another_span_are_the_same():
    found = ColorJoker(low=-0.5, high=0.5)(images() - 0.5, draw())

    assert found.allclose(ColorJoker()(images(), draw()) - 0.5, atol=1e-6)


def test_normalising_and_its_inverse():
    normalize = NormalizeJoker.of(images())

    found = normalize(images())

    assert found.mean((0, 2, 3)).allclose(torch.zeros(3), atol=1e-6)
    assert found.std((0, 2, 3), correction=0).allclose(torch.ones(3), atol=1e-5)
    assert normalize.inverse(found).allclose(images(), atol=1e-6)
    assert NormalizeJoker(0.5, 2)(images()).allclose(images() / 2 - 0.25)


def test_padding_is_written_in_three_ways():
    assert PadJoker(2).padding == PadJoker([2, 2]).padding == PadJoker([2, 2, 2, 2]).padding
    assert PadJoker([1, 2], value=3)(images())[0, 0, 0, 0] == 3
    assert PadJoker([1, 2])(images()).shape == (6, 3, 10, 11)
    assert PadJoker(1, "reflect")(images()).equal(F.pad(images(), [1] * 4, mode="reflect"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CropJoker(), r"A crop needs a size, `CropJoker\(28\)`"),
        (lambda: CropJoker(3, central_fraction=0.5), "in its place a `central_fraction`; not both"),
        (lambda: CropJoker(0), "The size of a crop is a whole number of 1 or more, found 0"),
        (lambda: CropJoker(3, padding=-1), "The padding of a crop is a whole number of 0 or more, found -1"),
        (lambda: CropJoker(central_fraction=1.5), "the part to keep, above 0 and at most 1, found 1.5"),
        (lambda: CropJoker(3, center=True, padding=1), "A crop of the middle pads by itself"),
        (lambda: FlipJoker(p=2), "`p` is a probability, from 0 to 1, found 2"),
        (lambda: LightJoker(max_delta=-1), "`max_delta` is how much brighter or darker at most, found -1"),
        (lambda: LightJoker(contrast_range=(2, 1)), r"such as \(0.5, 1.5\); found \(2, 1\)"),
        (lambda: ColorJoker(hue=1), "`hue` is a part of a full turn, from 0 to 0.5, found 1"),
        (lambda: ColorJoker(low=1), "`low` must lie below `high`, found 1 and 1.0"),
        (lambda: NormalizeJoker(0, 0), r"A standard deviation is above 0, found `std` \[0.0\]"),
        (lambda: NormalizeJoker([0, 0], [1, 1, 1]), "`mean` has 2 channels and `std` 3"),
        (lambda: ResizeJoker(0), "A size is a whole number of pixels, found 0 by 0"),
        (lambda: PadJoker([1, 2, 3]), r"`padding` is written as 2, \[2, 2\] or"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message: str):
    with pytest.raises(DataError, match=message):
        make()


def test_misspelt_methods_and_modes_are_told_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean `bicubic`"):
        ResizeJoker(3, resize_method="bicubik")
    with pytest.raises(UnknownNameError, match="Did you mean `reflect`"):
        PadJoker(3, "reflekt")


@pytest.mark.parametrize(
    ("joker", "given_", "message"),
    [
        (CropJoker(9), images(), "`crop` is to cut 9x9 out of images of 8x7.*`padding`"),
        (FlipJoker(), images()[0], r"takes a batch of images.*shape \(3, 8, 7\).*image\[None\]"),
        (WhitenJoker(), images().byte(), r"`whiten` takes real numbers, found uint8.*images.float\(\)"),
        (ColorJoker(), images(channels=1), "`color` takes red, green and blue, found 1 channels"),
        (NormalizeJoker([0, 0], 1), images(), "`normalize` knows 2 channels, the images have 3"),
        (PadJoker(8, "reflect"), images(), "`pad` cannot mirror .* of a 8x7 image"),
    ],
)
def test_images_that_do_not_fit_are_refused(joker: Joker, given_: torch.Tensor, message: str):
    with pytest.raises(DataError, match=message):
        joker(given_)
