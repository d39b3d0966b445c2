"""Attention: each step of a sequence gathers what concerns it from others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.blocks.layers.channels import whole_number
from akidlab.blocks.layers.sequence import check_rate, check_sequence
from akidlab.blocks.layers.synapse import Sizes, SynapseLayer
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float

PARTS = ("query", "key", "value")


class MultiHeadAttentionLayer(SynapseLayer):
    """Several heads, each softmax(q · k / √width) · v, side by side, and one more projection.

    One input attends to itself. Of two, the first asks (query) and the second answers (key and value);
    a third brings values of its own. All are `[batch, steps, features]`.

    Source: Vaswani et al., "Attention is all you need", arXiv 1706.03762.

    Args:
        heads: how many; `out_channel_num` is a multiple of it.
        out_channel_num: how many numbers it emits at each step; None for as many as it is given.
        key_channel_num: features of the second input; None takes it from there.
        value_channel_num: features of the third input; None takes it from there.
        causal: a step sees itself and those before it, as where the next word is to be told.
        dropout: the probability that a step is not looked at, while it trains.
        kwargs: more of `SynapseLayer` (weights, biases) and of `Block` (name, inputs).

    Example:
        >>> MultiHeadAttentionLayer(heads=2)(torch.zeros(4, 10, 8)).shape
        torch.Size([4, 10, 8])
        >>> MultiHeadAttentionLayer(heads=2)(torch.zeros(4, 3, 8), torch.zeros(4, 10, 5)).shape
        torch.Size([4, 3, 8])
    """

    NAME = "attention"
    WEIGHTS = ("query_weight", "key_weight", "value_weight", "out_weight")
    BIASES = ("query_bias", "key_bias", "value_bias", "out_bias")
    query_weight: nn.Parameter
    key_weight: nn.Parameter
    value_weight: nn.Parameter
    out_weight: nn.Parameter
    query_bias: nn.Parameter | None
    key_bias: nn.Parameter | None
    value_bias: nn.Parameter | None
    out_bias: nn.Parameter | None

    def __init__(
        self,
        heads: int,
        *,
        out_channel_num: int | None = None,
        key_channel_num: int | None = None,
        value_channel_num: int | None = None,
        causal: bool = False,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(out_channel_num=1 if out_channel_num is None else out_channel_num, **kwargs)
        self.heads = whole_number(self, "heads", heads)
        self.out_channel_num = self.in_channel_num if out_channel_num is None else out_channel_num
        self.key_channel_num, self.value_channel_num = key_channel_num, value_channel_num
        self.causal, self.dropout = causal, check_rate(self, "dropout", dropout)
        self._check_heads(self.out_channel_num)

    def forward(self, signal: Signal) -> Float[Tensor, "batch steps outputs"]:
        if isinstance(signal, list):
            query, key, value = signal[0], signal[1], signal[-1]
        else:
            query = key = value = signal
        attended = F.scaled_dot_product_attention(
            self._apart(F.linear(query, self.query_weight, self.query_bias)),
            self._apart(F.linear(key, self.key_weight, self.key_bias)),
            self._apart(F.linear(value, self.value_weight, self.value_bias)),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.causal,
        )
        return F.linear(attended.transpose(1, 2).flatten(2), self.out_weight, self.out_bias)

    def _apart(self, signal: Tensor) -> Float[Tensor, "batch heads steps width"]:
        return signal.unflatten(2, (self.heads, -1)).transpose(1, 2)

    # -- sizes

    def _shapes(self) -> tuple[Sizes, ...]:
        out = self.out_channel_num
        given = (self.in_channel_num, self.key_channel_num, self.value_channel_num, out)
        return tuple((out, channels) for channels in given)

    def _given(self, signal: Signal) -> int:
        return _three(signal)[0].shape[2]

    def _setup(self, signal: Signal, seed: Seed) -> None:
        if signal is not None:
            _, self.key_channel_num, self.value_channel_num = (part.shape[2] for part in _three(signal))
        super()._setup(signal, seed)

    def _settle(self, channels: int) -> None:
        self.in_channel_num = channels
        self.out_channel_num = self.out_channel_num or channels
        self.key_channel_num = self.key_channel_num or channels
        self.value_channel_num = self.value_channel_num or self.key_channel_num
        self._check_heads(self.out_channel_num)

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        widths = [state[name].shape[1] for name in self.WEIGHTS]
        self.in_channel_num, self.key_channel_num, self.value_channel_num, self.out_channel_num = widths

    def _check_heads(self, out: int | None) -> None:
        if out is not None and out % self.heads:
            raise BlockError(
                f"`{self.name}` shares what it emits among {self.heads} heads, found {out} numbers a step. "
                "Make `out_channel_num` a multiple of `heads`."
            )

    def _check(self, signal: Signal) -> None:
        if isinstance(signal, list) and len(signal) not in (2, 3):
            raise BlockError(
                f"`{self.name}` wants one input, or a query, a key and perhaps a value, "
                f"found {found(signal)}."
            )
        parts = _three(signal)
        widths = (self.in_channel_num, self.key_channel_num, self.value_channel_num)
        for what, part, width in zip(PARTS, parts, widths, strict=True):
            check_sequence(self, part, f"a {what}")
            self._check_kind(part)
            if width not in (None, part.shape[2]):
                raise BlockError(
                    f"`{self.name}` wants a {what} of {width} features, found {found(part)}. Correct what "
                    "comes before, or the sizes that this layer was made with."
                )
        self._check_together(*parts)

    def _check_together(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        if key.shape[:2] != value.shape[:2] or len(query) != len(key):
            raise BlockError(
                f"`{self.name}` wants as many samples everywhere and a value for each step of the key, found "
                f"{found([query, key, value])}."
            )
        if self.causal and query.shape[1] != key.shape[1]:
            raise BlockError(
                f"`{self.name}` is causal, so queries and keys are the same steps, found {query.shape[1]} "
                f"and {key.shape[1]} of them. Leave out `causal`."
            )

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        query = signals[0]
        if query is None or not (self.out_channel_num or self.in_channel_num):
            return None
        return torch.zeros(batch, query.shape[1], self.out_channel_num or self.in_channel_num or 1)

    def extra_repr(self) -> str:
        out = self.out_channel_num or self.in_channel_num or "?"
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"{self.in_channel_num or '?'} → {out}, {heads}" + ", causal" * self.causal


def _three(signal: Signal) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value."""
    if isinstance(signal, list):
        return signal[0], signal[1], signal[-1]
    return signal, signal, signal
