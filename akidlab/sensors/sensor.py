"""Sensor: hands the samples of a source to a brain, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

from akidlab.errors import DataError, unknown
from akidlab.jokers import JokerSystem
from akidlab.options import Options
from akidlab.sensors.maker import Maker
from akidlab.sensors.order import share
from akidlab.sensors.span import MODES, Span
from akidlab.sources import Source

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import Tensor
    from typing_extensions import Self

    from akidlab.jokers import Joker
    from akidlab.sources.meant import Samples

    Batch = list[Tensor]


class Sensor(Options, ABC):
    """Hands the samples of a source to a brain, batch by batch, on one or many ranks.

    Jokers that are attached change the samples on their way: `training_jokers` those of training,
    `val_jokers` those of validation and test. What they draw for a sample depends on the seed, the epoch and
    the place of the sample alone, so that any number of ranks, threads and processes sees the same.

    How the training batches come is left to the qualified sensors; validation and test samples come in the
    order of the source, each once over all ranks.

    Args:
        source_in: where the samples come from: a source, arrays `(x, y)`, or a torch `Dataset`.
        val_batch_size: samples in a validation step, on one rank.
        test_batch_size: samples in a test step, on one rank; `val_batch_size` by default.
        name: what to call it.

    Raises:
        DataError: if a batch size is not a positive whole number.
    """

    NAME = "data"

    def __init__(
        self,
        source_in: Source | Samples,
        val_batch_size: int = 100,
        test_batch_size: int | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.source = source = Source.of(source_in)
        self.name = name or self.NAME
        self.val_batch_size = count("val_batch_size", val_batch_size)
        self.test_batch_size = count(
            "test_batch_size", val_batch_size if test_batch_size is None else test_batch_size
        )
        self.training_jokers, self.val_jokers = JokerSystem(), JokerSystem()
        self.seed = 0
        self.rank, self.size = 0, 1
        #: By how much the last batch counts in the mean of the ranks' gradients: 1 where slices are equal.
        self.weight = 1.0
        jokers = {"train": self.training_jokers, "val": self.val_jokers, "test": self.val_jokers}
        self._maker = Maker(source, jokers)
        self._last: Batch | None = None
        self.mode = "train"
        self._passing: Iterator[Batch] = iter(())

    # What a qualified sensor brings.

    @abstractmethod
    def setup(self) -> None:
        """Read the source, so that an error shows before training starts; a second time does nothing."""

    @abstractmethod
    def next(self) -> Batch:
        """This rank's share of the next batch, without end."""

    @abstractmethod
    def batch(self, k: int | None = None) -> Batch:
        """This rank's share of batch `k` of this epoch, by default of the next one; nothing moves on."""

    @property
    @abstractmethod
    def num_batches_per_epoch(self) -> int:
        """How many batches make an epoch."""

    @abstractmethod
    def state_dict(self) -> dict[str, int]:
        """Where it stands, for a checkpoint."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from where `state` stood."""

    @abstractmethod
    def _facts(self) -> dict[str, object]:
        """What its representations say."""

    # What all sensors can.

    def attach(self, joker: Joker, to_val: bool = False) -> Self:
        """Let `joker` change the samples of training, after those that are there; gives itself.

        Args:
            joker: who plays.
            to_val: True to change the samples of validation and test, and not those of training. What both
                need (`NormalizeJoker`, say) is attached twice: `sensor.attach(j).attach(j, to_val=True)`.

        Raises:
            DataError: if it is not a joker.
        """
        (self.val_jokers if to_val else self.training_jokers).attach(joker)
        self.teardown()
        self._last = None
        return self

    def validation_batches(self) -> Iterator[Batch]:
        """This rank's share of the validation samples, each sample once over all ranks.

        Raises:
            DataError: if the source has no validation part.
        """
        return self._pass_of("val")

    def test_batches(self) -> Iterator[Batch]:
        """This rank's share of the test samples, each sample once over all ranks.

        Raises:
            DataError: if the source has no test part.
        """
        return self._pass_of("test")

    def shard(self, rank: int, size: int) -> Self:
        """Take the share of `rank` from now on; gives itself.

        Raises:
            DataError: if there is no such rank.
        """
        if not 0 <= rank < size:
            raise DataError(f"There is no rank {rank} of {size}: ranks count from 0 to {size - 1}.")
        self.rank, self.size, self.weight = rank, size, 1.0
        return self

    def to(self, device: torch.device | str) -> Self:
        """Keep the samples on `device` from now on; gives itself."""
        self._forget()
        self._maker.device = device
        return self

    @property
    def device(self) -> torch.device | str | None:
        """Where the samples are; None where the source has them."""
        return self._maker.device

    def teardown(self) -> None:
        """End the threads and processes that it started, if any; they are started again when needed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.teardown()

    def data(self) -> Tensor:
        """The inputs of the last batch; of the one to come, if none was drawn yet."""
        return (self._last or self.batch())[0]

    def labels(self) -> Tensor:
        """The labels of the last batch; of the one to come, if none was drawn yet."""
        return (self._last or self.batch())[-1]

    def picture(self, number: int = 20, columns: int = 10) -> Image:
        """The images of the last batch, side by side; of the one to come, if none was drawn yet.

        Args:
            number: how many of them, at most.
            columns: how many in a row.

        Raises:
            DataError: if its samples are no images.
        """
        from akidlab.sensors.picture import picture

        return picture(self.data()[:number], columns)

    def forward(self) -> Batch:
        """akid's name of `next`: the next batch of its mode, without end."""
        if self.mode == "train":
            return self.next()
        batch = next(self._passing, None)
        if batch is None:
            self._passing = self._pass_of(self.mode)
            batch = next(self._passing)
        return batch

    def set_mode(self, mode: str) -> Self:
        """Let `forward` give batches of `train`, `val` or `test`, from the first one on; gives itself.

        A kid needs no mode: it asks for `next`, `validation_batches` and `test_batches`.

        Raises:
            UnknownNameError: if there is no such mode.
            DataError: if the source has no such part.
        """
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        passing = iter(()) if mode == "train" else self._pass_of(mode)
        self.mode, self._passing = mode, passing
        return self

    def __len__(self) -> int:
        return self.num_batches_per_epoch

    def __repr__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self._facts().items())
        return f"{type(self).__name__} {self.name!r}: {facts}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td style='text-align:left'>{escape(str(value))}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<b>{escape(self.name)}</b> <code>{type(self).__name__}</code><table>{rows}</table>"

    def _pass_of(self, mode: str) -> Iterator[Batch]:
        return self._pass(mode, self.val_batch_size if mode == "val" else self.test_batch_size)

    def _pass(self, mode: str, batch_size: int) -> Iterator[Batch]:
        first, last = share(0, self._maker.size(mode), self.rank, self.size)
        ends = ((i, min(i + batch_size, last)) for i in range(first, last, batch_size))
        return self._made(Span(self.seed, mode, 0, *both, both) for both in ends)

    def _made(self, spans: Iterator[Span]) -> Iterator[Batch]:
        """The batches of spans, one after another."""
        return map(self._maker, spans)

    def _forget(self) -> None:
        """Let go of the samples: they are read again when needed."""
        self.teardown()
        self._maker.forget()
        self._last = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_last": None, "mode": "train", "_passing": iter(())}


def count(name: str, value: int, least: int = 1) -> int:
    """`value`, if it is a whole number of `least` or more.

    Raises:
        DataError: if it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DataError(f"`{name}` must be a whole number of {least} or more, found {value!r}.")
    return value
