"""The idx format of MNIST: a magic number, the sizes, then bytes; plain or gzipped.

Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

_BYTES = 0x08


def read_idx(path: Path, dims: int) -> UInt8[np.ndarray, " *shape"]:
    """The array of bytes in an idx file.

    Args:
        path: the file, gzipped or not.
        dims: how many axes it must have: 3 for images, 1 for labels.

    Raises:
        DataError: if the file is torn or is no such file.
    """
    try:
        return parse_idx(unzipped(path.read_bytes()), dims)
    except DataError as error:
        raise DataError(f"`{path}` cannot be used: {error} Delete it; it is then fetched again.") from None


def unzipped(content: bytes) -> bytes:
    """`content` without its gzip wrapping, if it has one.

    Raises:
        DataError: if the wrapping is torn.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"its gzip data are torn ({error}).") from None


def parse_idx(content: bytes, dims: int) -> UInt8[np.ndarray, " *shape"]:
    """The array of bytes in the content of an idx file.

    Raises:
        DataError: if the magic number or the length is not what it should be.

    Example:
        >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), dims=1)
        array([7, 9], dtype=uint8)
    """
    head = 4 * (dims + 1)
    magic = int.from_bytes(content[:4], "big")
    if len(content) < head or magic != (_BYTES << 8 | dims):
        raise DataError(f"its magic number is {magic:#010x}, expected {_BYTES << 8 | dims:#010x}.")
    shape = struct.unpack(f">{dims}I", content[4:head])
    expected = head + math.prod(shape)
    if len(content) != expected:
        raise DataError(f"it has {len(content)} bytes, but its sizes {shape} make {expected}.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
