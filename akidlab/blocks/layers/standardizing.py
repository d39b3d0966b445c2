"""Synapses that can normalise what they emit."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.layers.sliding import SlidingLayer
from akidlab.blocks.layers.synapse import like
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal


class StandardizingLayer(SlidingLayer):
    """A sliding synapse with running statistics of what it emits, where it is asked for them.

    Args:
        standardizes: bring each channel to mean 0 and variance 1 over the batch, without scale and shift; in
            validation, by the running mean and variance.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).
    """

    running_mean: Tensor | None
    running_var: Tensor | None

    def __init__(self, *args: Any, standardizes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standardizes = standardizes
        self.register_buffer("running_mean", None)
        self.register_buffer("running_var", None)

    def _standardized(self, value: Tensor) -> Tensor:
        return F.batch_norm(value, self.running_mean, self.running_var, training=self.training)

    def _setup(self, signal: Signal, seed: Seed) -> None:
        super()._setup(signal, seed)
        self._make_statistics(self.weight)

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        wrong = super()._adopt(state)
        if not wrong:
            self._make_statistics(self.weight)
        return wrong

    def _make_statistics(self, weight: Tensor) -> None:
        if self.standardizes:
            self.running_mean = torch.zeros(self._emitted(), **like(weight))
            self.running_var = torch.ones(self._emitted(), **like(weight))
