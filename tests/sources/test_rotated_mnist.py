"""RotatedMNISTFeedSource: read from small files in its real format."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from akidlab import RotatedMNISTFeedSource
from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.rotated_mnist import ARCHIVE, FILES


class Small(RotatedMNISTFeedSource):
    NUM_TRAIN, NUM_TEST = 6, 3


def amat(number: int, seed: int) -> bytes:
    """Rows of text: 784 pixels between 0 and 1, then the label, as the real files have them."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([random.random((number, 784)), random.integers(0, 10, (number, 1))], axis=1)
    stream = io.StringIO()
    np.savetxt(stream, rows, fmt="%.8f", delimiter="  ", newline=" \n")
    return stream.getvalue().encode()


TRAIN, TEST = amat(6, 0), amat(3, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILES["train"]).write_bytes(TRAIN)
    (tmp_path / FILES["test"]).write_bytes(TEST)
    return tmp_path


def small(folder: Path, **options) -> Small:
    return Small(work_dir=folder, mirrors=(), **{"num_train": 4, "num_val": 2, **options})


def values(content: bytes) -> torch.Tensor:
    return torch.from_numpy(np.loadtxt(io.BytesIO(content), np.float32))


def test_pixels_lie_between_0_and_255_row_by_row(folder: Path):
    source = small(folder)

    (x, y), rows = source.training, values(TRAIN)

    torch.testing.assert_close(x, rows[:4, :-1].view(-1, 1, 28, 28) * 255)
    assert y.equal(rows[:4, -1].long())
    assert (source.validation or ())[1].equal(rows[4:, -1].long())
    assert source.test[1].equal(values(TEST)[:, -1].long())


def test_center_and_scale_are_those_of_mnist(folder: Path):
    x = small(folder, center=True, scale=True).training[0]

    torch.testing.assert_close(x, values(TRAIN)[:4, :-1].view(-1, 1, 28, 28) - 0.5)


def test_text_is_read_once(folder: Path):
    first = small(folder).training[0]

    (folder / FILES["train"]).write_bytes(b"")
    (folder / FILES["train"]).with_suffix(".npy").touch()

    assert small(folder).training[0].equal(first)


def test_the_quicker_form_is_made_anew_where_it_is_torn_or_older(folder: Path):
    quick = (folder / FILES["train"]).with_suffix(".npy")
    quick.write_bytes(b"torn")

    first = small(folder).training[0]
    quick.write_bytes(quick.read_bytes()[:-100])

    assert first.shape == (4, 1, 28, 28)


def test_the_archive_that_lies_there_is_unpacked(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / ARCHIVE, "w") as zipped:
        zipped.writestr(FILES["train"], TRAIN)
        zipped.writestr(FILES["test"], TEST)

    assert small(tmp_path).test[1].equal(values(TEST)[:, -1].long())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"1 2 3\n", "it has 3 numbers in a row, expected 785"),
        (b"1 2 cat\n", "could not convert string 'cat'"),
        (TRAIN[: len(TRAIN) - 100], "the number of columns changed"),
    ],
)
def test_a_file_that_is_not_right_is_named(folder: Path, content: bytes, message: str):
    (folder / FILES["train"]).write_bytes(content)

    with pytest.raises(DataError, match=rf"train_valid.amat` cannot be used: .*{message}.* Delete it"):
        _ = small(folder).training


def test_files_of_another_number_of_images_are_said(folder: Path):
    (folder / FILES["train"]).write_bytes(TEST)

    with pytest.raises(DataError, match="holds 3 images, expected 6: it is not that of Rotated MNIST"):
        _ = small(folder).training


def test_without_files_and_network_it_is_said_what_is_missing(closed: str, tmp_path: Path):
    with pytest.raises(DataNotFoundError, match=r"Rotated MNIST is not in .* not be fetched:\n.*refused"):
        small(tmp_path / "none", url=closed).setup()


def test_an_archive_with_a_wrong_checksum_is_thrown_away(web, tmp_path: Path):
    web.put(ARCHIVE, b"other")

    with pytest.raises(DataNotFoundError, match=r"its checksum is .*, expected 0f9a947ff3d3"):
        small(tmp_path / "none", url=web.url).setup()

    assert not (tmp_path / "none").exists()


def test_all_are_learned_from_and_tests_validate_by_default():
    source = RotatedMNISTFeedSource()

    assert (source.num_train, source.num_val, source.num_test) == (12000, 50000, 50000)
