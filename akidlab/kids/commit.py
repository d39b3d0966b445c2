"""Commit: where one rank's kid stands, for that rank to go on from in another process, bit for bit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from safetensors import safe_open
from safetensors import torch as safetensors
from torch import Tensor

from akidlab.kids import state
from akidlab.kids.checkpoint import plain, unshared
from akidlab.kids.randomness import Randomness

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid


class Commits(Protocol):
    """Has a practising kid commit every so many steps."""

    due: int

    def after(self, step: int) -> int:
        """The step of the next commit, for a kid that has made `step`."""
        ...

    def make(self, kid: Kid) -> None:
        """Commit; every rank calls it after the same step."""
        ...


def write(kid: Kid, path: Path) -> None:
    """Write where `kid` stands, whole or not at all. No rank is asked, and nothing waits for a disk.

    Rank 0 writes everything. Weights, optimiser and clock are the same on all ranks; the others write what
    differs: generators, running statistics, what feedbacks remember.

    Raises:
        OSError: if there is no room.
    """
    tensors, facts = state.take(kid)
    rank, random = kid.engine.rank, Randomness.capture(kid.device)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("random.")}
    if rank > 0:
        buffers = {f"brain.{name}" for name, _ in kid.brain.named_buffers()}
        tensors = {n: t for n, t in tensors.items() if n in buffers or n.startswith("window.")}
        facts = {}
    tensors |= {f"random.{rank}.{name}": tensor for name, tensor in random.tensors.items()}
    text = json.dumps({**facts, "random": random.plain}, default=plain)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    try:
        safetensors.save_file(unshared(tensors), unfinished, {"akidlab": text})
        os.replace(unfinished, path)
    except Exception as error:  # safetensors has its own for a full disk
        unfinished.unlink(missing_ok=True)
        raise OSError(str(error)) from error


def restore(kid: Kid, everything: Path, own: Path | None) -> None:
    """Put `kid` where it was when rank 0 wrote `everything` and this rank wrote its `own`.

    A rank that has no `own`, because there were fewer then, takes the running statistics of rank 0, and
    generators that are seeded with its number and the step.

    Raises:
        CheckpointError: if the brain is another one by now.
    """
    tensors, facts = _read(everything)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("random.")}
    if own is None:
        state.give(kid, tensors, {**facts, "random": [facts["random"]]})
        return
    mine, about = _read(own)
    facts["random"] = [about["random"]] * (kid.engine.rank + 1)
    state.give(kid, {**tensors, **mine}, facts)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["akidlab"])
    return safetensors.load_file(path), facts
