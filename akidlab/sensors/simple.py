"""SimpleSensor: batches that one thread makes ahead of time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

from akidlab.errors import WorkerError
from akidlab.sensors.prefetch import PrefetchSensor

if TYPE_CHECKING:
    from akidlab.sensors.maker import Batch, Maker
    from akidlab.sensors.span import Span


class SimpleSensor(PrefetchSensor):
    """Batches that one thread makes ahead of time, while the brain learns from the one before.

    It suits samples that are read from a disk, or decoded: reading and decoding leave Python free. The
    batches are those of `FeedSensor`, one for one. An error of the source or of a joker is raised where the
    batch is asked for, with its own traceback.

    Args:
        source_in: where the samples come from: a source, arrays `(x, y)`, or a torch `Dataset`.
        batch_size: samples in a training step, over all ranks.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        queue_size: how many batches are made ahead, at most.
        timeout: seconds to wait for a batch before that is an error; None for ever.
        options: `seed`, `shuffle`, `sampler`, `drop_last`, `name`, as for `FeedSensor`.

    Raises:
        DataError: if a size is not a positive whole number.
        WorkerError: when a batch is asked for, if none comes in time.

    Example:
        >>> from akidlab import DigitsSource
        >>> with SimpleSensor(DigitsSource(), batch_size=64) as sensor:
        ...     x, y = sensor.next()
        >>> tuple(x.shape)
        (64, 1, 8, 8)
    """

    def _hire(self) -> Thread:
        return Thread(self._maker, self.timeout)


class Thread:
    """One thread that makes batches, one after another.

    Args:
        maker: how they are made.
        timeout: seconds to wait for one at most; None for ever.
    """

    def __init__(self, maker: Maker, timeout: float | None) -> None:
        self.maker, self.timeout = maker, timeout
        self.closed = False
        self._pool = ThreadPoolExecutor(1, "akidlab-sensor")

    def submit(self, span: Span) -> tuple[Span, bool, Future[Batch]]:
        # one that draws from the global generator plays where the brain draws, or nothing could be repeated
        whole = self.maker.jokers[span.mode].is_thread_safe
        return span, whole, self._pool.submit(self.maker if whole else self.maker.fetch, span)

    def result(self, ticket: tuple[Span, bool, Future[Batch]]) -> Batch:
        span, whole, future = ticket
        try:
            batch = future.result(self.timeout)
        except FutureTimeout:
            if future.done():  # the source itself ran out of time
                raise
            self.close()  # that thread is lost, the next one may do better
            raise WorkerError(
                f"No batch came within {self.timeout:g} s (samples {span.first} to {span.last - 1} of "
                f"`{span.mode}`). The source `{self.maker.source.name}` or a joker hangs, or is slow: give "
                f"the sensor a longer `timeout`."
            ) from None
        return batch if whole else self.maker.play(span, batch)

    def drop(self, ticket: tuple[Span, bool, Future[Batch]]) -> None:
        ticket[2].cancel()

    def close(self) -> None:
        self.closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
