"""Memory: layers that can hold on to the pattern of one pass and apply it to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from typing_extensions import Self

Pattern = tuple[Tensor, tuple[int, ...]]  # the pattern, and the shape of one sample that it was found in


class MemoryLayer(Block):
    """Remembers the pattern of each pass until it is held; then each pass uses what is remembered.

    With its patterns held, a network of linear and memory layers is linear in its input: that of the
    piece on which the remembered sample lies. A pattern of one sample is used for every sample of a batch.

    Args:
        keep_memory: hold the pattern of the first pass.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    def __init__(self, *args: Any, keep_memory: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = bool(keep_memory)
        self._pattern: list[Pattern | None] = [None]

    @property
    def memory(self) -> Tensor | None:
        """The pattern that is remembered; None before the first pass."""
        return None if self._pattern[0] is None else self._pattern[0][0]

    def set_state(self, state: bool) -> None:
        """Hold the pattern of the last pass (of the next one, where there was none), or let go of it."""
        self.state = bool(state)

    def _held(self, signal: Tensor) -> Tensor | None:
        """The pattern to use for `signal`; None where it makes its own."""
        if not self.state or self._pattern[0] is None:
            return None
        pattern, shape = self._pattern[0]
        if signal.shape[1:] != shape or pattern.shape[0] not in (1, signal.shape[0]):
            wanted = "×".join(map(str, ("N" if pattern.shape[0] == 1 else pattern.shape[0], *shape)))
            raise BlockError(
                f"`{self.name}` holds the pattern of an input of {wanted}, found {found(signal)}. "
                "Give as many samples of that shape, or let go of the pattern by `set_state(False)`."
            )
        if pattern.device != signal.device:  # it was loaded before the layer had been anywhere
            pattern = pattern.to(signal.device)
            self._pattern[0] = (pattern, shape)
        return pattern

    def _remember(self, pattern: Tensor, signal: Tensor) -> None:
        if not torch.compiler.is_exporting():
            self._pattern[0] = (pattern, tuple(signal.shape[1:]))

    def _prepare(self, signal: Signal, seed: Seed) -> Signal:
        before = self._pattern[0]
        try:
            return super()._prepare(signal, seed)
        finally:
            self._pattern[0] = before  # a trial pass leaves no trace

    # -- a held pattern goes where parameters go; one that is not held is an activation, and stays

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        if self._pattern[0] is not None:
            pattern, shape = self._pattern[0]
            self._pattern[0] = (fn(pattern), shape)
        return super()._apply(fn, recurse)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.state and self._pattern[0] is not None:
            pattern, shape = self._pattern[0]
            destination[prefix + "memory"] = pattern
            destination[prefix + "memory_shape"] = torch.tensor(shape, dtype=torch.int64)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        names = [prefix + "memory", prefix + "memory_shape"]
        super()._load_from_state_dict({k: v for k, v in state_dict.items() if k not in names}, prefix, *rest)
        self._pattern[0] = None
        if all(name in state_dict for name in names):
            pattern, shape = (state_dict[name] for name in names)
            self._pattern[0], self.state = (pattern.detach().clone(), tuple(shape.tolist())), True

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_pattern": [self._pattern[0] if self.state else None]}

    def extra_repr(self) -> str:
        return ", ".join(filter(None, [super().extra_repr(), "holds its pattern" if self.state else ""]))
