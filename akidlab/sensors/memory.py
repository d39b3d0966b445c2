"""Memory that processes share: a file without a name, kept in memory where there is a place for that."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

_ALIGNED = 64  # bytes: where tensors may begin


class Place(NamedTuple):
    """Where a tensor lies in shared memory, and what it is."""

    offset: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def length(self) -> int:
        """Bytes that it takes."""
        return prod(self.shape) * getattr(torch, self.dtype).itemsize


class SharedMemory:
    """Memory that processes share: they are given `fd`. Nothing is left of it when the last has ended.

    Args:
        size: bytes.
        fd: the file of another process's memory, to share and to close it; None to make one.

    Raises:
        OSError: if there is no room for it.
    """

    def __init__(self, size: int, fd: int | None = None) -> None:
        self.size = max(size, 1)
        self.fd = _reserved(self.size) if fd is None else fd
        self._map = mmap.mmap(self.fd, self.size)

    def tensor(self, place: Place) -> Tensor:
        """The tensor that lies at a place; it shares the memory."""
        dtype = getattr(torch, place.dtype)
        if not prod(place.shape):
            return torch.empty(place.shape, dtype=dtype)
        flat = torch.frombuffer(self._map, dtype=dtype, count=prod(place.shape), offset=place.offset)
        return flat.view(place.shape)

    def close(self) -> None:
        """Let go of the file; tensors that lie in it stay."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __del__(self) -> None:
        if hasattr(self, "_map"):  # a file that another process made is open here, too
            self.close()


def layout(tensors: Sequence[Tensor], offset: int = 0) -> tuple[list[Place], int]:
    """Where tensors would lie one after another, and the first byte after them.

    Example:
        >>> layout([torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)])
        ([Place(offset=0, dtype='float32', shape=(2, 3)), Place(offset=64, dtype='int64', shape=(2,))], 128)
    """
    places = []
    for tensor in tensors:
        place = Place(offset, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        places.append(place)
        offset += -(-place.length // _ALIGNED) * _ALIGNED
    return places, offset


def _reserved(size: int) -> int:
    """A file of this size without a name; its room is taken at once: a full memory would kill who writes."""
    for folder in ("/dev/shm", None):
        if folder is not None and not os.access(folder, os.W_OK):
            continue
        with tempfile.TemporaryFile(dir=folder) as file:
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    os.ftruncate(file.fileno(), size)
            except OSError as error:
                if folder is None:
                    raise OSError(
                        error.errno,
                        f"There is no room for {size:,} bytes that processes share, neither in /dev/shm nor "
                        f"in `{tempfile.gettempdir()}`. Let fewer batches be made ahead (`queue_size`, "
                        f"`num_workers`), or smaller ones.",
                    ) from error
                continue
            return os.dup(file.fileno())
    raise AssertionError
