"""ImageFolderSource: pictures in folders, and how they are cut."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from akidlab import ImageFolderSource, ImagenetTorchSource
from akidlab.errors import DataError, DataNotFoundError, UnknownNameError
from akidlab.sources.draws import draws
from akidlab.sources.pictures import CHANCES, random_sized_box, shortened


def picture(path: Path, width: int = 20, height: int = 12, seed: int = 0) -> np.ndarray:
    """Write a picture of noise; gives its pixels."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes, ten training pictures, two to validate with."""
    for i in range(10):
        picture(tmp_path / "pets/train" / ("cat", "dog", "eel")[i % 3] / f"deep/{i}.png", seed=i)
    picture(tmp_path / "pets/val/dog/1.PNG", seed=20)
    picture(tmp_path / "pets/val/cat/0.bmp", seed=21)
    (tmp_path / "pets/train/cat/notes.txt").write_text("no picture")
    return tmp_path / "pets"


def raw(folder: Path, **options) -> ImageFolderSource:
    """A source of 12x12 whose pixels are left as they are."""
    plain = {"mean": (0, 0, 0), "deviation": (1 / 255,) * 3}
    return ImageFolderSource(folder, 12, **{"resize": 12, **plain, **options})


def test_classes_are_the_folders_in_order_and_files_are_sorted(folder: Path):
    source = raw(folder)

    assert source.classes == ["cat", "dog", "eel"]
    assert [source.path(i).name for i in range(10)] == [f"{i}.png" for i in (0, 3, 6, 9, 1, 4, 7, 2, 5, 8)]
    assert source.fetch("train", range(10))[1].tolist() == [0] * 4 + [1] * 3 + [2] * 3
    assert source.fetch("val", [0, 1])[1].tolist() == [0, 1]
    assert repr(source) == "ImageFolderSource 'pets': 10 training samples of 3x12x12, 2 for validation"


def test_the_middle_is_cut_out_of_a_picture(folder: Path):
    values = picture(folder / "train/cat/deep/0.png", seed=5)

    (image,) = raw(folder).fetch("train", [0])[0]

    assert image.equal(torch.from_numpy(values).permute(2, 0, 1)[:, :, 4:16].float())


def test_the_shorter_side_is_made_as_long_as_asked():
    wide, tall = Image.new("RGB", (500, 375)), Image.new("RGB", (300, 401))

    assert (shortened(wide, 256).size, shortened(tall, 256).size) == ((341, 256), (256, 342))


def test_pixels_are_normalised_as_those_of_imagenet(folder: Path):
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    x = ImageFolderSource(folder, 12, resize=12).fetch("val", [0])[0]

    values = raw(folder).fetch("val", [0])[0] / 255
    torch.testing.assert_close(x, (values - mean.view(3, 1, 1)) / deviation.view(3, 1, 1))


def test_pictures_in_grey_have_one_channel(folder: Path):
    x = ImageFolderSource(folder, 12, resize=12, color=False).fetch("train", [0, 1])[0]

    assert x.shape == (2, 1, 12, 12)


def test_pictures_of_other_modes_are_read_in_colour(folder: Path):
    Image.new("LA", (20, 12), (100, 0)).save(folder / "train/cat/deep/0.png")

    assert raw(folder).fetch("train", [0])[0].unique().tolist() == [100]


def test_a_palette_with_transparency_is_read_without_a_warning(folder: Path):
    palette = Image.new("P", (20, 12), 1)
    palette.putpalette([9, 9, 9, 50, 60, 70])
    palette.save(folder / "train/cat/deep/0.png", transparency=b"\x00\x80")

    assert raw(folder).fetch("train", [0])[0][0, :, 0, 0].tolist() == [50, 60, 70]


def test_a_small_picture_is_made_larger(folder: Path):
    picture(folder / "train/cat/deep/0.png", 5, 4)

    assert raw(folder).fetch("train", [0])[0].shape == (1, 3, 12, 12)


@pytest.mark.parametrize("crop", ["random", "random_sized"])
def test_what_is_random_depends_on_seed_epoch_and_picture_alone(folder: Path, crop: str):
    source = raw(folder, crop=crop, flip=True)

    x = source.fetch("train", range(10))[0]

    assert source.fetch("train", [7, 2])[0].equal(x[[7, 2]])
    assert pickle.loads(pickle.dumps(source)).fetch("train", [7])[0].equal(x[[7]])
    assert not source.fetch("train", range(10), epoch=1)[0].equal(x)
    assert not raw(folder, crop=crop, flip=True, seed=1).fetch("train", range(10))[0].equal(x)


def test_validation_pictures_are_never_random(folder: Path):
    source = raw(folder, crop="random_sized", flip=True)

    assert source.fetch("val", [0, 1])[0].equal(raw(folder).fetch("val", [0, 1], epoch=3)[0])


