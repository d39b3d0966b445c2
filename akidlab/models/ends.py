"""Both ends of a brain: the images it is given, and the loss that judges what its last block emits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from akidlab.blocks import LossLayer, SoftmaxWithLossLayer, System
from akidlab.errors import BlockError


def judge(brain: System, class_num: int) -> None:
    """Attach the softmax loss, called `loss`, that judges the last block by the labels given second."""
    brain.attach(SoftmaxWithLossLayer(class_num=class_num, **judged(brain)))


def judged(brain: System) -> dict[str, Any]:
    """Name and inputs of a loss that judges the last block of `brain` by the labels given second."""
    top = brain.get_last_layer_name()
    return {"name": LossLayer.NAME, "inputs": [{"name": top}, {"name": "system_in", "idxs": [1]}]}


def fit(brain: System, input_shape: Sequence[int] | None) -> None:
    """Set `brain` up for images of `input_shape`, (height, width, channels) as Ikkuna writes it, if given.

    Raises:
        BlockError: if it is written another way.
    """
    if input_shape is None:
        return
    if len(input_shape) not in (2, 3) or not all(isinstance(n, int) and n > 0 for n in input_shape):
        raise BlockError(f"`input_shape` is (height, width, channels), found {input_shape!r}.")
    height, width, *channels = input_shape
    brain.setup(torch.zeros(2, *(channels or [1]), height, width))
