"""Joining: how the processes of `torch.distributed` find each other, once in each of them."""

from __future__ import annotations

import atexit
import functools
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed as dist
from torch.distributed import FileStore, HashStore  # pyright: ignore[reportPrivateImportUsage]

from akidlab.engines.seal import Seal
from akidlab.errors import DispatchError

PATIENCE = timedelta(days=1)  # a rank may work alone for long; one that is gone is noticed at once
KEY = 32  # bytes
PARTING = timedelta(seconds=2)  # that a script which ends waits for others to have heard its last word


@dataclass
class Joined:
    """What a process has in common with the other ranks.

    Args:
        rank: which one it is.
        size: of how many.
        local: which one on its host.
        over: what carries tensors on GPUs, `nccl` or `gloo`.
        settling: a group of all ranks in which nothing is said but how they stand after an error.
        seal: for what travels as objects.
        count: how many collectives it has begun.
    """

    rank: int
    size: int
    local: int
    over: str
    settling: Any
    seal: Seal
    count: int = 0


@functools.cache
def join() -> Joined:
    """Join the other ranks: those that our launcher started, those of `torchrun`, or none.

    Raises:
        DispatchError: if this torch cannot, or the others are not found.
    """
    if not (dist.is_available() and dist.is_gloo_available()):
        raise DispatchError(f"This torch ({torch.__version__}) was built without Gloo: ranks cannot talk.")
    over, store = _over(), None
    try:
        if not dist.is_initialized():
            store = _store()
            _start(store, f"cpu:gloo,cuda:{over}" if torch.cuda.is_available() else "gloo")
        with _on_loopback(isinstance(store, HashStore)):
            settling = dist.new_group(backend="gloo", timeout=PATIENCE)
        rank, size, local = dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0"))
        joined = Joined(rank, size, local, over, settling, Seal(_key(store, rank)))
        atexit.register(_part_together, joined)
        return joined
    except RuntimeError as error:
        raise DispatchError(f"The ranks of `torch.distributed` did not find each other: {error}") from error


def part() -> None:
    """Leave the others."""
    join.cache_clear()
    dist.destroy_process_group()


def _part_together(joined: Joined) -> None:
    """Who closes its sockets while others still read from them would end those with an error.

    The wait must end by itself: at its own end, the process waits for whatever it has begun. Gloo's threads
    end before Python does: one that lets go of a tensor later would abort the process.
    """
    if not dist.is_initialized():  # we have left
        return
    options = dist.AllreduceOptions()
    options.timeout = PARTING
    with suppress(RuntimeError):  # they are gone, or wait for something else
        joined.settling.allreduce([torch.zeros(1)], options).wait()
    joined.settling = None
    part()


def _store() -> Any:
    """Where ranks find each other; None to take what `torchrun` says in the environment."""
    if meeting := os.environ.get("AKIDLAB_MEETING"):  # of several hosts
        from akidlab.engines.meeting import MeetingStore

        return MeetingStore(meeting)
    place = os.environ.get("AKIDLAB_RENDEZVOUS")
    if place is not None:
        return FileStore(place, int(os.environ["WORLD_SIZE"]))
    return None if "RANK" in os.environ else HashStore()


def _start(store: Any, backend: str) -> None:
    if store is None:
        dist.init_process_group(backend, timeout=PATIENCE)
        return
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    with _on_loopback(isinstance(store, HashStore)):
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)


@contextmanager
def _on_loopback(alone: bool) -> Iterator[None]:
    """Who is alone shall listen to nobody outside; our launcher tells its ranks the same."""
    name = "GLOO_SOCKET_IFNAME"
    if not alone or name in os.environ:
        yield
        return
    os.environ[name] = next((found for _, found in socket.if_nameindex() if found.startswith("lo")), "lo")
    try:
        yield
    finally:
        del os.environ[name]


def _over() -> str:
    """NCCL where each rank of this host has a GPU of its own: two of them cannot share one."""
    enough = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return "nccl" if dist.is_nccl_available() and enough else "gloo"


def _key(store: Any, rank: int) -> bytes:
    """A secret that rank 0 makes; under our launcher it travels through a file that nobody else can open."""
    made = secrets.token_bytes(KEY)
    if store is None:
        tensor = torch.frombuffer(bytearray(made), dtype=torch.uint8)
        dist.broadcast(tensor, 0)
        return tensor.numpy().tobytes()
    if rank == 0:
        store.set("akidlab/key", made.hex())
    return bytes.fromhex(store.get("akidlab/key").decode())
