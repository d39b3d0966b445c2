"""MNISTFeedSource: the real MNIST where it is there, and what is said where it is not."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import pickle
import shutil
import struct
from functools import cache
from pathlib import Path

import pytest
import torch

from akidlab import MNISTFeedSource, MNISTSource
from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.mnist_files import CHECKSUMS, ensure_files


def idx(*shape: int) -> bytes:
    """An idx file of zeros."""
    return struct.pack(f">{len(shape) + 1}I", 0x800 + len(shape), *shape) + bytes(math.prod(shape))


@cache
def packed(*shape: int) -> bytes:
    return gzip.compress(idx(*shape), 1)


def put(folder: Path, **contents: bytes) -> None:
    """The four files, right in form, with the given contents in place of zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"train": 60_000, "t10k": 10_000}
    for name in CHECKSUMS:
        which, kind = name.split("-")[:2]
        zeros = packed(sizes[which], 28, 28) if kind == "images" else packed(sizes[which])
        (folder / f"{name}.gz").write_bytes(contents.get(f"{which}_{kind}", zeros))


def test_akids_call_reads_the_real_files(mnist: Path):
    source = MNISTFeedSource(
        name="MNIST",
        url="http://yann.lecun.com/exdb/mnist/",
        work_dir=str(mnist),
        center=True,
        scale=True,
        num_train=50000,
        num_val=10000,
    )

    (x, y), (x_val, y_val) = source.training, source.validation or ()

    assert (x.shape, x.dtype, x_val.shape) == ((50000, 1, 28, 28), torch.float32, (10000, 1, 28, 28))
    assert (x.min(), x.max()) == (-0.5, 0.5)
    assert y[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_val[-3:].tolist() == [5, 6, 8]
    assert source.test[1][:5].tolist() == [7, 2, 1, 0, 4]


def test_validation_is_the_test_part_where_all_images_are_learned_from(mnist: Path):
    source = MNISTFeedSource(num_train=60000, num_val=10000, work_dir=mnist)

    assert source.validation is not None
    assert source.validation[1].equal(source.test[1])


def test_the_original_files_have_their_checksums(mnist: Path):
    found = {
        name: hashlib.sha256(gzip.decompress((mnist / f"{name}.gz").read_bytes())).hexdigest()
        for name in CHECKSUMS
    }

    assert found == CHECKSUMS


def test_missing_files_are_fetched_and_checked(mnist: Path, web, tmp_path: Path, capsys):
    for name in CHECKSUMS:
        shutil.copy(mnist / f"{name}.gz", web.folder)

    ensure_files(tmp_path / "mnist", [web.url])

    assert {path.name for path in (tmp_path / "mnist").iterdir()} == {f"{name}.gz" for name in CHECKSUMS}
    assert "train-images-idx3-ubyte.gz" in capsys.readouterr().err


def test_the_mirrors_are_asked_where_the_address_fails(mnist: Path, web, closed: str, tmp_path: Path):
    for name in CHECKSUMS:
        shutil.copy(mnist / f"{name}.gz", web.folder)
    source = MNISTFeedSource(url=closed, mirrors=[web.url], work_dir=tmp_path / "mnist")

    source.setup()

    assert source.training[1][:3].tolist() == [5, 0, 4]


@pytest.mark.parametrize(("center", "scale", "value"), [(0, 0, 0), (1, 0, -127.5), (0, 1, 0), (1, 1, -0.5)])
def test_center_subtracts_before_scale_divides(tmp_path: Path, center: bool, scale: bool, value: float):
    put(tmp_path)

    source = MNISTFeedSource(work_dir=tmp_path, center=bool(center), scale=bool(scale), mirrors=())

    assert source.test[0].unique().tolist() == [value]


@pytest.mark.parametrize("spelling", ["{}", "{}.gz"])
def test_files_are_found_as_the_archives_spell_them(tmp_path: Path, spelling: str):
    put(tmp_path)
    for name in CHECKSUMS:
        content = (tmp_path / f"{name}.gz").read_bytes()
        (tmp_path / f"{name}.gz").unlink()
        content = content if spelling.endswith("gz") else gzip.decompress(content)
        (tmp_path / spelling.format(name.replace("-idx", ".idx"))).write_bytes(content)

    assert len(MNISTFeedSource(work_dir=tmp_path, mirrors=()).test[0]) == 10_000


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({}, (50000, 10000)),
        ({"num_train": 50000, "num_val": 5000}, (50000, 5000)),
        ({"num_train": 60000, "num_val": 0}, (60000, 0)),
        ({"num_train": 60000}, (60000, 10000)),
        ({"validation_rate": 0.1}, (54000, 6000)),
        ({"validation_rate": 0}, (60000, 0)),
    ],
)
def test_the_numbers_are_known_before_anything_is_read(numbers: dict, expected: tuple[int, int]):
    source = MNISTFeedSource(work_dir="/nowhere", **numbers)

    assert (source.num_train, source.num_val, source.num_test, source.shape) == (
        *expected,
        10000,
        (1, 28, 28),
    )


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"num_train": 60001}, "`num_train` must lie in 1 to 60000, found 60001"),
        ({"num_train": 0}, "`num_train` must lie in 1 to 60000, found 0"),
        ({"num_train": 55000, "num_val": 10001}, "`num_val` is 10001, but `num_train` leaves 5000 of the"),
        ({"num_val": -1}, "`num_val` is -1"),
        ({"validation_rate": 1}, "`validation_rate` must lie from 0 up to, but not, 1, found 1"),
    ],
)
def test_numbers_that_cannot_be_had_are_refused(numbers: dict, message: str):
    with pytest.raises(DataError, match=message):
        MNISTFeedSource(**numbers)


