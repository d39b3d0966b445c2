"""Shaping: sets the blocks of a system up one after the other, each by what the ones before emit."""

from __future__ import annotations

from akidlab.blocks.feedback import started
from akidlab.blocks.plan import Plan, Step, lacks, missing, read, slots_of
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, batch_of, shape_of
from akidlab.errors import BlockError


def shape(plan: Plan, entry: Signal, seed: Seed) -> tuple[list[Signal], bool]:
    """Set up and try every block; feedbacks are guessed at until their shapes are known.

    Returns:
        The values of the trial pass, and whether every block is set up now. Blocks that read a part of
        the input that was not given (labels) are set up only where they need no shapes.

    Raises:
        BlockError: if shapes do not fit, or cannot be told.
    """
    if entry is None:
        for step in plan.steps:
            step.block._prepare(None, seed.child(step.block.name))
        return [None] * plan.size, True
    return _Sweeps(plan, entry, seed).done()


class _Sweeps:
    def __init__(self, plan: Plan, entry: Signal, seed: Seed) -> None:
        self.plan, self.seed = plan, seed
        self.values = plan.opened(entry)
        self.batch = batch_of(entry if isinstance(entry, list) else [entry])
        self.unknown = {delay.slot for delay in plan.delays}
        self.absent: set[int] = set()
        self.complete = True

    def done(self) -> tuple[list[Signal], bool]:
        # Each sweep makes at least one more feedback known, or there is nothing left to find out.
        while True:
            guessed = self.sweep()
            learned = self.learn()
            if not guessed and not learned:
                return self.values, self.complete
            if not learned and self.unknown:
                raise self.untold()

    def sweep(self) -> bool:
        guessed, self.absent, self.complete = False, set(), True
        unknown = set(self.unknown)
        for step in self.plan.steps:
            if lacks(step, self.values, self.absent):
                self.skip(step)
            elif unknown.intersection(slots_of(step)):
                guessed = True
                self.guess(step, unknown)
            else:
                unknown.discard(step.slot)
                self.values[step.slot] = self.prepare(step, self.read(step))
        return guessed

    def read(self, step: Step) -> Signal:
        try:
            return read(step, self.values)
        except IndexError as error:
            raise BlockError(missing(step, self.values)) from error

    def prepare(self, step: Step, signal: Signal) -> Signal:
        return step.block._prepare(signal, self.seed.child(step.block.name))

    def skip(self, step: Step) -> None:
        self.absent.add(step.slot)
        try:
            self.prepare(step, None)
        except BlockError:
            self.complete = False

    def guess(self, step: Step, unknown: set[int]) -> None:
        known = [None if slot in unknown else self.values[slot] for slot in slots_of(step)]
        value = step.block._guess(known, self.batch)
        self.values[step.slot] = value
        if value is None:
            unknown.add(step.slot)

    def learn(self) -> bool:
        learned = False
        for delay in self.plan.delays:
            if delay.slot not in self.unknown:
                continue
            value = started(delay, shape_of(self.values[delay.source]), self.values[0], self.batch)
            if value is not None:
                self.values[delay.slot] = value
                self.unknown.discard(delay.slot)
                learned = True
        return learned

    def untold(self) -> BlockError:
        delay = next(d for d in self.plan.delays if d.slot in self.unknown)
        return BlockError(
            f"The shape of the feedback from `{delay.wire.name}` to `{delay.reader.name}` cannot be told. "
            'Give the input an `init` shaped like one sample, such as "init": torch.zeros(32).'
        )
