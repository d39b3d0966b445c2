"""The Horovod engine: one process per rank, gradients averaged at every step. The only door to Horovod."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, nn

from akidlab.engines.ranks import VARIABLE, RanksEngine
from akidlab.errors import DispatchError

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")

RESTING = (
    "50"  # milliseconds between two looks for work: at 1, the default, an idle rank takes 0.15 of a core
)
REMEDY = (
    "Run `akidlab install-horovod`, which builds it for this torch, or `akidlab doctor` to see what is wrong."
)


class HorovodEngine(RanksEngine):
    """Averages gradients over the ranks that `horovodrun` started; alone, it is a single rank.

    Gradients, the loss and a flag travel together after the backward pass: through shared memory where
    that is quicker, else in one grouped allreduce, which is reduced as one buffer, so that the order of
    summation, and with it the trajectory, is the same in every run. Clipping and accumulation see averaged
    gradients. The flag tells every rank at the same step that some rank holds a command; only then are
    commands exchanged. On one host, all else is said without Horovod, too: it looks only every few
    milliseconds whether there is something to do.

    Args:
        device: where this rank works; by default the GPU of its local rank, else the CPU.

    Raises:
        DispatchError: if Horovod is not installed, or not built for this torch.
    """

    name = "horovod"

    def __init__(self, *, device: torch.device | str | None = None) -> None:
        self.hvd: Any = _horovod()
        self.rank, self.size = self.hvd.rank(), self.hvd.size()
        super().__init__(device=device)

    def setup(self, brain: nn.Module, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        state = brain.state_dict()
        if self.shared is not None:
            self.shared.spread([value for value in state.values() if isinstance(value, Tensor)])
        else:
            self.hvd.broadcast_parameters({name: _told(value) for name, value in state.items()}, root_rank=0)
        return optimizer

    def sum(self, values: Mapping[str, float]) -> dict[str, float]:
        if not values:
            return {}
        names = sorted(values)
        mine = [float(values[name]) for name in names]
        if self.shared is not None:
            return dict(zip(names, map(sum, zip(*self.shared.gather(mine), strict=True)), strict=True))
        tensor = torch.tensor(mine, dtype=torch.float64)
        self.hvd.allreduce_(tensor, op=self.hvd.Sum, name="akidlab.sum")
        return dict(zip(names, tensor.tolist(), strict=True))

    def any(self, *flags: bool) -> tuple[bool, ...]:
        if self.shared is not None:
            return tuple(map(any, zip(*self.shared.gather(flags), strict=True)))
        raised = torch.tensor(flags, dtype=torch.int32)
        self.hvd.allreduce_(raised, op=self.hvd.Sum, name="akidlab.any")
        return tuple(count > 0 for count in raised.tolist())

    def broadcast(self, value: T, root: int = 0) -> T:
        if self.shared is not None:
            told = self.shared.gather(value if self.rank == root else None)
            return value if self.rank == root else told[root]
        return cast("T", self.hvd.broadcast_object(value, root_rank=root, name="akidlab.broadcast"))

    def gather(self, value: T) -> list[T]:
        if self.shared is not None:
            return self.shared.gather(value)
        return cast("list[T]", self.hvd.allgather_object(value, name="akidlab.gather"))

    def barrier(self) -> None:
        if self.shared is not None:
            self.shared.meet()
        else:
            self.hvd.barrier()

    def timeline(self, file: str | None) -> None:
        if os.environ.get("HOROVOD_TIMELINE") != "DYNAMIC":  # with it, rank 0 spins from the start
            return
        if file is None:
            self.hvd.stop_timeline()
        else:
            self.hvd.start_timeline(file, mark_cycles=False)

    def settle(self, timeout: float) -> bool:
        from horovod.torch import mpi_ops

        end = time.monotonic() + timeout
        try:
            if not all(self._arrives(handle, end) for handle in list(mpi_ops._handle_map)):
                return False  # what this rank began, another one never did
            handle = self.hvd.allreduce_async(torch.ones(1), op=self.hvd.Sum)  # unnamed: named by its number,
            if not self._arrives(handle, end):  # which differs for ever if one rank did more than another
                return False
        except Exception:  # whatever Horovod says: these ranks cannot go on
            return False
        return super().settle(end - time.monotonic())

    def leave(self) -> None:
        super().leave()
        self.hvd.shutdown()

    def _average(self, tensors: Sequence[Tensor]) -> None:
        sent = [_summed(tensor) for tensor in tensors]
        self.hvd.grouped_allreduce_(sent, op=self.hvd.Average, name="akidlab.step")
        _put_back(sent, tensors)

    def _average_elsewhere(
        self, gradients: Sequence[Tensor], loss: Tensor, flag: bool
    ) -> tuple[Tensor, bool]:
        hvd = self.hvd
        pulse = torch.tensor([float(flag)])  # on the CPU, where reading it waits for no GPU
        told = hvd.allreduce_async_(pulse, op=hvd.Average, name="akidlab.flag")
        tensors = [*gradients, loss := loss.clone().reshape(1)]
        sent = [_summed(tensor) for tensor in tensors]
        handle = hvd.grouped_allreduce_async_(sent, op=hvd.Average, name="akidlab.step")
        hvd.synchronize(told)
        hvd.synchronize(handle)
        _put_back(sent, tensors)
        return loss[0], bool(pulse[0] > 0)

    def _is_one_host(self) -> bool:
        return self.hvd.local_size() == self.size

    def _arrives(self, handle: int, end: float) -> bool:
        while not self.hvd.poll(handle):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        self.hvd.synchronize(handle)
        return True

    def _default_device(self) -> torch.device:
        if torch.cuda.is_available() and self.hvd.nccl_built():
            device = torch.device("cuda", self.hvd.local_rank() % torch.cuda.device_count())
            torch.cuda.set_device(device)
            return device
        return torch.device("cpu")


def _summed(tensor: Tensor) -> Tensor:
    """What Horovod adds up for `tensor`: it knows neither bfloat16 nor complex numbers."""
    if tensor.dtype == torch.bfloat16:
        return tensor.float()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _put_back(sent: Sequence[Tensor], tensors: Sequence[Tensor]) -> None:
    for told, tensor in zip(sent, tensors, strict=True):
        if tensor.dtype == torch.bfloat16:
            tensor.copy_(told)


def _told(tensor: Tensor) -> Tensor:
    """What Horovod broadcasts for `tensor`: the same memory, as a kind that it knows."""
    return tensor.view(torch.float16) if tensor.dtype == torch.bfloat16 else _summed(tensor)


def _horovod() -> ModuleType:
    try:
        import horovod.torch as hvd
    except Exception as error:  # a Horovod built for another torch fails in many ways
        raise DispatchError(f"Horovod cannot be imported: {error}. {REMEDY}") from error
    if not hvd.is_initialized():
        if _will_share_memory():
            os.environ.setdefault("HOROVOD_CYCLE_TIME", RESTING)
        hvd.init()
    return hvd


def _will_share_memory() -> bool:
    """Whether all ranks are on this host, where little is left for Horovod to do."""
    here, size = os.environ.get("HOROVOD_LOCAL_SIZE"), os.environ.get("HOROVOD_SIZE")
    if here is None or here != size or os.environ.get(VARIABLE, "shared") != "shared":
        return False
    return sys.platform == "linux" and not torch.cuda.is_available()
