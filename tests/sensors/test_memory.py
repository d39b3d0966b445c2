"""Memory that processes share, and the frames that they exchange."""

from __future__ import annotations

import os
import tempfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from akidlab.sensors.frames import Frames, frame
from akidlab.sensors.memory import SharedMemory, layout

TYPES = st.sampled_from([torch.float32, torch.int64, torch.uint8, torch.bool, torch.bfloat16])
SHAPES = st.lists(st.integers(0, 4), max_size=3)


@given(st.lists(st.tuples(TYPES, SHAPES), max_size=5))
def test_tensors_lie_side_by_side_and_are_found_again(kinds):
    tensors = [(torch.rand(shape) * 9).to(dtype) for dtype, shape in kinds]
    places, size = layout(tensors)
    memory = SharedMemory(size)
    other = SharedMemory(size, os.dup(memory.fd))

    for place, tensor in zip(places, tensors, strict=True):
        memory.tensor(place).copy_(tensor)

    assert all(other.tensor(place).equal(tensor) for place, tensor in zip(places, tensors, strict=True))
    memory.close()
    memory.close()


def test_memory_has_no_name_and_outlives_its_file_as_long_as_a_tensor_lies_in_it():
    places, size = layout([torch.ones(3)])
    memory = SharedMemory(size)
    links = os.fstat(memory.fd).st_nlink
    tensor = memory.tensor(places[0])

    memory.close()
    tensor.fill_(2)

    assert tensor.tolist() == [2, 2, 2]
    assert links == 0


def test_memory_that_is_full_is_told_before_anybody_writes_there(monkeypatch: pytest.MonkeyPatch):
    tried = []

    def full(fd: int, offset: int, length: int) -> None:
        tried.append(fd)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match=r"There is no room for 10 bytes that processes share.*queue_size"):
        SharedMemory(10)

    assert len(tried) == (2 if os.access("/dev/shm", os.W_OK) else 1)
    assert tempfile.gettempdir()


@given(st.lists(st.tuples(st.dictionaries(st.text(), st.integers()), st.binary())), st.integers(1, 50))
def test_frames_are_put_together_again_from_any_pieces(told, length: int):
    stream, frames = b"".join(frame(header, payload) for header, payload in told), Frames()

    pieces = [stream[i : i + length] for i in range(0, len(stream), length)]
    heard = [whole for piece in pieces for whole in frames.feed(piece)]

    assert heard == [(header, bytearray(payload)) for header, payload in told]
