"""Seals: nothing is unpickled that no rank has sent for this very place."""

from __future__ import annotations

import os
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from akidlab.engines.seal import SIGNATURE, Seal
from akidlab.errors import DispatchError

REFUSED = "was not sent by it, or not now"
opened: list[str] = []


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return opened.append, ("boom",)


@pytest.mark.parametrize("value", [None, {"a": (1, 2.5)}, b"bytes", os.getcwd])
def test_what_was_closed_for_a_place_is_opened_there(value: object) -> None:
    seal = Seal(b"key")

    assert seal.open(seal.close(value, b"7:0"), b"7:0") == value


def test_tensors_travel() -> None:
    seal = Seal(b"key")

    assert torch.equal(seal.open(seal.close(torch.arange(3), b""), b""), torch.arange(3))


@pytest.mark.parametrize("place", [b"8:0", b"7:1", b""])
def test_what_was_said_before_or_by_another_rank_is_not_opened(place: bytes) -> None:
    seal = Seal(b"key")
    with pytest.raises(DispatchError, match=REFUSED):
        seal.open(seal.close(Bomb(), b"7:0"), place)

    assert opened == []


def test_what_a_stranger_closed_is_not_opened() -> None:
    for forged in (
        Seal(b"guess").close(Bomb(), b"7:0"),
        bytes(SIGNATURE) + pickle.dumps(Bomb()),
        pickle.dumps(Bomb()),
    ):
        with pytest.raises(DispatchError, match=REFUSED):
            Seal(b"key").open(forged, b"7:0")

    assert opened == []


@given(st.data())
def test_what_was_changed_by_one_bit_is_not_opened(data: st.DataObject) -> None:
    seal = Seal(b"key")
    sealed = bytearray(seal.close(["a value"], b"7:0"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(DispatchError, match=REFUSED):
        seal.open(bytes(sealed), b"7:0")


@given(st.binary(max_size=200))
def test_random_bytes_are_not_opened(data: bytes) -> None:
    with pytest.raises(DispatchError, match=REFUSED):
        Seal(b"key").open(data, b"7:0")