def test_a_random_square_is_part_of_the_picture(folder: Path):
    values = torch.from_numpy(picture(folder / "train/cat/deep/0.png", seed=5)).permute(2, 0, 1).float()
    squares = values.unfold(2, 12, 1).permute(2, 0, 1, 3)

    source = raw(folder, crop="random")
    found = {
        next(i for i, square in enumerate(squares) if square.equal(source.fetch("train", [0], e)[0][0]))
        for e in range(60)
    }

    assert found == set(range(9))


def test_half_of_the_pictures_are_mirrored(folder: Path):
    still, source = raw(folder).fetch("train", range(10))[0], raw(folder, flip=True)

    flipped = 0
    for epoch in range(20):
        x = source.fetch("train", range(10), epoch)[0]
        mirrored = x.eq(still.flip(-1)).flatten(1).all(1)
        assert (mirrored | x.eq(still).flatten(1).all(1)).all()
        flipped += int(mirrored.sum())

    assert 70 <= flipped <= 130


def test_parts_of_random_size_have_the_areas_and_shapes_of_inception():
    chances = draws(0, 0, torch.arange(4000), CHANCES).tolist()

    left, top, right, bottom = torch.tensor([random_sized_box(400, 400, row) for row in chances]).double().T
    area, shape = (right - left) * (bottom - top) / 160_000, (right - left) / (bottom - top)

    assert min(left.min(), top.min()) == 0
    assert max(right.max(), bottom.max()) == 400
    assert 0.079 < area.min() < 0.1
    assert area.max() > 0.95
    assert 0.745 < shape.min() < 0.76
    assert 1.31 < shape.max() < 1.345
    assert shape.log().mean().abs() < 0.01


def test_a_picture_too_long_for_any_shape_gives_its_middle():
    assert random_sized_box(1000, 10, [0.99] * CHANCES) == (493, 0, 506, 10)
    assert random_sized_box(10, 1000, [0.99] * CHANCES) == (0, 493, 10, 506)


def test_folders_of_classes_alone_are_all_to_learn_from_but_for_a_part(folder: Path):
    whole, divided = raw(folder / "train"), raw(folder / "train", validation_rate=0.3)

    assert (whole.num_train, whole.num_val, divided.num_train, divided.num_val) == (10, 0, 7, 3)
    names = [divided.path(i, mode) for mode in ("train", "val") for i in range(divided.size(mode))]
    assert sorted(names) == sorted(whole.path(i) for i in range(10))
    assert raw(folder / "train", validation_rate=0.3).path(1, "val") == divided.path(1, "val")


def test_a_part_for_validation_leaves_a_validation_folder_alone(folder: Path):
    assert raw(folder, validation_rate=0.5).num_train == 10


def test_a_picture_that_cannot_be_read_is_named(folder: Path):
    (folder / "train/cat/deep/0.png").write_bytes(b"no picture")
    torn = folder / "train/cat/deep/3.png"
    torn.write_bytes(torn.read_bytes()[:300])
    source = raw(folder)

    for row, name in ((0, "0.png"), (1, "3.png")):
        with pytest.raises(DataError, match=rf"{name}` cannot be read as a picture: .* Mend it or delete it"):
            source.fetch("train", [row])


def test_a_picture_that_is_gone_is_named(folder: Path):
    source = raw(folder)
    source.setup()
    os.remove(folder / "train/cat/deep/0.png")

    with pytest.raises(DataError, match=r"0.png` is gone since the folder was listed"):
        source.fetch("train", [0])


def test_a_class_that_is_not_learned_is_said(folder: Path):
    picture(folder / "val/fox/1.png")

    with pytest.raises(DataError, match=r"val/fox` is no class of the training part, which has 3: cat, dog"):
        raw(folder).fetch("val", [0])


def test_folders_that_are_not_there_or_empty_are_said(tmp_path: Path):
    with pytest.raises(DataNotFoundError, match=r"There is no folder `.*none`. Give the folder that"):
        raw(tmp_path / "none").setup()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no folders in it: expected one for each class"):
        raw(tmp_path / "empty").setup()
    (tmp_path / "empty/cat").mkdir()
    with pytest.raises(DataError, match=r"There are no pictures in `.*empty`: expected .bmp, "):
        raw(tmp_path / "empty").setup()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"crop": "randon"}, UnknownNameError, "There is no crop `randon`. Did you mean `random`"),
        ({"resize": 11}, DataError, "`size` must lie in 1 to `resize`, which is 11, found 12"),
        ({"mean": (0,)}, DataError, "`mean` has 1 values, but pictures in colour have 3 channels"),
        ({"seed": -1}, DataError, "`seed` must be a whole number of 0 or more, found -1"),
        ({"validation_rate": 1}, DataError, "`validation_rate` must lie from 0 up to"),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path: Path, options, error, message: str):
    with pytest.raises(error, match=message):
        raw(tmp_path, **options)


def test_imagenet_is_cut_at_random_and_mirrored(folder: Path):
    sized, square = ImagenetTorchSource(folder), ImagenetTorchSource(folder, random_sized_crop=False)

    assert (sized.crop, square.crop, sized.flip, sized.resize) == ("random_sized", "random", True, 256)
    assert square.fetch("train", [0])[0].shape == (1, 3, 224, 224)
