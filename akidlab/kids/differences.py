"""Differences: in which blocks a checkpoint is unlike a brain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

SHOWN = 5


def differences(there: Mapping[str, Tensor], here: Mapping[str, Tensor]) -> str:
    """In which blocks the state of a checkpoint, `there`, is unlike that of a brain; empty if in none.

    Example:
        >>> import torch
        >>> there = {"ip1.weight": torch.zeros(20, 64), "ip2.weight": torch.zeros(10, 20)}
        >>> print(differences(there, {"ip1.weight": torch.zeros(30, 64)}))
        Only the checkpoint has `ip2`. `ip1.weight` is [20, 64] there and [30, 64] here.
    """
    old, new = _blocks(there), _blocks(here)
    sizes = {name: (_shape(there.get(name)), _shape(here.get(name))) for name in {**there, **here}}
    told = [
        ("Only the checkpoint has ", [f"`{block}`" for block in old if block not in new]),
        ("Only this brain has ", [f"`{block}`" for block in new if block not in old]),
        ("", [
            f"`{name}` is {a} there and {b} here"
            for name, (a, b) in sizes.items()
            if a != b and _block(name) in old and _block(name) in new
        ]),
    ]  # fmt: skip
    return " ".join(f"{begin}{_some(parts)}." for begin, parts in told if parts)


def _blocks(state: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(_block(name) for name in state)


def _block(name: str) -> str:
    return name.rpartition(".")[0] or name


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else str([*tensor.shape])


def _some(parts: list[str]) -> str:
    return ", ".join(parts[:SHOWN]) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")
