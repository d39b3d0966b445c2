"""Answers: what a network makes of samples, as the probabilities of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from akidlab.errors import DataError, KindError
from akidlab.exporter.tree import unwrapped
from akidlab.observers.maps import feature_maps
from akidlab.observers.passing import infer, looking, samples_for


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says to some samples.

    Args:
        logits: float32, `[samples, classes]`.
        probabilities: float32, `[samples, classes]`, each row adding up to 1.
        classes: int64, `[samples]`: the most likely ones.
    """

    logits: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray


def answers(module: nn.Module, samples: Any, name: str | None = None) -> Answer:
    """What a network says to some samples.

    Args:
        module: a brain, or a torch module, that classifies.
        samples: `[samples, ...]`, an array or a tensor.
        name: the block that tells, of logits or of probabilities; by default what the last loss judges.

    Raises:
        DataError: if these are no samples, or it emits no row of numbers for each.
        KindError: if `name` is no name.
        UnknownNameError: if there is no such block.

    Example:
        >>> answers(nn.Identity(), torch.tensor([[0.0, 2.0]])).classes
        array([1])
    """
    network = unwrapped(module)
    if name is not None:
        if not isinstance(name, str):
            raise KindError(
                f"The block that tells is chosen by its name, found {name!r:.60}. "
                "Leave it out for what the last loss judges."
            )
        found = feature_maps(network, samples, name)
        if name not in found:
            raise DataError(
                f"`{name}` emits nothing when the network answers: it is behind what a loss judges."
            )
        value = torch.as_tensor(found[name])
    else:
        with torch.no_grad(), looking(network):
            value = infer(network, samples_for(network, samples)).detach().float().cpu()
    value = value.flatten(2).mean(2) if value.dim() > 2 else value
    if value.dim() != 2:
        raise DataError(f"An answer is a row of numbers for each sample, found {tuple(value.shape)}.")
    rows = value.double()
    is_told = bool((rows >= 0).all()) and torch.allclose(
        rows.sum(1), torch.ones(len(rows), dtype=torch.double)
    )
    shares = rows if is_told else torch.softmax(rows, 1)
    return Answer(value.numpy(), shares.float().numpy(), value.argmax(1).numpy())
