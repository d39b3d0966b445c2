"""Torch modules as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, is_lazy

from akidlab.blocks.block import Block
from akidlab.blocks.kind import like
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import AkidlabError, BlockError

if TYPE_CHECKING:
    from typing_extensions import Self


class TorchLayer(Block):
    """Any torch module as a block: it is trained, saved, moved and switched with the rest of a brain.

    Several inputs become several arguments; a tuple that the module returns becomes a list. Weights are
    those that the module has, whatever seed is used. What is lazy in it (`torch.nn.LazyLinear`) is made at
    set-up, in a copy, so that the sizes of another input can be inferred anew; `layer.module` is the one
    that learns.

    Args:
        module: the torch module.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if it is not one, or is a block already.

    Example:
        >>> layer = TorchLayer(torch.nn.Sequential(torch.nn.LazyLinear(4), torch.nn.ReLU()), name="wrapped")
        >>> layer(torch.zeros(2, 3)).shape, [name for name, _ in layer.named_parameters()]
        (torch.Size([2, 4]), ['module.0.weight', 'module.0.bias'])
    """

    NAME = "torch"
    module: nn.Module

    def __init__(self, module: nn.Module, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(module, Block):
            raise BlockError(f"`{module.name}` is a block already: attach it as it is.")
        if not isinstance(module, nn.Module):
            hint = (
                "Make one of it first" if isinstance(module, type) else "A function fits into forward of one"
            )
            raise BlockError(f"`{self.name}` wraps a torch module, found {module!r}. {hint}.")
        self.module = module

    def forward(self, signal: Signal) -> Signal:
        value = self.module(*signal) if type(signal) is list else self.module(signal)
        return value if isinstance(value, Tensor) else self._listed(value)

    def _listed(self, value: Any) -> Signal:
        if isinstance(value, (list, tuple)):
            return [part if isinstance(part, Tensor) else self._listed(part) for part in value]
        raise BlockError(
            f"`{self.name}` wants a module that returns tensors, found {type(value).__name__}. Wrap "
            f"{type(self.module).__name__} in a module of your own that returns the tensor you need."
        )

    # -- set-up

    def _prepare(self, signal: Signal, seed: Seed) -> Signal:
        try:
            with _kept(self.module):
                return super()._prepare(signal, seed)
        except (AkidlabError, torch.OutOfMemoryError):
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            raise BlockError(
                f"`{self.name}` could not run {type(self.module).__name__} on an input of {found(signal)}: "
                f"{error}"
            ) from error

    def _setup(self, signal: Signal, seed: Seed) -> None:
        if not any(is_lazy(tensor) for tensor in (*self.module.parameters(), *self.module.buffers())):
            return
        if signal is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: its module is lazy. "
                "Call `setup` with an example input."
            )
        kind = like(signal)
        made = deepcopy(self.module, _new_buffers(self.module)).to(**kind)
        on_gpu = "device" in kind and kind["device"].type == "cuda"
        with torch.random.fork_rng(devices=[kind["device"]] if on_gpu else []):
            torch.manual_seed(seed.generator("module").initial_seed())
            made(*signal) if isinstance(signal, list) else made(signal)
        self.module = made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copy = memo[id(self)] = type(self).__new__(type(self))
        lazy = [] if self._made is None else self._made.registers["_modules"].values()
        for module in (self.module, *lazy):
            memo |= _new_buffers(module) if module is not None else {}
        copy.__setstate__(deepcopy(self.__getstate__(), memo))
        return copy

    def extra_repr(self) -> str:
        kind = type(self.module).__name__
        return kind if next(self.module.children(), None) else f"{kind}({self.module.extra_repr()})"


def _new_buffers(module: nn.Module) -> dict[int, Any]:
    """What lazy buffers become in a copy: torch copies lazy parameters, but no lazy buffers."""
    lazy = [buffer for buffer in module.buffers() if is_lazy(buffer)]
    return {id(b): UninitializedBuffer(device=b.device, dtype=b.dtype) for b in lazy}  # type: ignore[call-arg]


@contextmanager
def _kept(module: nn.Module) -> Iterator[None]:
    """A pass that leaves the buffers of a module as they were, even those that count in any mode."""
    before = [
        (owner, name, buffer, buffer.clone())
        for owner in module.modules()
        for name, buffer in owner._buffers.items()
        if buffer is not None and not is_lazy(buffer)
    ]
    try:
        yield
    finally:
        for owner, name, buffer, value in before:
            owner._buffers[name] = buffer.copy_(value)
