"""What travels comes out as it went in, and nothing else travels."""

from __future__ import annotations

import contextlib
import enum
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.errors import WireError
from akidlab.messages import Command, Event, Log, Message, Samples, Status
from akidlab.wire import decode, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(-(2**63), 2**64 - 1), inner)
    ),
    max_leaves=20,
)
arrays = st.builds(
    lambda kind, shape, fill: np.full(shape, fill).astype(kind),
    st.sampled_from(["<f4", "<f8", "<i8", "|u1", "|b1", "<c8", ">i2"]),
    st.lists(st.integers(0, 4), max_size=3),
    st.integers(0, 100),
)
payloads = (
    plain
    | st.builds(Samples, st.lists(st.integers()), st.lists(st.floats(allow_nan=False)), st.just([1.0]))
    | st.builds(Event, st.text(), st.dictionaries(st.text(), plain))
    | st.builds(Log, st.text(), st.text(), st.integers())
    | st.builds(Status, st.none() | st.text(), st.dictionaries(st.text(), plain))
    | st.builds(Command, st.just("rate"), st.floats(0, 10))
)


@given(plain)
def test_plain_values_come_out_as_they_went_in(value: object) -> None:
    assert decode(encode(value)) == value


@given(arrays)
def test_arrays_keep_their_type_shape_and_values(array: np.ndarray) -> None:
    back = decode(encode({"array": array}))["array"]

    assert (back.dtype, back.shape, back.flags.writeable) == (array.dtype, array.shape, True)
    np.testing.assert_array_equal(back, array)


@given(st.builds(Message, st.text(), payloads, step=st.integers(0), key=st.none() | st.text()))
def test_messages_and_their_payloads_come_out_as_they_went_in(message: Message) -> None:
    assert decode(encode([message])) == [message]


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(WireError):
        decode(data)


def test_numpy_scalars_stay_numpy_scalars() -> None:
    back = decode(encode(np.float64(0.1)))

    assert (type(back), back) == (np.float64, 0.1)


def test_subclasses_of_plain_values_travel_as_plain_values() -> None:
    class Colour(enum.IntEnum):
        RED = 1

    assert decode(encode({"colour": Colour.RED})) == {"colour": 1}


def test_a_tensor_may_not_leave_its_process() -> None:
    torch = pytest.importorskip("torch")

    with pytest.raises(WireError, match="A tensor may not leave its process, found a Tensor"):
        encode(Message("activation", torch.zeros(2)))


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), lambda: 0, 1j])
def test_what_is_not_plain_may_not_travel(value: object) -> None:
    with pytest.raises(WireError, match="may not travel; send plain values or numpy arrays"):
        encode([value])


def test_a_pickle_is_not_read() -> None:
    with pytest.raises(WireError, match="could not be decoded"):
        decode(pickle.dumps({"a": 1}))


def test_an_endless_nesting_is_refused() -> None:
    nest: list[object] = []
    nest.append(nest)

    with pytest.raises(WireError, match="could not be encoded"):
        encode(nest)
