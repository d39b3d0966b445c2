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
    *("akidlab.worker.perform", "akidlab.metrics", "akidlab.watching"),
    *("sklearn.datasets.data", "sklearn.datasets.descr", "importlib.readers"),  # of the digits
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
    """The first optimizer imports torch._dynamo and sympy: two to three seconds; passes load kernels."""
    import torch
    from torch import nn, optim
    from torch.nn import functional as F

    kept = torch.get_rng_state()
    brain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2))
    for made in (
        optim.SGD(brain.parameters(), lr=0.1, momentum=0.9, fused=True),
        optim.Adam(brain.parameters()),
    ):
        F.cross_entropy(brain(torch.zeros(4, 1, 8, 8)), torch.zeros(4, dtype=torch.long)).backward()
        made.step()
    torch.set_rng_state(kept)
