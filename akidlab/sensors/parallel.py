"""ParallelSensor: batches that processes make ahead of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from akidlab.sensors.memory import layout
from akidlab.sensors.prefetch import PrefetchSensor
from akidlab.sensors.sensor import count
from akidlab.sensors.workers import Workers

if TYPE_CHECKING:
    from akidlab.sensors.maker import Batch
    from akidlab.sensors.span import Span
    from akidlab.sources import Source
    from akidlab.sources.meant import Samples


class ParallelSensor(PrefetchSensor):
    """Batches that processes make ahead of time, while the brain learns from those before.

    It suits samples that are decoded or changed at length, by Python or on more than one core. The batches
    are those of `FeedSensor`, one for one and in the same order, however many workers there are. An error of
    the source or of a joker is raised where the batch is asked for, with the traceback of the worker; so is
    the end of a worker that was killed. After an error it starts afresh with the batch that was asked for.

    Sources and jokers travel to the workers, those that were written in a notebook, too. Workers ignore
    interrupts and end with their sensor, or with the process that it lives in, however that ends.

    Args:
        source_in: where the samples come from: a source, arrays `(x, y)`, or a torch `Dataset`.
        batch_size: samples in a training step, over all ranks.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        num_workers: how many processes.
        queue_size: how many batches each of them makes ahead, at most.
        timeout: seconds to wait for a batch before that is an error; None for ever.
        options: `seed`, `shuffle`, `sampler`, `drop_last`, `name`, as for `FeedSensor`.

    Raises:
        DataError: if a size is not a positive whole number or, when a batch is asked for, if the source or a
            joker cannot be pickled.
        WorkerError: when a batch is asked for, if a worker failed, died or hangs.

    Example:
        >>> from akidlab import DigitsSource
        >>> with ParallelSensor(DigitsSource(), batch_size=64, num_workers=1) as sensor:
        ...     x, y = sensor.next()
        >>> tuple(x.shape)
        (64, 1, 8, 8)
    """

    def __init__(
        self,
        source_in: Source | Samples,
        batch_size: int = 100,
        val_batch_size: int = 100,
        test_batch_size: int | None = None,
        *,
        num_workers: int = 4,
        queue_size: int = 2,
        **options: Any,
    ) -> None:
        super().__init__(
            source_in, batch_size, val_batch_size, test_batch_size, queue_size=queue_size, **options
        )
        self.num_workers = count("num_workers", num_workers)

    @property
    def _depth(self) -> int:
        return self.queue_size * self.num_workers

    def _hire(self) -> Workers:
        """Start the workers, with room for batches like the one that is going to come."""
        batch, maker = self.batch(), self._maker
        samples = max(1, len(batch[0]))
        largest = max(samples, -(-self.batch_size // self.size), self.val_batch_size, self.test_batch_size)
        room = (layout(batch)[1] * largest // samples // 4096 + 2) * 4096
        parts = [tensor.cpu() for tensor in maker.part("train")] if maker.in_memory else ()
        return Workers(
            maker,
            self.num_workers,
            room=room,
            slots=2 * self._depth,  # a validation may come in between
            parts=parts,
            timeout=self.timeout,
        )

    def _made(self, spans: Iterator[Span]) -> Iterator[Batch]:
        # where validation samples are in memory, slices of them are had faster than through a process
        return map(self._maker, spans) if self._maker.in_memory else super()._made(spans)
