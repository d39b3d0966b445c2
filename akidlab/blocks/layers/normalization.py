"""Normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.blocks.block import Block
from akidlab.blocks.kind import check_kind, like
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class BatchNormalizationLayer(Block):
    """Each channel brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    In validation mode the running mean and variance take the place of those of the batch.

    Args:
        channel_num: how many channels it is given; None takes it from the first input.
        beta_init: what the shift starts from.
        gamma_init: what the scale starts from.
        eps: added to the variance.
        momentum: the share of the new batch in the running statistics; None weighs all batches alike.
        track_running_stats: False uses the statistics of the batch in validation too.
        fix_gamma: leave the scale as it starts.
        share_gamma: one scale for all channels.
        dim_num: how many dimensions the input has, where you want that checked.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> bn = BatchNormalizationLayer()
        >>> bn(torch.tensor([[1.0], [3.0]])).round()
        tensor([[-1.],
                [ 1.]], grad_fn=<RoundBackward0>)
    """

    NAME = "bn"
    weight: nn.Parameter
    bias: nn.Parameter
    running_mean: Tensor | None
    running_var: Tensor | None
    batches: Tensor

    def __init__(
        self,
        channel_num: int | None = None,
        *,
        beta_init: float = 0.0,
        gamma_init: float = 1.0,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        track_running_stats: bool = True,
        fix_gamma: bool = False,
        share_gamma: bool = False,
        dim_num: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if momentum is not None and not 0 <= momentum <= 1:
            raise BlockError(
                f"`momentum` is the share of the new batch, from 0 to 1, or None; found {momentum!r}."
            )
        if not eps > 0:
            raise BlockError(f"`eps` is a number above 0, found {eps!r}.")
        self.channel_num, self.dim_num = channel_num, dim_num
        self.beta_init, self.gamma_init = beta_init, gamma_init
        self.eps, self.momentum = eps, momentum
        self.track_running_stats = track_running_stats
        self.fix_gamma, self.share_gamma = fix_gamma, share_gamma
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)
        for statistic in ("running_mean", "running_var", "batches"):
            self.register_buffer(statistic, None)

    @property
    def gamma(self) -> nn.Parameter:
        """The scale, one for each channel (or one for all)."""
        return self.weight

    @property
    def beta(self) -> nn.Parameter:
        """The shift, one for each channel."""
        return self.bias

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        weight = self.weight.expand(self.bias.shape) if self.share_gamma else self.weight
        mean, var = self.running_mean, self.running_var
        training, momentum = self.training, self.momentum
        if momentum is None:
            if training and mean is not None:
                return self._counted(signal, weight)
            momentum = 0.0
        return F.batch_norm(
            signal, mean, var, weight, self.bias, training or mean is None, momentum, self.eps
        )

    def _counted(self, signal: Tensor, weight: Tensor) -> Tensor:
        """A pass in training that weighs all batches alike, without asking the device for their number."""
        assert self.running_mean is not None
        assert self.running_var is not None
        mean, var = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
        value = F.batch_norm(signal, mean, var, weight, self.bias, True, 1.0, self.eps)
        share = 1 / self.batches.add_(1).to(mean.dtype)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var, share)
        return value

    def _check(self, signal: Signal) -> None:
        dims = (2, 3, 4, 5) if self.dim_num is None else (self.dim_num,)
        if not isinstance(signal, Tensor) or signal.dim() not in dims:
            raise BlockError(f"`{self.name}` wants a tensor of N×channels×..., found {found(signal)}.")
        check_kind(self, signal, self.weight)
        if self.channel_num not in (None, signal.shape[1]):
            raise BlockError(
                f"`{self.name}` wants {self.channel_num} channels, found {signal.shape[1]} in an input of "
                f"{found(signal)}. Correct `channel_num` (or leave it out), or what comes before."
            )
        if self.training and signal.numel() == signal.shape[1]:
            raise BlockError(
                f"`{self.name}` cannot normalise one value per channel ({found(signal)}) in training. "
                "Give it more samples at a time; where only the last batch of an epoch is left with one, "
                "leave it out by `FeedSensor(..., drop_last=True)`."
            )

    def _setup(self, signal: Signal, seed: Seed) -> None:
        channels = self.channel_num if signal is None else signal.shape[1]
        if channels is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: its `channel_num` was left out. "
                "Give it, or call `setup` with an example input."
            )
        self._make(channels, **like(signal))

    def _make(self, channels: int, **kind: Any) -> None:
        self.channel_num = channels
        gamma = torch.full((1 if self.share_gamma else channels,), float(self.gamma_init), **kind)
        self.weight = nn.Parameter(gamma, requires_grad=not self.fix_gamma)
        self.bias = nn.Parameter(torch.full((channels,), float(self.beta_init), **kind))
        if self.track_running_stats:
            self.running_mean = torch.zeros(channels, **kind)
            self.running_var = torch.ones(channels, **kind)
            if self.momentum is None:
                self.batches = torch.zeros((), dtype=torch.int64, device=kind.get("device"))

    def _parameters_made(self) -> list[str]:
        return ["weight", "bias"]

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        bias = state["bias"]
        if self.channel_num not in (None, len(bias)):
            return [f"`{self.name}` has {self.channel_num} channels, while the state dict has {len(bias)}."]
        self._make(len(bias), device=bias.device, dtype=bias.dtype)
        self._is_setup = True
        return []

    def extra_repr(self) -> str:
        return f"{self.channel_num or '?'} channels"
