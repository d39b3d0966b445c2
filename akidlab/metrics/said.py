"""What was said, as tensors: a message may carry a tensor, a number, or what another metric published."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from akidlab.errors import KindError
from akidlab.messages import Bundle, Message, Samples


def tensor_of(said: Message) -> Tensor:
    """What a message carries, as a tensor; of `Samples` the last value.

    Raises:
        KindError: if it carries no numbers.

    Example:
        >>> tensor_of(Message("loss", Samples([1, 2], [0.5, 0.25], [0.0, 0.0])))
        tensor(0.2500)
    """
    return _tensor(said.data, said.topic)


def tensors_of(said: Bundle) -> tuple[Tensor, ...]:
    """What the messages of a bundle carry, in the order of its topics.

    Raises:
        KindError: if one carries no numbers.
    """
    return tuple(_tensor(said.data[kind], kind) for kind in said.kinds)


def _tensor(data: Any, topic: str) -> Tensor:
    if isinstance(data, Tensor):
        return data
    if isinstance(data, Samples) and len(data.values):
        data = data.values[-1]
    if isinstance(data, (int, float)):
        return torch.tensor(float(data))
    raise KindError(f"`{topic}` carries no tensor and no number, found a {type(data).__name__}.")
