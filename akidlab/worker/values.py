"""Values that come back from ranks to the notebook: plain ones, arrays and tensors; never as pickles."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import torch as safetensors
from torch import Tensor

from akidlab.errors import KindError, WireError
from akidlab.wire import decode, encode

MOST = 2**30  # bytes of one value
_PLAIN = (bool, int, float, str, bytes, type(None))
_KINDS = "biufcSUmM"  # of arrays that lie flat


class Refusal(KindError):
    """A value that cannot come back to the notebook."""


def pack(value: object) -> bytes:
    """The bytes of numbers, texts, arrays and tensors, and of lists, tuples, sets and dictionaries of them.

    Raises:
        Refusal: if there is something else in it; it names where, and what to do.

    Example:
        >>> unpack(pack({"loss": 0.5, "weights": torch.ones(2)}))
        {'loss': 0.5, 'weights': tensor([1., 1.])}
    """
    packer = _Packer()
    try:
        tree = packer.tree(value, "")
    except RecursionError:
        raise Refusal("A value that holds itself cannot be gathered; gather its parts.") from None
    try:
        head = encode(tree)
    except WireError as error:
        raise Refusal(f"This value cannot be gathered: {error}") from None
    tensors = safetensors.save({str(number): tensor for number, tensor in enumerate(packer.tensors)})
    return struct.pack("<Q", len(head)) + head + tensors


def unpack(data: bytes) -> Any:
    """What `pack` made these bytes of; reading them runs no code.

    Raises:
        WireError: if they are torn.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        tensors = safetensors.load(data[8 + length :])
        return _grown(decode(data[8 : 8 + length]), tensors)
    except WireError:
        raise
    except Exception as error:  # whatever torn bytes provoke
        raise WireError(f"{len(data)} bytes from a rank could not be read: {error!r}.") from error


class _Packer:
    """Turns a value into a tree that may travel, and keeps its tensors beside it."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self._bytes = 0

    def tree(self, value: Any, where: str) -> list[Any]:
        if isinstance(value, Tensor):
            return ["tensor", self._keep(value, where)]
        if isinstance(value, np.ndarray):
            return ["plain", self._array(value, where)]
        if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
            return ["plain", value]
        if type(value) in _PLAIN:
            self._count(len(value) if isinstance(value, (str, bytes)) else 8, where)
            return ["plain", value]
        if isinstance(value, Mapping):
            pairs = value.items()
            return ["dict", [[self.tree(k, where), self.tree(v, f"{where}[{k!r:.40}]")] for k, v in pairs]]
        for kind, name in ((list, "list"), (tuple, "tuple"), (set, "set")):
            if isinstance(value, kind):
                return [name, [self.tree(part, f"{where}[{number}]") for number, part in enumerate(value)]]
        raise _refusal(value, where)

    def _keep(self, tensor: Tensor, where: str) -> int:
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
            raise _refusal(tensor, where, "a dense tensor, such as `x.to_dense()`")
        self._count(tensor.numel() * tensor.element_size(), where)
        self.tensors.append(tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().clone())
        return len(self.tensors) - 1

    def _array(self, array: Any, where: str) -> Any:
        if array.dtype.kind not in _KINDS:
            raise _refusal(array, where, f"an array of numbers; this one is of `{array.dtype}`")
        self._count(array.nbytes, where)
        return np.asarray(array)

    def _count(self, more: int, where: str) -> None:
        self._bytes += more
        if self._bytes > MOST:
            place = f" (at `{where}`)" if where else ""
            raise Refusal(
                f"The value is larger than {MOST // 2**20:,} MB{place}; more does not come through to the"
                " notebook. Gather a part of it, or write it to a file on the rank."
            )


def _refusal(value: object, where: str, wanted: str = "a number, a text, an array or a tensor") -> Refusal:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    place = f" at `{where}`" if where else ""
    return Refusal(
        f"A `{kind}`{place} cannot be gathered; expected {wanted}, or lists and dictionaries of these."
        " Gather what you need of it, such as `kid.brain.state_dict()`, or `str(x)`."
    )


def _grown(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    kind, held = tree
    if kind == "plain":
        return held
    if kind == "tensor":
        return tensors[str(held)]
    if kind == "dict":
        return {_grown(key, tensors): _grown(part, tensors) for key, part in held}
    return {"list": list, "tuple": tuple, "set": set}[kind](_grown(part, tensors) for part in held)
