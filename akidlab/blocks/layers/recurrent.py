"""Recurrent layers: sequences read step by step, with a state that remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from akidlab.blocks.initializer import Fans
from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.layers.sequence import check_rate, check_sequence
from akidlab.blocks.layers.synapse import Sizes, SynapseLayer
from akidlab.blocks.signal import Signal
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float
    from typing_extensions import Self


class RecurrentLayer(SynapseLayer):
    """Reads sequences `[batch, steps, features]` step by step; what it remembers starts at zero.

    Weights are called and shaped as in torch: `weight_ih_l0` reads the input of the first layer,
    `weight_hh_l0` its own last output, `..._l0_reverse` belong to the other direction.

    Args:
        out_channel_num: how many numbers a direction emits at each step; two directions emit twice as many.
        layers: how many recurrent layers lie one above the other.
        bidirectional: read from both ends, and emit both, one after the other.
        last_only: emit `[batch, out]`, what each direction ends with, rather than `[batch, steps, out]`.
        dropout: the probability that a number between two layers is dropped while it trains.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).
    """

    GATES: ClassVar[int]
    WEIGHTS = ("weight_ih_l0", "weight_hh_l0")
    BIASES = ("bias_ih_l0", "bias_hh_l0")
    TWIN: ClassVar[Callable[..., nn.RNNBase]]

    def __init__(
        self,
        out_channel_num: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        last_only: bool = False,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(out_channel_num=out_channel_num, **kwargs)
        self.layers = whole_number(self, "layers", layers)
        self.bidirectional, self.last_only = bidirectional, last_only
        self.dropout = check_rate(self, "dropout", dropout)
        if dropout and layers == 1:
            raise BlockError(f"`dropout` of `{self.name}` lies between layers: it wants layers=2 or more.")
        ends = ("", "_reverse") if bidirectional else ("",)
        names = [f"{part}_l{layer}{end}" for layer in range(layers) for end in ends for part in ("ih", "hh")]
        self.WEIGHTS = tuple(f"weight_{name}" for name in names)
        self.BIASES = tuple(f"bias_{name}" for name in names)
        self._flat = [
            f"{kind}_{n}"
            for at in range(0, len(names), 2)
            for kind in ("weight", "bias")
            for n in names[at : at + 2]
        ]
        for name in self._flat:
            self.register_parameter(name, None)
        if self.initial_bias_value is None:
            self._flat = list(self.WEIGHTS)

    def forward(self, signal: Float[Tensor, "batch steps features"]) -> Float[Tensor, "batch ... outputs"]:
        start = signal.new_zeros(len(self.WEIGHTS) // 2, signal.shape[0], self._emitted())
        held = self._parameters
        value, ends = self._read(signal, start, [held[name] for name in self._flat])  # type: ignore[misc]
        if not self.last_only:
            return value
        return torch.cat([ends[-2], ends[-1]], 1) if self.bidirectional else ends[-1]

    def _read(self, signal: Tensor, start: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What is emitted at each step, and what each layer and direction ends with."""
        raise NotImplementedError

    def _options(self) -> tuple[bool, int, float, bool, bool, bool]:
        biased = self.initial_bias_value is not None
        return biased, self.layers, self.dropout, self.training, self.bidirectional, True

    # -- sizes

    @property
    def _width(self) -> int:
        return self._emitted() * (2 if self.bidirectional else 1)

    def _given(self, signal: Signal) -> int:
        return signal.shape[2]

    def _shapes(self) -> tuple[Sizes, ...]:
        rows = self.GATES * self._emitted()
        first = len(self.WEIGHTS) // self.layers
        return tuple(
            (rows, self._emitted() if at % 2 else self.in_channel_num if at < first else self._width)
            for at in range(len(self.WEIGHTS))
        )

    def _bias_shapes(self) -> tuple[Sizes, ...]:
        return ((self.GATES * self._emitted(),),) * len(self.BIASES)

    def _fans(self, name: str, shape: tuple[int, ...]) -> Fans:
        return shape[1], self._emitted()  # a gate at a time

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        self.in_channel_num = state["weight_ih_l0"].shape[1]

    def _check(self, signal: Signal) -> None:
        check_sequence(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[2]):
            raise self._contradicts(signal, signal.shape[2], "features")

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return torch.zeros(batch, self._width) if self.last_only else None

    # -- one piece of memory, which kernels on a GPU want

    def _prepare(self, signal: Signal, seed: Any) -> Signal:
        value = super()._prepare(signal, seed)
        self._compact()
        return value

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        self._compact()
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._compact()

    def _compact(self) -> None:
        if self._first is None or not self._first.is_cuda:
            return
        biased = self.initial_bias_value is not None
        options = (self.layers, biased, True, 0.0, self.bidirectional)
        twin = type(self).TWIN(self.in_channel_num, self._emitted(), *options, device="meta")
        for name in self._flat:
            setattr(twin, name, self._parameters[name])
        twin.flatten_parameters()

    def extra_repr(self) -> str:
        extras = [f", {self.layers} layers"] * (self.layers > 1) + [", both directions"] * self.bidirectional
        last = [", last step"] * self.last_only
        return f"{self.in_channel_num or '?'} → {self._width}" + "".join(extras + last)


class LSTMLayer(RecurrentLayer):
    """Long short-term memory: gates decide what enters a cell, what stays in it, and what is shown of it.

    Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers et al.
    2000. Of `4 · out` rows of weights those of the input gate come first, then forget, cell and output.

    Args:
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> LSTMLayer(8)(torch.zeros(2, 5, 3)).shape
        torch.Size([2, 5, 8])
        >>> LSTMLayer(8, bidirectional=True, last_only=True)(torch.zeros(2, 5, 3)).shape
        torch.Size([2, 16])
    """

    NAME = "lstm"
    GATES = 4
    TWIN = nn.LSTM

    def _read(self, signal: Tensor, start: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        value, ends, _ = torch.lstm(signal, [start, start], weights, *self._options())
        return value, ends


class GRULayer(RecurrentLayer):
    """Gated recurrent units: a gate lets go of what was remembered, another mixes in what is new.

    Source: Cho et al., arXiv 1406.1078. Of `3 · out` rows of weights those of the reset gate come first,
    then update and new.

    Args:
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> GRULayer(8, layers=2)(torch.zeros(2, 5, 3)).shape
        torch.Size([2, 5, 8])
    """

    NAME = "gru"
    GATES = 3
    TWIN = nn.GRU

    def _read(self, signal: Tensor, start: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        return torch.gru(signal, start, weights, *self._options())