def test_without_files_and_network_it_is_said_what_is_missing_and_what_to_do(closed: str, tmp_path: Path):
    put(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    source = MNISTFeedSource(url=closed, mirrors=[f"{closed}other/"], work_dir=tmp_path)

    with pytest.raises(DataNotFoundError) as raised:
        source.setup()

    said = str(raised.value)
    assert said.startswith(f"MNIST is not complete. Missing in `{tmp_path}`: t10k-labels-idx1-ubyte.gz (")
    assert f"\n    {closed}t10k-labels-idx1-ubyte.gz: " in said
    assert f"\n    {closed}other/t10k-labels-idx1-ubyte.gz: " in said
    assert "set AKID_DATA_PATH" in said
    assert "`DigitsSource()`" in said


def test_what_comes_with_a_wrong_checksum_is_thrown_away(web, tmp_path: Path):
    for name in CHECKSUMS:
        web.put(f"{name}.gz", gzip.compress(idx(10)))
    source = MNISTFeedSource(url=web.url, mirrors=(), work_dir=tmp_path / "mnist")

    with pytest.raises(DataNotFoundError, match=r"its checksum is .*, expected ba891046e650"):
        source.setup()

    assert not (tmp_path / "mnist").exists()


def test_a_folder_that_cannot_be_written_is_said(web, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    source = MNISTFeedSource(url=web.url, mirrors=(), work_dir=tmp_path / "file")

    with pytest.raises(DataNotFoundError, match="MNIST is not complete"):
        source.setup()


def test_a_torn_file_is_named(tmp_path: Path):
    put(tmp_path, t10k_images=idx(10_000, 28, 28)[:-1])

    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte.gz` cannot be used: it has 7840015 bytes"):
        _ = MNISTFeedSource(work_dir=tmp_path, mirrors=()).test


def test_a_file_of_another_data_set_is_named(tmp_path: Path):
    put(tmp_path, t10k_images=idx(10, 28, 28))

    with pytest.raises(DataError, match=r"holds \(10, 28, 28\), expected \(10000, 28, 28\): it is not a"):
        _ = MNISTFeedSource(work_dir=tmp_path, mirrors=()).test


def test_a_cell_that_runs_again_reads_nothing_again_unless_the_file_changed(tmp_path: Path):
    put(tmp_path)
    first = MNISTFeedSource(work_dir=tmp_path, mirrors=()).test[1]

    again = MNISTFeedSource(work_dir=tmp_path, mirrors=()).test[1]
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(10_000)[:-1] + b"\x07")
    os.utime(tmp_path / "t10k-labels-idx1-ubyte.gz", (0, 0))
    changed = MNISTFeedSource(work_dir=tmp_path, mirrors=()).test[1]

    assert again is first
    assert changed[-1] == 7


def test_the_source_travels_without_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path / "mnist")
    monkeypatch.chdir(tmp_path)
    source = MNISTFeedSource(work_dir="mnist", mirrors=())
    source.setup()

    content = pickle.dumps(source)
    monkeypatch.chdir("/")

    assert len(content) < 1000
    assert len(pickle.loads(content).test[0]) == 10_000


def test_mnist_of_mean_zero_and_deviation_one(mnist: Path):
    source = MNISTSource(mnist)

    x, _ = source.training

    assert (source.num_train, source.num_val, source.num_test) == (60000, 10000, 10000)
    assert x.mean().item() == pytest.approx(0, abs=1e-3)
    assert x.std().item() == pytest.approx(1, abs=1e-3)
    assert source.validation is not None
    assert source.validation[0].equal(source.test[0])
