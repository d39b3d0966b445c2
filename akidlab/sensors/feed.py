"""FeedSensor: batches made where they are needed, when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.sensors.order import share
from akidlab.sensors.sensor import Sensor, count
from akidlab.sensors.span import Span

if TYPE_CHECKING:
    from typing_extensions import Self

    from akidlab.sensors.orders import Order
    from akidlab.sensors.sensor import Batch
    from akidlab.sources import Source
    from akidlab.sources.meant import Samples


#: No stretch of an epoch is at hand: rows, tensors and the last place that a batch may end at.
_SLOW: tuple[Tensor, tuple[Tensor, ...], int] = (torch.empty(0), (), -1)


class FeedSensor(Sensor):
    """Batches made where they are needed, when they are asked for, shuffled anew every epoch.

    It suits samples that fit in memory, where making a batch takes next to nothing. Where samples are read or
    changed at length, `SimpleSensor` and `ParallelSensor` make the same batches ahead of time.

    `batch_size` counts the samples of a step over *all* ranks, each of which takes its slice: the same cell
    draws the same curve on any number of ranks. An epoch shows every sample once; its order depends on the
    seed and the epoch alone.

    Args:
        source_in: where the samples come from: a source, arrays `(x, y)`, or a torch `Dataset`.
        batch_size: samples in a training step, over all ranks.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        seed: what the order of the samples is drawn from.
        shuffle: False to keep the order of the source.
        sampler: more about the order, in place of `shuffle`: `shuffle`, `sequence`, the name of a registered
            sampler, or a function of the number of samples, the seed and the epoch that gives the rows.
        drop_last: True to leave out the last batch of an epoch where it is short.
        name: what to call it.

    Raises:
        DataError: if a batch size is not a positive whole number, or the seed is negative.

    Example:
        >>> from akidlab import DigitsSource
        >>> sensor = FeedSensor(DigitsSource(), batch_size=64)
        >>> x, y = sensor.next()
        >>> tuple(x.shape), len(sensor)
        ((64, 1, 8, 8), 23)
    """

    def __init__(
        self,
        source_in: Source | Samples,
        batch_size: int = 100,
        val_batch_size: int = 100,
        test_batch_size: int | None = None,
        *,
        seed: int = 0,
        shuffle: bool = True,
        sampler: str | Order | None = None,
        drop_last: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(source_in, val_batch_size, test_batch_size, name=name)
        self.batch_size = count("batch_size", batch_size)
        self.seed = count("seed", seed, least=0)
        self.sampler = self._maker.sampler = sampler or ("shuffle" if shuffle else "sequence")
        self.drop_last = drop_last
        self._epoch = self._index = self._length = 0
        self._restored, self._quick = False, _SLOW

    def setup(self) -> None:
        """Read the source, so that an error shows before training starts; a second time does nothing."""
        if self._length:
            return
        self.source.setup()
        self._length = self._maker.size("train")
        if self.num_batches_per_epoch == 0:
            raise DataError(
                f"`batch_size` is {self.batch_size} and `drop_last` leaves short batches out, but there are "
                f"only {self._length} samples: no batch is left. Make `batch_size` smaller."
            )

    def next(self) -> Batch:
        """This rank's share of the next batch, without end: after an epoch comes the next, shuffled anew."""
        # The common case is spelled out: it runs at every step.
        rows, tensors, end = self._quick
        first = self._index
        last = first + self.batch_size
        if last > end or self.training_jokers.jokers:
            return self._next()
        self._index = last
        rows = rows[first:last]
        self._last = batch = [tensor.index_select(0, rows) for tensor in tensors]
        return batch

    def batch(self, k: int | None = None) -> Batch:
        """This rank's share of batch `k` of this epoch, by default of the next one; nothing moves on.

        Raises:
            DataError: if an epoch has no such batch.
        """
        if k is not None and not 0 <= k < self.num_batches_per_epoch:
            raise DataError(f"There is no batch {k}: an epoch has {self.num_batches_per_epoch}, from 0 on.")
        return self._maker(self._span(self._epoch, self._index if k is None else k * self.batch_size))

    def __iter__(self) -> Iterator[Batch]:
        """One epoch from its start; the rest of one that was restored from a checkpoint."""
        if self._index and not self._restored:
            self._epoch, self._index, self._quick = self._epoch + 1, 0, _SLOW
        epoch = self._epoch
        while self._epoch == epoch:
            yield self.next()

    def shard(self, rank: int, size: int) -> Self:
        """Take the slice of `rank` out of every batch from now on; gives itself.

        Raises:
            DataError: if there is no such rank, or not one sample for each.
        """
        if self.batch_size < size:
            raise DataError(
                f"`batch_size` is {self.batch_size}, too few for {size} ranks: it counts the samples of a "
                f"step over all ranks. Give at least {size}, better some dozens for each."
            )
        self._quick = _SLOW
        return super().shard(rank, size)

    @property
    def num_batches_per_epoch(self) -> int:
        """How many batches make an epoch."""
        length = self._length or self.source.num_train
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    @property
    def epoch(self) -> int:
        """How many whole epochs were drawn."""
        return self._epoch

    @property
    def position(self) -> tuple[int, int, int]:
        """Seed, epoch and samples drawn in it: the same on every rank, for any number of ranks."""
        return self.seed, self._epoch, self._index

    def state_dict(self) -> dict[str, int]:
        """Where it stands, for a checkpoint; `num_train` tells whether it fits the source."""
        self.setup()
        return {"seed": self.seed, "epoch": self._epoch, "index": self._index, "num_train": self._length}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from where `state` stood, whatever the number of ranks then and now.

        Raises:
            DataError: if the state belongs to a source of another size.
        """
        self.setup()
        if state["num_train"] != self._length:
            raise DataError(
                f"The checkpoint was made on {state['num_train']} samples, the source "
                f"`{self.source.name}` has {self._length}. Use the same source."
            )
        self.seed, self._epoch, self._index = state["seed"], state["epoch"], state["index"]
        self._last, self._quick, self._restored = None, _SLOW, True

    def _next(self) -> Batch:
        span = self._span(self._epoch, self._index)
        batch = self._take(span)  # if that fails nothing has moved on
        self._move_on(span)
        if self.size == 1 and self._maker.in_memory and type(self)._take is FeedSensor._take:
            rows, tensors = self._maker.order(span, self._length), self._maker.part("train")
            self._quick = (rows, tensors, self._length - self._shortest) if self._index else _SLOW
        self._last = batch
        return batch

    def _take(self, span: Span) -> Batch:
        """The next batch, however it is made."""
        return self._maker(span)

    @property
    def _shortest(self) -> int:
        """How many samples make a batch at least."""
        return self.batch_size if self.drop_last else 1

    def _span(self, epoch: int, index: int) -> Span:
        """The batch that begins at sample `index`, and this rank's share of it.

        That is one sample that counts for nothing where a short batch has none for this rank.
        """
        if not self._length:
            self.setup()
        last = min(index + self.batch_size, self._length)
        if self.size == 1:
            return Span(self.seed, "train", epoch, index, last, (index, last))
        mine, end = share(index, last, self.rank, self.size)
        return Span(self.seed, "train", epoch, mine, max(end, mine + 1), (index, last))

    def _after(self, span: Span) -> tuple[int, int]:
        """Epoch and index of the batch that comes after that of `span`."""
        last = span.batch[1]
        return (span.epoch + 1, 0) if self._length - last < self._shortest else (span.epoch, last)

    def _move_on(self, span: Span) -> None:
        self._epoch, self._index = self._after(span)
        if not self._index:
            self._restored = False
        if self.size > 1:
            first, last = span.batch
            mine, end = share(first, last, self.rank, self.size)
            self.weight = (end - mine) * self.size / (last - first)

    def _facts(self) -> dict[str, object]:
        hows = {"shuffle": f"shuffled by seed {self.seed}", "sequence": "in the order of the source"}
        named = (
            self.sampler if isinstance(self.sampler, str) else getattr(self.sampler, "__name__", "a sampler")
        )
        how = hows.get(named, f"in the order of `{named}`")
        facts: dict[str, object] = {
            "source": repr(self.source),
            "batches": f"{self.num_batches_per_epoch} of {self.batch_size} samples, {how}",
            "position": f"epoch {self._epoch}, sample {self._index}",
        }
        jokers = {
            name: f"{', '.join(map(repr, system))}"
            for name, system in (("jokers", self.training_jokers), ("validation jokers", self.val_jokers))
            if len(system)
        }
        return facts | jokers | ({"rank": f"{self.rank} of {self.size}"} if self.size > 1 else {})

    def _forget(self) -> None:
        super()._forget()
        self._length, self._quick = 0, _SLOW

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_length": 0, "_quick": _SLOW}
