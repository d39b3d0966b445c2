"""Warm up: import and try beforehand whatever the first step of a cell would wait for."""

from __future__ import annotations

import gc
import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.engines import Engine

PACKAGES = (
    *("akidlab.sources", "akidlab.sensors", "akidlab.models.brains", "akidlab.kongfus", "akidlab.kids"),
    *("akidlab.worker.perform", "sklearn.datasets"),
)


def warm_up(name: str) -> Engine:
    """Import torch and akidlab, make an optimizer, join the other ranks and reduce one number with them.

    Args:
        name: the engine with which the kids of this rank will work.
    """
    import torch

    from akidlab import engines

    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    engine = engines.get(name)
    _try_a_step()
    for package in PACKAGES:
        importlib.import_module(package)
    engine.sum({"ready": 1.0})
    engine.average([torch.ones(1, device=engine.device)], torch.ones((), device=engine.device), False)
    gc.collect()
    gc.freeze()  # what is here now stays: later collections need not look at it
    return engine


def _try_a_step() -> None:
    """The first optimizer imports torch._dynamo and sympy: two to three seconds."""
    from torch import nn, optim

    layer = nn.Linear(2, 2)
    optimizer = optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, fused=True)
    layer(next(iter(layer.parameters())).detach()).sum().backward()
    optimizer.step()
