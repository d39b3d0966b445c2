"""Maker: makes batches, out of a source and by jokers, from their spans alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING

import torch

from akidlab.errors import DataError
from akidlab.jokers import Draw, JokerSystem
from akidlab.sensors.orders import rows
from akidlab.sensors.span import MODES

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.sensors.orders import Order
    from akidlab.sensors.span import Span
    from akidlab.sources import Source

    Batch = list[Tensor]


class Maker:
    """Makes batches, out of a source and by jokers: the same from the same span, in any thread or process.

    Args:
        source: where the samples come from.
        jokers: who plays with them, for each mode.
        sampler: in which order the training samples come, as `rows` understands it.
    """

    def __init__(
        self, source: Source, jokers: Mapping[str, JokerSystem], sampler: str | Order = "shuffle"
    ) -> None:
        self.source, self.in_memory = source, source.in_memory
        self.jokers, self.sampler = dict(jokers), sampler
        self.device: torch.device | str | None = None
        self.forget()

    def __call__(self, span: Span) -> Batch:
        """The batch of a span, of a part that is there."""
        return self.play(span, self.fetch(span))

    def fetch(self, span: Span) -> Batch:
        """The samples of a span as the source has them, on the device of this maker."""
        ordered = span.mode != "train"
        if self.in_memory:
            tensors = self.part(span.mode)
            if ordered:
                return [tensor[span.first : span.last] for tensor in tensors]
            mine = self.order(span, len(tensors[0]))[span.first : span.last]
            return [tensor.index_select(0, mine) for tensor in tensors]
        if ordered:
            mine = torch.arange(span.first, span.last)
        else:
            mine = self.order(span, self.source.size("train"))[span.first : span.last]
        batch = self.source.fetch(span.mode, mine, span.epoch)
        return [tensor if self.device is None else tensor.to(self.device) for tensor in batch]

    def play(self, span: Span, batch: Batch) -> Batch:
        """What the jokers make of a batch."""
        jokers = self.jokers[span.mode]
        if not jokers.jokers:
            return batch
        path = (span.seed, MODES.index(span.mode), span.epoch)
        return jokers.play(batch, Draw(path, span.first, span.last, span.batch))

    def size(self, mode: str) -> int:
        """How many samples there are.

        Raises:
            DataError: if there is no such part.
        """
        if self.in_memory:
            return len(self.part(mode)[0])
        size = self.source.size(mode)
        if not size:
            raise _without(self.source, mode)
        return size

    def part(self, mode: str) -> tuple[Tensor, ...]:
        """A part of a source in memory, on the device of this maker.

        Raises:
            DataError: if there is none.
        """
        if mode not in self._parts:
            part = self.source.part(mode)
            if part is None:
                raise _without(self.source, mode)
            move = self.device is not None
            self._parts[mode] = tuple(tensor.to(self.device) for tensor in part) if move else part
        return self._parts[mode]

    def order(self, span: Span, length: int) -> Tensor:
        """The order of the training samples in the epoch of a span."""
        asked = (span.seed, span.epoch, length)
        held, found = self._order
        if held != asked:
            found = rows(self.sampler, length, span.seed, span.epoch)
            found = found if self.device is None or not self.in_memory else found.to(self.device)
            self._order = asked, found
        assert found is not None
        return found

    def hold(self, mode: str, tensors: Sequence[Tensor]) -> None:
        """Take these for a part."""
        self._parts[mode] = tuple(tensors)

    def travelling(self, with_source: bool) -> Maker:
        """One for another process, which takes batches to no device; without a source it is given parts."""
        other = copy(self)
        other.device = None
        other.forget()
        if not with_source:
            del other.source
        return other

    def forget(self) -> None:
        """Let go of the samples: they are read again when needed."""
        self._parts: dict[str, tuple[Tensor, ...]] = {}
        self._order: tuple[tuple[int, int, int], Tensor | None] = ((-1, -1, -1), None)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_parts": {}, "_order": ((-1, -1, -1), None)}


def _without(source: Source, mode: str) -> DataError:
    return DataError(
        f"The source `{source.name}` has no `{mode}` part. Give it one, or do without "
        f"(`Kid(..., skip_validation=True)`)."
    )
