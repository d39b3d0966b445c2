"""The idx format."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.errors import DataError
from akidlab.sources.idx import parse_idx, read_idx

IMAGES = struct.pack(">4I", 0x803, 2, 2, 3) + bytes(range(12))


def test_pictures_are_read_row_by_row():
    assert parse_idx(IMAGES, 3).tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


@pytest.mark.parametrize("content", [IMAGES, gzip.compress(IMAGES)], ids=["plain", "gzipped"])
def test_a_file_is_read_gzipped_or_not_whatever_its_name(tmp_path: Path, content: bytes):
    path = tmp_path / "images"
    path.write_bytes(content)

    assert read_idx(path, 3).shape == (2, 2, 3)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3))
def test_any_shape_is_read(shape: list[int]):
    content = struct.pack(f">{len(shape) + 1}I", 0x800 + len(shape), *shape) + bytes(int(np.prod(shape)))

    assert parse_idx(content, len(shape)).shape == tuple(shape)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its magic number is 0x00000000, expected 0x00000803"),
        (IMAGES[:10], "its magic number is 0x00000803"),
        (struct.pack(">2I", 0x801, 1) + b"1", "its magic number is 0x00000801, expected 0x00000803"),
        (struct.pack(">4I", 0xD03, 1, 1, 1) + b"1", "its magic number is 0x00000d03"),
        (b"<html>404 not found</html>", "its magic number is 0x3c68746d"),
        (IMAGES[:-1], r"it has 27 bytes, but its sizes \(2, 2, 3\) make 28"),
        (IMAGES + b"1", r"it has 29 bytes, but its sizes \(2, 2, 3\) make 28"),
        (struct.pack(">4I", 0x803, *[2**32 - 1] * 3), r"it has 16 bytes, but its sizes"),
        (gzip.compress(IMAGES)[:-4], "its gzip data are torn"),
        (gzip.compress(IMAGES)[:12] + b"torn" + gzip.compress(IMAGES)[16:], "its gzip data are torn"),
    ],
)
def test_a_file_that_is_no_idx_file_is_refused_by_its_name(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "images.gz"
    path.write_bytes(content)

    with pytest.raises(DataError, match=rf"images.gz` cannot be used: .*{message}.* Delete it"):
        read_idx(path, 3)
