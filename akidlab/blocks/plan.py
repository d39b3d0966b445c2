"""The plan: the wiring of a system compiled into flat steps, so that a pass looks up no names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.modules import module

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal
from akidlab.blocks.wiring import SYSTEM_IN, Wire
from akidlab.errors import BlockError, unknown

Several = tuple[tuple[int, tuple[int, ...]], ...]

# torch's hooks on every module; profilers use them.
EVERYWHERE = (
    module._global_forward_pre_hooks,
    module._global_forward_hooks,
    module._global_backward_pre_hooks,
    module._global_backward_hooks,
)


class Step(NamedTuple):
    """One block of a plan: where it reads, and where it writes. Slots are places in the list of values.

    Args:
        block: who is called.
        kept: the cell behind `block.data`.
        hooks: all that may want to hear of the call, akid's hooks and torch's; mostly empty.
        source: the slot it reads, where it reads one value.
        index: the element taken where that slot holds a list; None to take the list as it is.
        several: slots and elements, where it reads several values; else None.
        slot: where its value goes.
    """

    block: Block
    kept: list[Signal]
    hooks: tuple[Collection[object], ...]
    source: int
    index: int | None
    several: Several | None
    slot: int


class Delay(NamedTuple):
    """A slot that carries what `source` held one step ago."""

    slot: int
    source: int
    reader: Block
    wire: Wire


@dataclass
class Plan:
    """The steps of a system in the order in which they run; slot 0 is the input of the system."""

    steps: list[Step] = field(default_factory=list)
    constants: list[tuple[int, Block, int]] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    size: int = 1
    judges: list[Block] = field(default_factory=list)
    hooks: tuple[Collection[object], ...] = ()

    def opened(self, entry: Signal) -> list[Signal]:
        """The values at the start of a pass."""
        values: list[Signal] = [None] * self.size
        values[0] = entry
        for slot, block, number in self.constants:
            values[slot] = block._constant(number)
        return values

    def needed(self, target: Step) -> list[Step]:
        """The steps that `target` needs, itself among them; a feedback needs the block that feeds it."""
        owners = {step.slot: step for step in self.steps}
        behind = {delay.slot: delay.source for delay in self.delays}
        wanted, open_slots = set(), [target.slot]
        while open_slots:
            slot = open_slots.pop()
            slot = behind.get(slot, slot)
            if slot in owners and slot not in wanted:
                wanted.add(slot)
                open_slots.extend(slots_of(owners[slot]))
        return [step for step in self.steps if step.slot in wanted]


def hooks(block: Block) -> tuple[Collection[object], ...]:
    """All that may want to hear when `block` is called."""
    return (
        *block._hooks[2:],
        block._compiled,
        block._forward_pre_hooks,
        block._forward_hooks,
        block._backward_pre_hooks,
        block._backward_hooks,
    )


def sequential(blocks: Sequence[Block]) -> Plan:
    """Each block reads all that the one before emits."""
    steps = [
        Step(block, block._kept, hooks(block), at, None, None, at + 1) for at, block in enumerate(blocks)
    ]
    return Plan(steps, size=len(blocks) + 1)


def graph(blocks: Sequence[Block]) -> Plan:
    """Each block reads what its `inputs` name; without them, the first tensor of the block before.

    Raises:
        UnknownNameError: if an input names a block that is not there.
        BlockError: if an input cannot be delayed.
    """
    slots = {SYSTEM_IN: 0, **{block.name: at + 1 for at, block in enumerate(blocks)}}
    plan = Plan(size=len(blocks) + 1)
    for at, block in enumerate(blocks):
        reads = ((at, (0,)),)
        if block.inputs is not None:
            reads = tuple(_read(plan, slots, block, number, wire) for number, wire in enumerate(block.inputs))
        one = len(reads) == 1 and len(reads[0][1]) == 1
        source, index = (reads[0][0], reads[0][1][0]) if one else (-1, None)
        several = None if one else reads
        plan.steps.append(Step(block, block._kept, hooks(block), source, index, several, at + 1))
    return plan


def _read(
    plan: Plan, slots: dict[str, int], block: Block, number: int, wire: Wire
) -> tuple[int, tuple[int, ...]]:
    if wire.constant is not None:
        plan.constants.append((plan.size, block, number))
        plan.size += 1
        return plan.size - 1, (0,)
    if wire.name not in slots:
        raise _no_such(wire.name, block, list(slots))
    source = slots[wire.name]
    if wire.delay or source >= slots[block.name]:  # what comes later can only be read one step late
        plan.delays.append(Delay(plan.size, source, block, wire))
        plan.size += 1
        return plan.size - 1, wire.idxs
    return source, wire.idxs


def later(wire: Wire, at: int, names: Sequence[str]) -> bool:
    """True if the block at this place reads a later one, so that the wire is a feedback unasked."""
    return not wire.delay and wire.name in names and names.index(wire.name) >= at


def _no_such(name: str, block: Block, known: list[str]) -> Exception:
    error = unknown("block", name, [k for k in known if k != block.name])
    return type(error)(f"`inputs` of `{block.name}`: {error}")


def run(steps: Sequence[Step], values: list[Signal]) -> None:
    """Call the steps in order, each reading and writing `values`.

    Raises:
        BlockError: if a value is not there, or does not fit the block that reads it.
    """
    block: Block | None = None
    watched = any(EVERYWHERE)
    try:
        for block, kept, hooked, source, index, several, slot in steps:
            if several is None:
                signal = values[source]
                if type(signal) is list and index is not None:
                    signal = signal[index]
            else:
                signal = _gather(several, values)
            if any(hooked) or watched:
                values[slot] = block(signal)
            else:  # what torch's call does where nobody listens, without its detours
                kept[0] = values[slot] = block.forward(signal)
    except Exception as error:
        _explain(steps, block, values, error)
        raise


def trace(steps: Sequence[Step], values: list[Signal]) -> None:
    """What `run` does, in the words that `torch.compile` understands.

    Only losses are kept in `data`: what is kept must be written to memory, and could not be fused away.
    """
    for step in steps:
        value = values[step.slot] = step.block(read(step, values))
        if not torch.compiler.is_exporting():
            step.kept[0] = value if step.block._contributes() else None


def read(step: Step, values: list[Signal]) -> Signal:
    """What a step is given: one value as it is, several as a list."""
    if step.several is not None:
        return _gather(step.several, values)
    signal = values[step.source]
    return signal[step.index] if type(signal) is list and step.index is not None else signal


def _gather(several: Several, values: list[Signal]) -> list[Tensor]:
    signals = []
    for slot, idxs in several:
        value = values[slot]
        if type(value) is list:
            for index in idxs:  # a comprehension would cost more than it does
                signals.append(value[index])
        else:
            signals.append(value)
    return signals


def _explain(steps: Sequence[Step], block: Block | None, values: list[Signal], error: Exception) -> None:
    step = next((step for step in steps if step.block is block), None)
    if step is None:
        return
    try:
        signal = read(step, values)
    except IndexError:
        raise BlockError(missing(step, values)) from error
    step.block._explain(signal, error)


def missing(step: Step, values: Sequence[Signal]) -> str:
    """Says which element of which value a step looked for in vain."""
    reads = step.several or ((step.source, (step.index or 0,)),)
    slot, index, size = next(
        (slot, i, len(values[slot]))
        for slot, idxs in reads
        for i in idxs
        if type(values[slot]) is list and not -len(values[slot]) <= i < len(values[slot])
    )
    if slot:
        return f"`{step.block.name}` reads element {index} of a block that emits {size}. Correct its `idxs`."
    return (
        f"`{step.block.name}` reads element {index} of `{SYSTEM_IN}`, which was given {size}. Give all that "
        "the system reads, such as brain([x, y]); `brain.infer(x)` needs no labels."
    )


def lacks(step: Step, values: Sequence[Signal], absent: set[int]) -> bool:
    """True if a step reads a slot in `absent`, or an element of the system's input that was not given."""
    if absent.intersection(slots_of(step)):
        return True
    entry, reads = values[0], step.several or ((step.source, (step.index or 0,)),)
    return type(entry) is list and any(slot == 0 and max(idxs) >= len(entry) for slot, idxs in reads)


def slots_of(step: Step) -> list[int]:
    """The slots that a step reads."""
    return [step.source] if step.several is None else [slot for slot, _ in step.several]
