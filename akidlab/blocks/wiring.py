"""Wiring: what the `inputs` of a block say, checked when they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from akidlab.errors import BlockError, unknown

SYSTEM_IN = "system_in"
_KEYS = ("name", "idxs", "delay", "init", "bptt")
_EXAMPLE = 'inputs=[{"name": "ip1", "idxs": [0]}, {"name": "system_in", "idxs": [1]}]'


@dataclass(frozen=True, eq=False)
class Wire:
    """One entry of `inputs`: where a block takes a value from.

    Args:
        name: the block that emits it, or `system_in`; empty for a constant.
        idxs: which elements are taken where that block emits a list.
        delay: 1 to read what that block emitted one step ago.
        init: what a delayed wire carries at the first step, a number or a tensor.
        bptt: through how many steps gradients flow back along a delayed wire.
        constant: a tensor that is always fed in.
    """

    name: str = ""
    idxs: tuple[int, ...] = (0,)
    delay: int = 0
    init: float | Tensor = 0.0
    bptt: int = 1
    constant: Tensor | None = None

    def __str__(self) -> str:
        if self.constant is not None:
            return "constant"
        idxs = "" if self.idxs == (0,) else "[" + ", ".join(map(str, self.idxs)) + "]"
        return f"{self.name}{idxs}{' (one step ago)' if self.delay else ''}"


def wires(inputs: object) -> tuple[Wire, ...] | None:
    """Read the `inputs` that a user wrote; what they hold is copied and never changed.

    Raises:
        BlockError: if an entry is neither a tensor nor a mapping with a `name`, or holds what is not known.
    """
    if inputs is None:
        return None
    if isinstance(inputs, (str, Mapping, Tensor)) or not isinstance(inputs, Sequence) or not inputs:
        raise BlockError(f"`inputs` is a list of entries, such as {_EXAMPLE}; found {inputs!r}.")
    return tuple(_wire(entry) for entry in inputs)


def _wire(entry: object) -> Wire:
    if isinstance(entry, Tensor):
        return Wire(constant=entry)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise BlockError(f"Each of `inputs` names a block, as in {_EXAMPLE}; found {entry!r}.")
    for key in entry:
        if key not in _KEYS:
            raise unknown("key of an input", str(key), _KEYS)
    wire = Wire(
        name=str(entry["name"]),
        idxs=_idxs(entry.get("idxs")),
        delay=_whole(entry, "delay", 0),
        init=_init(entry.get("init")),
        bptt=_whole(entry, "bptt", 1),
    )
    if wire.delay not in (0, 1):
        raise BlockError(
            f"`delay` is 0 or 1, found {wire.delay} for `{wire.name}`. "
            "To look further back, let several blocks each delay by 1."
        )
    if wire.delay and wire.name == SYSTEM_IN:
        raise BlockError("`system_in` cannot be delayed; delay a block that passes it on.")
    return wire


def _idxs(value: object) -> tuple[int, ...]:
    if value is None:
        return (0,)
    idxs = (value,) if isinstance(value, int) else value
    if not isinstance(idxs, Sequence) or not idxs or not all(isinstance(i, int) for i in idxs):
        raise BlockError(f"`idxs` is a list of whole numbers, such as [0]; found {value!r}.")
    return tuple(idxs)


def _whole(entry: Mapping[Any, Any], key: str, default: int) -> int:
    value = entry.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 0:
        raise BlockError(f"`{key}` is a whole number of 0 or more, found {value!r} for `{entry['name']}`.")
    return value


def _init(value: object) -> float | Tensor:
    if value is None:
        return 0.0
    if isinstance(value, (int, float, Tensor)):
        return value
    raise BlockError(f"`init` is a number or a tensor, found {value!r}.")
