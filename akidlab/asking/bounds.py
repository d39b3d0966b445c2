"""Bounds: what computes an answer writes to nothing that learns, and takes little time and memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from akidlab.errors import AskError

SECONDS = 1.0  # that an answer may keep the training waiting
NEW = 2**26  # numbers that may be made on the way
READ = 2**30  # numbers that one operation may go through
SLOW = 2**22  # numbers that may be put in order
HARD = 2**18  # numbers of a matrix that may be decomposed, or whose rows are told apart
PRODUCTS = 2**33  # multiplications of a matrix product
_ORDERING = (
    "sort",
    "argsort",
    "topk",
    "kthvalue",
    "median",
    "nanmedian",
    "mode",
    "unique",
    "_unique2",
    "nonzero",
)
_PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "matmul")
_REDUCE = "Take a slice of it, or reduce it first (`mean`, `std`, `percentiles`)."


class Bounded(TorchDispatchMode):
    """Sees each operation of torch before it is made, and refuses those that a question may not make.

    Names and methods are chosen from a short list already; this is the second lock, where torch itself says
    which argument an operation writes to. What it will make is tried on tensors without data.

    Args:
        seconds: how long the answer may take.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__()
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._learning: set[int] = set()
        self._made = 0

    def protect(self, tensor: Tensor) -> Tensor:
        """Let nobody write to what `tensor` is a view of; gives it without its history."""
        self._learning.update(_memory(tensor))
        return tensor.detach()

    def check_time(self) -> None:
        """Raise once it has taken too long."""
        if time.monotonic() > self._until:
            raise AskError(f"The answer takes more than {self._seconds:g} s of the training. {_REDUCE}")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.check_time()
        self._check_writes(func, args, kwargs or {})
        known = self._check_size(func, args, kwargs or {})
        made = func(*args, **(kwargs or {}))
        if not known:
            self._made += sum(tensor.numel() for tensor in _tensors(made))
        return made

    def _check_writes(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        for at, known in enumerate(func._schema.arguments):
            if known.alias_info is None or not known.alias_info.is_write:
                continue
            given = args[at] if at < len(args) else kwargs.get(known.name)
            if any(_memory(tensor) & self._learning for tensor in _tensors(given)):
                raise AskError(f"`{func._schema.name}` writes to what learns; a question only reads.")

    def _check_size(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Refuse what is too much; True if it is known how much it will be."""
        name = func._schema.name.partition("::")[2]
        read = max((tensor.numel() for tensor in _tensors((args, kwargs))), default=0)
        hard = "svd" in name or "eig" in name or ("linalg" in name and "vector_norm" not in name)
        hard = hard or name == "unique_dim"  # it compares whole rows
        most = HARD if hard else SLOW if name in _ORDERING else READ
        if read > most:
            raise AskError(f"`{name}` of {read:,} numbers is too much for a question. {_REDUCE}")
        tried = _tried(func, args, kwargs, name)
        made, products = tried or (read, 0)
        if self._made + made > NEW or products > PRODUCTS:
            raise AskError(f"This makes {max(made, products):,} numbers on the way, too many. {_REDUCE}")
        self._made += made if tried else 0
        return tried is not None


def _tried(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """How many numbers an operation will make, and multiply; nothing is computed to find out.

    None if that depends on the data.
    """
    try:
        shadows = tree_map(_shadow, (list(args), dict(kwargs)))
        if "device" in shadows[1]:
            shadows[1]["device"] = torch.device("meta")
        given = {place for tensor in _tensors(shadows) for place in _memory(tensor)}
        made = list(_tensors(func(*shadows[0], **shadows[1])))
    except Exception:  # or it fails; then it will say so itself
        return None
    new = sum(tensor.numel() for tensor in made if not _memory(tensor) & given)
    inner = next((tensor.shape[-1] for tensor in _tensors(args) if tensor.dim()), 1)
    return new, new * inner if name in _PRODUCTS else 0


def _shadow(value: object) -> object:
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")


def _memory(tensor: Tensor) -> set[int]:
    """Where a tensor's numbers are; of a sparse one, those that it has."""
    if tensor.layout is torch.sparse_coo:
        tensor = tensor._values()
    return {tensor.untyped_storage()._cdata}


def _tensors(values: object) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
