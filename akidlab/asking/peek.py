"""Peek: the next pass of modules that keep none, seen by hooks that are gone once they have been of use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

LARGEST = 2**24  # numbers that are kept of all passes together; more are let go


@dataclass(frozen=True)
class Seen:
    """One pass of a module.

    Args:
        inputs: what it was given.
        out: what it returned.
    """

    inputs: list[Any]
    out: Any


class Peek:
    """Keeps the last training pass of some modules; it costs nothing until it is told to look.

    What it keeps are copies: what follows may change an output in place.
    """

    def __init__(self) -> None:
        self._handles: dict[nn.Module, Any] = {}
        self._seen: dict[nn.Module, Seen] = {}
        self.begun = -1  # the step at which it last began to look at something more

    def look(self, module: nn.Module, step: int) -> None:
        """Keep the passes of `module` from now on, as long as `forget` is not called."""
        if module not in self._handles:
            self._handles[module] = module.register_forward_hook(self._hear)
            self.begun = step
            self._seen.clear()  # what is answered is of one step

    def is_looking(self, module: nn.Module) -> bool:
        """True if its next pass will be kept."""
        return module in self._handles

    def seen(self, module: nn.Module) -> Seen | None:
        """Its last pass, None if none was seen."""
        return self._seen.get(module)

    def forget(self) -> None:
        """Take the hooks away, and let go of what was seen."""
        for handle in self._handles.values():
            handle.remove()
        self._handles.clear()
        self._seen.clear()

    def _hear(self, module: nn.Module, inputs: tuple[Any, ...], out: Any) -> None:
        if not torch.is_grad_enabled():  # a validation, or somebody predicts
            return
        try:
            self._seen.pop(module, None)
            held = sum(_size(seen.inputs, seen.out) for seen in self._seen.values())
            if held + _size(inputs, out) <= LARGEST:
                with torch.no_grad():
                    self._seen[module] = Seen([_copied(one) for one in inputs], _copied(out))
        except Exception:  # memory ran out, say: the training goes on, and the question stays open
            self._seen.pop(module, None)


def _size(*values: Any) -> int:
    return sum(leaf.numel() for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


def _copied(value: Any) -> Any:
    return tree_map(lambda leaf: leaf.detach().clone() if isinstance(leaf, Tensor) else None, value)
