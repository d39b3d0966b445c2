"""Partial passes: some blocks run, the values of others are given or remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akidlab.blocks.block import Block
from akidlab.blocks.plan import Step, slots_of
from akidlab.blocks.signal import Signal
from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from akidlab.blocks.system import System


def part(
    system: System, entry: Signal, injected: dict[str, Signal], start: str | None, end: str | None
) -> tuple[list[Step], list[Signal]]:
    """The steps from `start` to `end` without the injected ones, and the values that they begin with.

    Raises:
        UnknownNameError: if a name is not that of a block.
        BlockError: if nothing is left to run, or a value is neither injected nor remembered.
    """
    plan, blocks = system.plan(), system.blocks
    steps = _between(system, injected, start, end)
    values = plan.opened(entry)
    for at, block in enumerate(blocks):
        if block.name in injected:
            values[at + 1] = _injected(block, injected[block.name])
    running = {step.slot for step in steps}
    for step in steps:
        for slot in slots_of(step):
            if 0 < slot <= len(blocks) and slot not in running and values[slot] is None:
                values[slot] = _remembered(blocks[slot - 1], step.block)
    return steps, values


def _between(system: System, injected: dict[str, Signal], start: str | None, end: str | None) -> list[Step]:
    names = [block.name for block in system.blocks]
    for name in (start, end, *injected):
        if name is not None and name not in names:
            raise unknown("block", str(name), names)
    first = names.index(start) if start else 0
    last = names.index(end) if end else len(names) - 1
    if first > last:
        raise BlockError(f"`{start}` runs after `{end}`: nothing lies between them.")
    steps = [step for step in system.plan().steps[first : last + 1] if step.block.name not in injected]
    if not steps:
        raise BlockError("Every block of that part is injected: nothing is left to run.")
    return steps


def _injected(block: Block, value: Signal) -> Signal:
    # akid's `[tensor]` stands for the tensor where the block emits no list.
    if not isinstance(value, (list, tuple)):
        return value
    return value[0] if len(value) == 1 and not isinstance(block.out_shape, list) else list(value)


def _remembered(block: Block, reader: Block) -> Signal:
    if block.data is None:
        raise BlockError(
            f"`{reader.name}` reads `{block.name}`, which does not run in this part and has no data yet. "
            f'Give injected_data={{"{block.name}": [tensor]}}.'
        )
    return block.data
