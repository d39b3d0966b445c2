"""CIFAR: read from small files in its real formats, and what is said where they are not right."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources import Cifar10AkidSource, Cifar10FeedSource, ZCAWhitening, contrast_normalize
from akidlab.sources.cifar10_augmented import shift_and_flip
from akidlab.sources.cifar_files import ensure
from akidlab.sources.cifar_format import CIFAR10
from tests.sources import cifar

BINARY, PYTHON = CIFAR10


class Small(Cifar10FeedSource):
    NUM_TRAIN, NUM_TEST = 20, 4


class SmallAkid(Cifar10AkidSource):
    NUM_TRAIN, NUM_TEST = 20, 4


def small(folder: Path, **options) -> Small:
    return Small(work_dir=folder, mirrors=(), **{"num_train": 15, "num_val": 5, **options})


def images(files: dict[str, np.ndarray]) -> torch.Tensor:
    rows = np.concatenate([files[name] for name in BINARY.train])
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, np.ndarray]:
    """What the small CIFAR-10 in the folder `cifar` holds."""
    made = cifar.rows(BINARY)
    cifar.put(tmp_path / "cifar", BINARY, made)
    return made


def test_training_validation_and_test_images_come_in_the_order_of_the_files(tmp_path: Path, files):
    source = small(tmp_path / "cifar")

    (x, y), (x_val, y_val) = source.training, source.part("val") or (None, None)

    assert x.equal(images(files)[:15])
    assert y[:4].tolist() == files["data_batch_1.bin"][:, 0].tolist()
    assert (y.dtype, x_val.equal(images(files)[15:]), len(y_val)) == (torch.int64, True, 5)
    assert source.test[1].tolist() == files["test_batch.bin"][:, 0].tolist()


def test_the_first_pixels_are_red_and_go_along_the_first_row(tmp_path: Path, files):
    red = files["data_batch_1.bin"][0, 1:33]

    assert small(tmp_path / "cifar").training[0][0, 0, 0].tolist() == red.tolist()


def test_both_formats_hold_the_same(tmp_path: Path, files):
    names = dict(zip((*BINARY.train, *BINARY.test), (*PYTHON.train, *PYTHON.test), strict=True))
    cifar.put(tmp_path / "python", PYTHON, {names[name]: file for name, file in files.items()})

    one, other = small(tmp_path / "cifar"), small(tmp_path / "python")

    assert other.training[0].equal(one.training[0])
    assert other.test[1].equal(one.test[1])


def test_files_are_found_in_their_folder_itself_too(tmp_path: Path, files):
    assert len(small(tmp_path / "cifar" / BINARY.folder).training[1]) == 15


@pytest.mark.parametrize("archive", CIFAR10, ids=["binary", "python"])
def test_an_archive_that_lies_there_is_unpacked(tmp_path: Path, archive):
    made = cifar.rows(archive)
    (tmp_path / archive.name).write_bytes(cifar.packed(archive, made))

    y = small(tmp_path).test[1]

    assert y.tolist() == made[archive.test[0]][:, 0].tolist()
    assert not (tmp_path / archive.folder / "readme.html").exists()


def test_the_binary_archive_is_fetched_checked_and_unpacked(web, closed: str, tmp_path: Path):
    content = cifar.packed(BINARY, cifar.rows(BINARY))
    web.put(BINARY.name, content)
    archives = (replace(BINARY, md5=hashlib.md5(content).hexdigest()), PYTHON)

    found = ensure(tmp_path / "new", archives, [closed, web.url])

    assert found.folder == tmp_path / "new" / BINARY.folder


def test_an_archive_with_a_wrong_checksum_is_thrown_away(web, tmp_path: Path):
    web.put(BINARY.name, b"other")
    source = Small(url=web.url, mirrors=(), work_dir=tmp_path / "new", num_train=15, num_val=5)

    with pytest.raises(DataNotFoundError, match=r"its checksum is .*, expected c32a1d4ab5d0"):
        source.setup()

    assert not (tmp_path / "new").exists()


def test_without_files_and_network_it_is_said_what_is_missing_and_what_to_do(closed: str, tmp_path: Path):
    source = Small(url=closed, mirrors=(), work_dir=tmp_path / "cifar10", num_train=15, num_val=5)

    with pytest.raises(DataNotFoundError) as raised:
        source.setup()

    said = str(raised.value)
    assert said.startswith(
        f"CIFAR-10 is not complete in `{tmp_path}/cifar10`: expected `cifar-10-binary.tar.gz`"
    )
    assert f"\n    {closed}cifar-10-binary.tar.gz: " in said
    assert "set AKID_DATA_PATH to the folder that holds `cifar10/`" in said


def test_a_torn_archive_is_named(tmp_path: Path):
    content = cifar.packed(BINARY, cifar.rows(BINARY))
    (tmp_path / BINARY.name).write_bytes(content[: len(content) // 2])

    with pytest.raises(DataError, match=r"cifar-10-binary.tar.gz` cannot be unpacked"):
        _ = small(tmp_path).training


def test_an_archive_of_something_else_is_named(tmp_path: Path):
    (tmp_path / BINARY.name).write_bytes(cifar.packed(BINARY, {}))

    with pytest.raises(DataError, match=r"does not hold data_batch_1.bin, .* another archive"):
        _ = small(tmp_path).training


def test_a_torn_file_is_named(tmp_path: Path, files):
    path = tmp_path / "cifar" / BINARY.folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DataError, match=r"data_batch_3.bin` cannot be used: it has 12291 bytes, no multiple"):
        _ = small(tmp_path / "cifar").training


def test_a_pickle_of_something_else_is_named(tmp_path: Path):
    place = cifar.put(tmp_path, PYTHON, cifar.rows(PYTHON))
    (place / "test_batch").write_bytes(pickle.dumps({"data": [1]}))

    with pytest.raises(DataError, match=r"test_batch` cannot be used: it should hold `data` and `labels`"):
        _ = small(tmp_path).test


def test_files_of_another_number_of_images_are_said(tmp_path: Path):
    cifar.put(tmp_path, BINARY, cifar.rows(BINARY, number=3))

    with pytest.raises(DataError, match="hold 15 images, expected 20: they are not those of CIFAR-10"):
        _ = small(tmp_path).training


@pytest.mark.parametrize(
    ("options", "shift", "divisor"), [({"center": True}, 127.5, 1), ({"scale": True}, 0, 255)]
)
def test_center_subtracts_and_scale_divides(tmp_path: Path, files, options, shift: float, divisor: float):
    source = small(tmp_path / "cifar", **options)

    torch.testing.assert_close(source.training[0], (images(files)[:15] - shift) / divisor)


def test_zca_whitens_with_what_the_training_samples_alone_say(tmp_path: Path, files, monkeypatch):
    monkeypatch.setenv("AKIDLAB_CACHE", str(tmp_path / "cache"))
    normal = contrast_normalize(images(files))
    monkeypatch.setattr(ZCAWhitening, "fit", Halving.fit)

    source = small(tmp_path / "cifar", use_zca=True)
    x, x_val = source.training[0], (source.validation or ())[0]

    torch.testing.assert_close(x, (normal[:15] - normal[:15].mean(0)) / 2)
    torch.testing.assert_close(x_val, (normal[15:] - normal[:15].mean(0)) / 2)
    assert len(list((tmp_path / "cache" / "whitening").iterdir())) == 1


class Halving(ZCAWhitening):
    """A whitening that is quick to learn: it takes the mean and halves the rest."""

    @classmethod
    def fit(cls, images, bias=0.1):
        rows = images.flatten(1)
        eye = torch.eye(rows.shape[1])
        return ZCAWhitening(rows.mean(0), eye / 2, eye * 2)


def test_a_cell_that_runs_again_reads_nothing_again_unless_a_file_changed(tmp_path: Path, files):
    first = small(tmp_path / "cifar").training[0]

    again = small(tmp_path / "cifar").training[0]
    path = tmp_path / "cifar" / BINARY.folder / "data_batch_1.bin"
    path.write_bytes(bytes(len(path.read_bytes())))
    os.utime(path, (0, 0))
    changed = small(tmp_path / "cifar").training[0]

    assert again is first
    assert changed[:4].eq(0).all()


def test_the_source_travels_without_its_pictures(tmp_path: Path, files):
    source = small(tmp_path / "cifar")
    source.setup()

    content = pickle.dumps(source)

    assert len(content) < 1000
    assert pickle.loads(content).training[0].equal(source.training[0])


MEAN = torch.tensor([125.3, 123.0, 113.9]).view(3, 1, 1)
DEVIATION = torch.tensor([63.0, 62.1, 66.7]).view(3, 1, 1)


def test_akids_source_normalises_every_channel(tmp_path: Path, files):
    source = SmallAkid(tmp_path / "cifar", num_train=20, num_val=4, mirrors=())

    torch.testing.assert_close(source.training[0], (images(files) - MEAN) / DEVIATION)
    assert source.fetch("val", [1])[0].equal(source.test[0][1:2])


def test_training_images_are_flipped_and_shifted_anew_each_epoch_whatever_the_batch(tmp_path: Path, files):
    source = SmallAkid(tmp_path / "cifar", num_train=20, num_val=4, mirrors=())

    (x, y), (later, _) = source.fetch("train", range(20)), source.fetch("train", range(20), epoch=1)
    part, _ = source.fetch("train", [11, 2])

    assert y.equal(source.training[1])
    assert part.equal(x[[11, 2]])
    assert not later.equal(x)
    assert x.shape == (20, 3, 32, 32)


def test_shifts_and_flips_are_those_of_the_chances():
    image = np.arange(1, 2 * 6 * 6 + 1, dtype=np.uint8).reshape(1, 2, 6, 6)
    chances = np.array([[0.9, 4 / 9, 4 / 9], [0.1, 4 / 9, 4 / 9], [0.9, 0.0, 5 / 9]])

    still, flipped, moved = shift_and_flip(image.repeat(3, 0), chances + 1e-9)

    assert np.array_equal(still, image[0])
    assert np.array_equal(flipped, image[0, :, :, ::-1])
    assert np.array_equal(moved[:, 4:, :5], image[0, :, :2, 1:])
    assert moved[:, :4].max() == 0
    assert moved[:, :, 5].max() == 0
