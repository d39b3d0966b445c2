"""Backward: the gradient of what a module gave, when it is known."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from akidlab.exporter.voice import Voice


def follow(voice: Voice, tensor: Tensor, name: str, tag: str) -> None:
    """Publish the gradient of the value that `tensor` has now, whatever a later layer writes into it.

    What is in the graph is known by its node, which stays when the tensor is changed in place. The hook does
    not hold the node: a node that holds itself is found by the garbage collector, but only one of a graph at
    a time.
    """
    node, number, step = tensor.grad_fn, tensor.output_nr, voice.step
    is_leaf = node is None

    def heard(gradients: Any) -> None:
        gradient = gradients if is_leaf else gradients[number]
        if gradient is not None and voice.step == step and voice.active:
            start = perf_counter()
            voice.say("layer_gradients", _unscaled(gradient.detach(), voice.scaler), name, tag)
            voice.spent += perf_counter() - start

    if node is None:
        tensor.register_hook(heard)
    else:
        node.register_prehook(heard)


def _unscaled(gradient: Tensor, scaler: Any) -> Tensor:
    """What it were if the loss had not been scaled; nobody waits for the device."""
    if scaler is None:
        return gradient
    wide = gradient.float() if gradient.element_size() < 4 else gradient  # they are scaled lest they be 0
    return wide / scaler.scale(torch.ones((), device=gradient.device))
