"""Feature maps: what each block emits of some samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akidlab.blocks import Brain, ReLULayer
from akidlab.blocks.layers.loss import LossLayer
from akidlab.errors import DataError
from akidlab.exporter.tree import unwrapped, walk
from akidlab.observers.chosen import chosen
from akidlab.observers.passing import hooked, infer, inputs_for, looking


def parts(module: nn.Module) -> dict[str, nn.Module]:
    """The blocks, or modules of torch, that emit something, by name; losses do not."""
    found = {}
    for inner, path, is_leaf in walk(unwrapped(module), "", -1):
        if is_leaf and not any(isinstance(m, LossLayer) for m in inner.modules()):
            found[path or getattr(inner, "name", type(inner).__name__.lower())] = inner
    return found


def feature_maps(
    module: nn.Module, samples: Any, names: Iterable[str] | str | None = None, *, most: int | None = None
) -> dict[str, np.ndarray]:
    """What each block emits of some samples, as in a validation.

    Nothing of the network changes: not its mode, its memory, nor what its blocks keep. Blocks that only
    losses need do not run, and are left out.

    Args:
        module: a brain, or a torch module.
        samples: `[samples, ...]`, an array or a tensor; of a brain that reads several values a list of them.
        names: of the blocks; all of them if left out.
        most: at most so many channels of each, the first of them.

    Returns:
        By name, in the order in which they ran: float32, `[samples, channels, height, width]`, or
        `[samples, numbers]` where a block emits no map.

    Raises:
        DataError: if these are no samples.
        KindError: if these are no names.
        UnknownNameError: if there is no such block.

    Example:
        >>> found = feature_maps(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten()), torch.zeros(2, 1, 8, 8))
        >>> {name: maps.shape for name, maps in found.items()}
        {'conv2d0': (2, 4, 6, 6), 'flatten0': (2, 144)}
    """
    known = parts(module)
    wanted = chosen("block", names, known)
    found: dict[str, np.ndarray] = {}

    def hear(name: str, value: Any) -> None:
        value = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(value, Tensor) and value.dim() >= 2 and not value.is_complex():
            part = value if most is None else value[:, :most]
            found[name] = part.detach().float().cpu().numpy().copy()

    network = unwrapped(module)
    with torch.no_grad(), looking(network):
        inputs = inputs_for(network, samples)
        if isinstance(network, Brain) and not network.is_setup:
            raise DataError(
                f"`{network.name}` is not set up. Call it with an input first, or let a kid practise."
            )
        with hooked({name: known[name] for name in wanted}, hear):
            infer(network, *inputs)
    return found


def relu_sparsity(module: nn.Module, samples: Any) -> dict[str, float]:
    """How much of what each ReLU emits of some samples is zero, from 0 to 1.

    Args:
        module: a brain, or a torch module.
        samples: `[samples, ...]`, an array or a tensor.

    Raises:
        DataError: if these are no samples, or the network has no ReLU.

    Example:
        >>> relu_sparsity(nn.Sequential(nn.ReLU()), torch.tensor([[-1.0, 1.0]]))
        {'relu0': 0.5}
    """
    names = [name for name, part in parts(module).items() if is_relu(part)]
    if not names:
        raise DataError("There is no ReLU in this network, so nothing is sparse by design.")
    return {name: float((maps == 0).mean()) for name, maps in feature_maps(module, samples, names).items()}


def is_relu(module: nn.Module) -> bool:
    """True for what sets to zero all that is below zero."""
    return isinstance(module, (ReLULayer, nn.ReLU, nn.ReLU6))
