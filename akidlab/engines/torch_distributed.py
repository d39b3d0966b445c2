"""The engine of `torch.distributed`: what the Horovod engine does, where Horovod cannot be built."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from akidlab.engines import buckets
from akidlab.engines.joining import join, part
from akidlab.engines.ranks import RanksEngine
from akidlab.errors import LostRankError

T = TypeVar("T")

SHORT = 1024  # bytes: what is no longer travels in one message


class TorchEngine(RanksEngine):
    """Averages gradients over the ranks that the launcher `torch`, or `torchrun`, started; alone, it is one.

    Gradients, the loss and a flag are averaged after the backward pass: through shared memory where that is
    quicker, else large gradients each by itself, small ones in one bucket. Clipping and accumulation see
    averaged gradients. The flag tells every rank at the same step that some rank holds a command; only then
    are commands exchanged. Objects travel signed.

    Args:
        device: where this rank works; by default the GPU of its local rank, else the CPU.

    Raises:
        DispatchError: if this torch has no Gloo, or the other ranks are not found.

    Example:
        >>> TorchEngine(device="cpu")  # doctest: +SKIP
        TorchEngine(rank=0, size=1, device='cpu')
    """

    name = "torch"

    def __init__(self, *, device: torch.device | str | None = None) -> None:
        self.joined = join()
        self.rank, self.size = self.joined.rank, self.joined.size
        self._begun: list[Any] = []
        super().__init__(device=device)

    def setup(self, brain: nn.Module, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        tensors = [value for value in brain.state_dict().values() if isinstance(value, Tensor)]
        packed = buckets.pack(tensors)
        with self._together():
            for flat, _ in packed:
                dist.broadcast(flat.reshape(-1).view(torch.uint8), 0)
        buckets.unpack(packed)
        return optimizer

    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        if not values:
            return {}
        names = sorted(values)
        tensor = torch.tensor([float(values[name]) for name in names], dtype=torch.float64)
        with self._together():
            dist.all_reduce(tensor)
        return dict(zip(names, tensor.tolist(), strict=True))

    def any(self, *flags: bool) -> tuple[bool, ...]:
        raised = torch.tensor(flags, dtype=torch.int32)
        with self._together():
            dist.all_reduce(raised)
        return tuple(count > 0 for count in raised.tolist())

    def broadcast(self, value: T, root: int = 0) -> T:
        seal, place = self.joined.seal, b"%d:%d" % (self.joined.count, root)
        sealed = seal.close(value, place) if self.rank == root else b""
        length = torch.tensor([len(sealed)])
        with self._together():
            dist.broadcast(length, root)
            letter = _letter(sealed, int(length))
            dist.broadcast(letter, root)
        return value if self.rank == root else seal.open(letter.numpy().tobytes(), place)

    def gather(self, value: T) -> list[T]:
        seal, number = self.joined.seal, self.joined.count
        sealed = seal.close(value, b"%d:%d" % (number, self.rank))
        with self._together():
            letters = self._exchange(sealed)
        return [seal.open(letter, b"%d:%d" % (number, rank)) for rank, letter in enumerate(letters)]

    def barrier(self) -> None:
        with self._together():
            dist.all_reduce(torch.zeros(1))

    def settle(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        try:
            clean = all(self._arrives(work, end) for work in self._begun)
            clean = super().settle(end - time.monotonic()) and clean
            mine = torch.tensor([self.joined.count if clean else -1 - self.rank])
            counts = [torch.zeros_like(mine) for _ in range(self.size)]
            work = dist.all_gather(counts, mine, group=self.joined.settling, async_op=True)
            told = self._arrives(work, end)
            return told and len({int(count) for count in counts}) == 1 and clean
        except RuntimeError:  # one of them is gone
            return False

    def leave(self) -> None:
        super().leave()
        part()

    def _average(self, tensors: Sequence[Tensor]) -> None:
        with self._together():
            buckets.average(tensors, self.size, self._add_up)

    def _average_elsewhere(
        self, gradients: Sequence[Tensor], loss: Tensor, flag: bool
    ) -> tuple[Tensor, bool]:
        pulse = torch.tensor([float(flag)])  # on the CPU, where reading it waits for no GPU
        loss = loss.clone().reshape(1)
        with self._together():
            told = self._add_up(pulse)
            buckets.average([*gradients, loss], self.size, self._add_up)
            told.wait()
        return loss[0], bool(pulse[0] > 0)

    def _is_one_host(self) -> bool:
        return int(os.environ.get("LOCAL_WORLD_SIZE", "0")) == self.size

    def _add_up(self, tensor: Tensor) -> Any:
        work = dist.all_reduce(tensor, async_op=True)
        self._begun.append(work)
        return work

    def _exchange(self, mine: bytes) -> list[bytes]:
        """The bytes of every rank: their beginnings with their lengths, then the whole of long ones."""
        head = len(mine).to_bytes(8, "big") + mine[:SHORT]
        heads = self._collect(_letter(head, SHORT + 8))
        lengths = [int.from_bytes(head[:8], "big") for head in heads]
        if max(lengths) <= SHORT:
            return [head[8 : 8 + length] for head, length in zip(heads, lengths, strict=True)]
        letters = self._collect(_letter(mine, max(lengths)))
        return [letter[:length] for letter, length in zip(letters, lengths, strict=True)]

    def _collect(self, letter: Tensor) -> list[bytes]:
        letters = [torch.empty_like(letter) for _ in range(self.size)]
        dist.all_gather(letters, letter)
        return [letter.numpy().tobytes() for letter in letters]

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Something that all ranks do at the same place of the program.

        Raises:
            LostRankError: if another rank is gone, or does something else.
        """
        self._begun.clear()
        self.joined.count += 1
        try:
            yield
        except RuntimeError as error:
            raise LostRankError(f"Rank {self.rank} lost the others: {error}") from error

    def _arrives(self, work: Any, end: float) -> bool:
        while not work.is_completed():
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        work.wait()
        return True

    def _default_device(self) -> torch.device:
        if torch.cuda.is_available():
            device = torch.device("cuda", self.joined.local % torch.cuda.device_count())
            torch.cuda.set_device(device)
            return device
        return torch.device("cpu")


def _letter(data: bytes, length: int) -> Tensor:
    """These bytes as a tensor of that many, with zeros behind them."""
    return torch.frombuffer(bytearray(data.ljust(length, b"\0")), dtype=torch.uint8)
