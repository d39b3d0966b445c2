"""FeedSensor: batches from a source whose samples fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch

from akidlab.errors import DataError
from akidlab.sensors.order import order, share
from akidlab.sensors.sensor import Sensor, count

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Self

    from akidlab.sensors.sensor import Batch
    from akidlab.sources import Source


class FeedSensor(Sensor):
    """Batches from a source whose samples fit in memory, shuffled anew every epoch.

    `batch_size` counts the samples of a step over *all* ranks, each of which takes its slice: the same cell
    draws the same curve on any number of ranks. An epoch shows every sample once; its order depends on the
    seed and the epoch alone.

    Args:
        source_in: where the samples come from.
        batch_size: samples in a training step, over all ranks.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        seed: what the order of the samples is drawn from.
        shuffle: False to keep the order of the source.
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
        source_in: Source,
        batch_size: int = 100,
        val_batch_size: int = 100,
        test_batch_size: int | None = None,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(source_in, val_batch_size, test_batch_size, name=name)
        self.batch_size = count("batch_size", batch_size)
        self.seed = count("seed", seed, least=0)
        self.shuffle, self.drop_last = shuffle, drop_last
        self._epoch = self._index = 0
        self._restored = False

    def setup(self) -> None:
        """Read the source, so that an error shows before training starts; a second time does nothing."""
        if self._train:
            return
        self._train = self._part("train")
        self._length = len(self._train[0])
        if self.num_batches_per_epoch == 0:
            raise DataError(
                f"`batch_size` is {self.batch_size} and `drop_last` leaves short batches out, but there are "
                f"only {self._length} samples: no batch is left. Make `batch_size` smaller."
            )

    def next(self) -> Batch:
        """This rank's share of the next batch, without end: after an epoch comes the next, shuffled anew."""
        rows = self._order
        if rows is None:
            rows = self._start_epoch()
        first = self._index
        last = min(first + self.batch_size, self._length)
        self._index = last
        if self._length - last < self._shortest:
            self._end_epoch()
        if self.size > 1:
            first, last = self._share(first, last)
        rows = rows[first:last]
        self._last = batch = [tensor.index_select(0, rows) for tensor in self._train]
        return batch

    def batch(self, k: int | None = None) -> Batch:
        """This rank's share of batch `k` of this epoch, by default of the next one; nothing moves on.

        Raises:
            DataError: if an epoch has no such batch.
        """
        rows = self._start_epoch() if self._order is None else self._order
        if k is not None and not 0 <= k < self.num_batches_per_epoch:
            raise DataError(f"There is no batch {k}: an epoch has {self.num_batches_per_epoch}, from 0 on.")
        first = self._index if k is None else k * self.batch_size
        first, last = share(first, min(first + self.batch_size, self._length), self.rank, self.size)
        return [tensor.index_select(0, rows[first : max(last, first + 1)]) for tensor in self._train]

    def __iter__(self) -> Iterator[Batch]:
        """One epoch from its start; the rest of one that was restored from a checkpoint."""
        if self._index and not self._restored:
            self._end_epoch()
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
        self._order, self._last, self._restored = None, None, True

    def _start_epoch(self) -> Tensor:
        self.setup()
        rows = order(self._length, self.seed, self._epoch) if self.shuffle else torch.arange(self._length)
        self._order = rows = rows if self.device is None else rows.to(self.device)
        self._shortest = self.batch_size if self.drop_last else 1
        return rows

    def _end_epoch(self) -> None:
        self._epoch, self._index, self._order = self._epoch + 1, 0, None
        self._restored = False

    def _share(self, first: int, last: int) -> tuple[int, int]:
        """This rank's slice; one sample that counts for nothing where a short batch has none for it."""
        mine, end = share(first, last, self.rank, self.size)
        self.weight = (end - mine) * self.size / (last - first)
        return mine, max(end, mine + 1)

    def _facts(self) -> dict[str, object]:
        how = f"shuffled by seed {self.seed}" if self.shuffle else "in the order of the source"
        facts: dict[str, object] = {
            "source": repr(self.source),
            "batches": f"{self.num_batches_per_epoch} of {self.batch_size} samples, {how}",
            "position": f"epoch {self._epoch}, sample {self._index}",
        }
        return facts | ({"rank": f"{self.rank} of {self.size}"} if self.size > 1 else {})

    def _forget(self) -> None:
        super()._forget()
        self._train: tuple[Tensor, ...] = ()
        self._order: Tensor | None = None
        self._length, self._shortest = 0, 1

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_train": (), "_order": None}
