"""Updates: what blocks do after an optimiser changed their parameters, and moving averages of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim.swa_utils import get_ema_multi_avg_fn

from akidlab.errors import BlockError

if TYPE_CHECKING:
    from akidlab.blocks.block import Block

SUFFIX = "_average"


class Updates:
    """What a block offers around updates of its parameters."""

    call_on_update: bool
    _decay: float | None
    _is_averaged: bool

    @property
    def moving_average_decay(self) -> float | None:
        """How much of a moving average stays at an update; None where none is kept."""
        return self._decay

    def on_para_update(self) -> None:
        """Tell the blocks that want to know, this one and those within, that parameters were updated.

        A Kid calls it after each step of its optimiser; call it yourself in a loop of your own.
        """
        tell(asking(cast("Block", self)))

    def _on_para_update(self) -> None:
        """What this block does after an update, without gradients; called where it asked to be."""

    def _asks(self) -> bool:
        """True if an update is of interest to this block."""
        return self.call_on_update or self._decay is not None

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this `with`, parameters hold their moving averages; those without keep their values.

        A Kid validates and predicts within it.

        Example:
            >>> ip = InnerProductLayer(out_channel_num=1, moving_average_decay=0.5).setup(torch.zeros(1, 1))
            >>> with torch.no_grad():
            ...     _ = ip.weight_average.fill_(3), ip.weight.fill_(1)
            >>> with ip.averaged():
            ...     ip.weight.item()
            3.0
            >>> ip.weight.item()
            1.0
        """
        modules = cast("Block", self).modules()
        blocks = [
            b for b in modules if isinstance(b, Updates) and b._decay is not None and not b._is_averaged
        ]
        pairs = averages(blocks)
        _swap(pairs, blocks, averaged=True)
        try:
            yield
        finally:
            _swap(pairs, blocks, averaged=False)

    # -- moving averages: buffers beside the parameters

    def _take_decay(self, decay: float | None) -> None:
        """Take over the decay of the system around, where none was given."""
        for block in cast("Block", self).modules():
            if isinstance(block, Updates) and block._decay is None:
                block._decay = decay

    def _start_averages(self) -> None:
        """Make the buffers that are missing; averages begin at what the parameters hold."""
        block = cast("Block", self)
        for name, parameter in own(block).items() if self._decay is not None else ():
            average = block._buffers.get(name + SUFFIX)
            if average is None or average.shape != parameter.shape:
                block.register_buffer(name + SUFFIX, parameter.detach().clone())

    def _begin_loaded_averages(self, state: dict[str, Tensor], prefix: str) -> None:
        """Let averages begin at loaded parameters where `state` was saved without averages."""
        if self._decay is not None:
            self._start_averages()
            for name in own(cast("Block", self)):
                if prefix + name in state:
                    state.setdefault(prefix + name + SUFFIX, state[prefix + name])


def checked_decay(decay: float | None, name: str) -> float | None:
    """A decay of moving averages, or None.

    Raises:
        BlockError: if it is no number from 0.5 to 1, 1 left out.
    """
    if decay is not None and (not isinstance(decay, (int, float)) or not 0.5 <= decay < 1):
        raise BlockError(
            f"`moving_average_decay` of `{name}` is a number of 0.5 or more and below 1, found {decay!r}."
        )
    return decay


def asking(block: Block) -> list[Updates]:
    """The blocks, `block` and those within, that want to know of updates."""
    return [module for module in block.modules() if isinstance(module, Updates) and module._asks()]


@torch.no_grad()
def tell(blocks: Iterable[Updates]) -> None:
    """Tell these blocks that parameters were updated, then move averages on."""
    blocks = list(blocks)
    for block in blocks:
        block._on_para_update()
    together: dict[float, tuple[list[Tensor], list[Tensor]]] = {}
    for average, parameter, decay in averages(blocks):
        moved, aims = together.setdefault(decay, ([], []))
        moved.append(average)
        aims.append(parameter)
    for decay, (moved, aims) in together.items():
        get_ema_multi_avg_fn(decay)(moved, aims, 0)


def averages(blocks: Iterable[Updates]) -> list[tuple[Tensor, Parameter, float]]:
    """The averages of these blocks, each with its parameter and decay; shared ones once."""
    found: dict[int, tuple[Tensor, Parameter, float]] = {}
    for block in blocks:
        if block._decay is not None:
            block._start_averages()
            for name, parameter in own(cast("Block", block)).items():
                average = cast("Block", block)._buffers[name + SUFFIX]
                assert average is not None
                found[id(parameter)] = (average, parameter, block._decay)
    return list(found.values())


def own(module: Module, prefix: str = "") -> dict[str, Parameter]:
    """The parameters of a block without those of blocks within, by a name that suits a buffer."""
    found = {prefix + name: p for name, p in module._parameters.items() if p is not None}
    for name, child in module._modules.items():
        if child is not None and not isinstance(child, Updates):
            found |= own(child, f"{prefix}{name}_")
    return found


def _swap(pairs: list[tuple[Tensor, Parameter, float]], blocks: Iterable[Updates], *, averaged: bool) -> None:
    for average, parameter, _ in pairs:
        average.data, parameter.data = parameter.data, average.data
    for block in blocks:
        block._is_averaged = averaged
