"""PrefetchSensor: what sensors have in common whose batches are made ahead of time by others."""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from akidlab.options import check
from akidlab.sensors.ahead import Ahead
from akidlab.sensors.feed import FeedSensor
from akidlab.sensors.sensor import count

if TYPE_CHECKING:
    from akidlab.sensors.ahead import Hands
    from akidlab.sensors.maker import Batch
    from akidlab.sensors.span import Span
    from akidlab.sources import Source
    from akidlab.sources.meant import Samples


class PrefetchSensor(FeedSensor):
    """What sensors have in common whose batches are made ahead of time by others.

    The batches are those of `FeedSensor`, one for one. Whoever makes them is started with the first batch
    and ended by `teardown`, at the end of a `with`, or with the sensor.

    Args:
        source_in: where the samples come from: a source, arrays `(x, y)`, or a torch `Dataset`.
        batch_size: samples in a training step, over all ranks.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        queue_size: how many batches are made ahead, at most.
        timeout: seconds to wait for a batch before that is an error; None for ever.
        options: `seed`, `shuffle`, `sampler`, `drop_last`, `name`, as for `FeedSensor`.
    """

    def __init__(
        self,
        source_in: Source | Samples,
        batch_size: int = 100,
        val_batch_size: int = 100,
        test_batch_size: int | None = None,
        *,
        queue_size: int = 5,
        timeout: float | None = 300.0,
        **options: Any,
    ) -> None:
        check(PrefetchSensor, options)
        super().__init__(source_in, batch_size, val_batch_size, test_batch_size, **options)
        self.queue_size, self.timeout = count("queue_size", queue_size), timeout
        self._nobody()

    @abstractmethod
    def _hire(self) -> Hands:
        """Start whoever makes the batches."""

    @property
    def _depth(self) -> int:
        """How many batches are made ahead, at most."""
        return self.queue_size

    def teardown(self) -> None:
        """End the threads and processes that it started, if any; they are started again when needed."""
        ending = self._ending
        self._nobody()
        if ending is not None:
            ending()

    def _take(self, span: Span) -> Batch:
        ahead = self._ahead
        if ahead is None or ahead.next_span != span or ahead.hands.closed:
            if ahead is not None:
                ahead.drop()  # it was sent elsewhere
            self._ahead = ahead = Ahead(self._staff(), self._spans_from(span), self._depth)
        try:
            return ahead.take()
        except BaseException:
            ahead.drop()  # what was asked for stays asked for: begin with it again
            self._ahead = None
            raise

    def _made(self, spans: Iterator[Span]) -> Iterator[Batch]:
        yield from Ahead(self._staff(), spans, self._depth)

    def _spans_from(self, span: Span) -> Iterator[Span]:
        while True:
            yield span
            span = self._span(*self._after(span))

    def _staff(self) -> Hands:
        if self._hands is None or self._hands.closed:
            self._hands = self._hire()
            # not a method of the sensor, which would keep it alive
            self._ending = weakref.finalize(self, self._hands.close)
        return self._hands

    def _nobody(self) -> None:
        self._hands: Hands | None = None
        self._ahead: Ahead | None = None
        self._ending: weakref.finalize[..., Any] | None = None

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_hands": None, "_ahead": None, "_ending": None}
