"""Retrieval: whatever a system holds, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor

from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from akidlab.blocks.block import Block
    from akidlab.blocks.system import System

OF_A_PASS = ("data", "data_g", "loss", "evals", "verbose_evals")
ALIASES = ("weights", "biases", "gamma", "beta")


class Retrieval:
    """What a system offers to be looked into."""

    def retrieve(self, name: str) -> Any:
        """A block, a parameter, a running statistic, or what a block emitted last, by name.

        Args:
            name: `conv1` for a block, `unit.conv1` within a system, `conv1.weight` (or akid's
                `conv1.weights`) for a parameter, `bn1.running_mean`, `conv1.data` for an activation,
                `loss.loss`, `loss.evals`.

        Raises:
            UnknownNameError: if there is none, with the nearest name that there is.
            BlockError: if it is of a pass, and none was made.

        Example:
            >>> brain = Brain().attach(InnerProductLayer(out_channel_num=3, name="ip"))
            >>> _ = brain(torch.zeros(2, 4))
            >>> brain.retrieve("ip.weight").shape, brain.retrieve("ip.data").shape
            (torch.Size([3, 4]), torch.Size([2, 3]))
        """
        block, rest = _walk(cast("System", self), str(name).split("."))
        key = ".".join(rest)
        if not key:
            return block
        if key in OF_A_PASS:
            value = getattr(block, key)
            if value is None:
                raise BlockError(f"`{block.name}` has no `{key}` yet, or none at all. Call the system first.")
            return value
        held = {**dict(block.named_parameters()), **dict(block.named_buffers())}
        if key in ALIASES and isinstance(value := getattr(block, key, None), Tensor):
            return value
        if key not in held:
            raise unknown("block, parameter or value", str(name), self.names())
        return held[key]

    def names(self) -> list[str]:
        """All that `retrieve` knows: the blocks, their parameters and statistics, and what they emitted."""
        return list(_names(cast("System", self)))


def _walk(system: System, parts: list[str]) -> tuple[Block, list[str]]:
    block: Block = system
    while parts and parts[0] in getattr(block, "_order", ()):
        block, parts = block._modules[parts[0]], parts[1:]  # type: ignore[assignment]
    return block, parts


def _names(system: System, prefix: str = "") -> Iterator[str]:
    for block in system.blocks:
        path = prefix + block.name
        yield path
        yield f"{path}.data"
        if hasattr(block, "blocks"):
            yield from _names(cast("System", block), f"{path}.")
        else:
            yield from (f"{path}.{name}" for name, _ in block.named_parameters())
            yield from (f"{path}.{name}" for name, _ in block.named_buffers())
