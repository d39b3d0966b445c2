"""What travels, as bytes: msgpack for plain values, arrays and messages. Never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import msgpack
import numpy as np

from akidlab.errors import WireError
from akidlab.messages import Command, Event, Log, Message, Percentiles, Picture, Samples, Status

_TUPLE, _ARRAY, _SCALAR, _INTEGER = 1, 2, 3, 4
_RECORDS = {10: Message, 11: Samples, 12: Event, 13: Log, 14: Status, 15: Command, 16: Percentiles}
_RECORDS[17] = Picture
_CODES = {record: code for code, record in _RECORDS.items()}
_KINDS = "biufcSUmM"  # what numpy can lay out flat; objects and records stay at home


def encode(value: object) -> bytes:
    """The bytes of plain values, numpy arrays, messages, their payloads and commands.

    Raises:
        WireError: if something in `value` may not travel; the message names its type.

    Example:
        >>> decode(encode({"steps": (1, 2)}))
        {'steps': (1, 2)}
    """
    try:
        packed = msgpack.packb(value, default=_outgoing, strict_types=True)
        assert packed is not None  # its stub says it could be
        return packed
    except WireError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"A {type(value).__name__} could not be encoded: {error}.") from error


def decode(data: bytes | memoryview) -> object:
    """What `encode` made these bytes of.

    Raises:
        WireError: if the bytes are torn, foreign or describe something that may not travel.
    """
    try:
        return msgpack.unpackb(data, ext_hook=_incoming, strict_map_key=False)
    except WireError:
        raise
    except Exception as error:  # whatever a hostile or torn message provokes
        raise WireError(f"{len(data)} bytes could not be decoded: {error!r}.") from error


def _outgoing(value: object) -> object:
    kind = type(value)
    if kind in _CODES:
        parts = [getattr(value, field.name) for field in fields(value)]  # type: ignore[arg-type]
        return msgpack.ExtType(_CODES[kind], encode(parts))
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        return msgpack.ExtType(_ARRAY, encode([value.dtype.str, list(value.shape), value.tobytes()]))
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return msgpack.ExtType(_SCALAR, encode([value.dtype.str, value.tobytes()]))
    if isinstance(value, tuple):
        return msgpack.ExtType(_TUPLE, encode(list(value)))
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, int):  # beyond 64 bits, or a subclass such as an enum
        value = int(value)
        small = -(2**63) <= value < 2**64
        return value if small else msgpack.ExtType(_INTEGER, str(value).encode())
    if isinstance(value, str):  # these are subclasses: what is in them travels
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, list):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if type(value).__module__.partition(".")[0] == "torch":
        raise WireError(f"A tensor may not leave its process, found a {type(value).__name__}; send numpy.")
    raise WireError(f"A {type(value).__name__} may not travel; send plain values or numpy arrays.")


def _incoming(code: int, data: bytes) -> object:
    if code == _INTEGER:
        return int(data)
    parts = decode(data)
    if not isinstance(parts, list):
        raise WireError(f"Extension {code} holds a {type(parts).__name__}, expected a list.")
    if code == _TUPLE:
        return tuple(parts)
    if code in (_ARRAY, _SCALAR):
        return _array(*parts)
    if code in _RECORDS:
        return _RECORDS[code](*parts)
    raise WireError(f"Extension {code} is not known; are both sides of the same version?")


def _array(dtype: str, *rest: object) -> object:
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        raise WireError(f"An array of `{dtype}` may not travel.")
    *shape, data = rest
    flat = np.frombuffer(data, dtype=kind).copy()  # type: ignore[call-overload]  # a copy: writable
    return flat.reshape(shape[0]) if shape else flat[0]  # type: ignore[call-overload,arg-type]
