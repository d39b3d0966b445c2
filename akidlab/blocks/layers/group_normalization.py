"""Group normalisation: each sample by itself, a few channels at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.kind import check_kind, like
from akidlab.blocks.layers.affine import AffineLayer
from akidlab.blocks.layers.channels import check_channels, whole_number
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class GroupNormalizationLayer(AffineLayer):
    """Each group of channels of a sample brought to mean 0 and variance 1; a scale and a shift per channel.

    It does the same in training and in validation, and for a batch of one.

    Source: Wu and He, "Group normalization", arXiv 1803.08494.

    Args:
        group_num: into how many groups the channels are split. 1 is a layer norm over channels and
            positions, as many as there are channels is an instance norm.
        channel_num: how many channels it is given; None takes it from the first input.
        beta_init: what the shift starts from.
        gamma_init: what the scale starts from.
        eps: added to the variance.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> GroupNormalizationLayer(2)(torch.tensor([[1.0, 3.0, 10.0, 30.0]])).round()
        tensor([[-1.,  1., -1.,  1.]], grad_fn=<RoundBackward0>)
    """

    NAME = "gn"

    def __init__(self, group_num: int = 32, channel_num: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_num = whole_number(self, "group_num", group_num)
        self.channel_num = channel_num
        if channel_num is not None:
            self._check_split(whole_number(self, "channel_num", channel_num))

    def forward(self, signal: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        return F.group_norm(signal, self.group_num, self.weight, self.bias, self.eps)

    def _check(self, signal: Signal) -> None:
        check_channels(self, signal)
        check_kind(self, signal, self.weight)
        channels = signal.shape[1]
        if self.channel_num not in (None, channels):
            raise BlockError(
                f"`{self.name}` wants {self.channel_num} channels, found {channels} in an input of "
                f"{found(signal)}. Correct `channel_num` (or leave it out), or what comes before."
            )
        self._check_split(channels)
        if signal.shape[1:].numel() == self.group_num:
            raise BlockError(
                f"`{self.name}` cannot normalise groups of one number, found {self.group_num} groups in an "
                f"input of {found(signal)}. Take a smaller `group_num`."
            )

    def _check_split(self, channels: int) -> None:
        if channels % self.group_num:
            raise BlockError(
                f"`{self.name}` cannot split {channels} channels into {self.group_num} groups of one size. "
                "Correct `group_num`."
            )

    def _setup(self, signal: Signal, seed: Seed) -> None:
        channels = self.channel_num if signal is None else signal.shape[1]
        if channels is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: its `channel_num` was left out. "
                "Give it, or call `setup` with an example input."
            )
        self.channel_num = channels
        self._make((channels,), **like(signal))

    def _unfit(self, shape: tuple[int, ...]) -> str | None:
        channels = shape[0] if len(shape) == 1 else None
        if channels is None or self.channel_num not in (None, channels) or channels % self.group_num:
            return (
                f"`{self.name}` has {self.channel_num or 'any number of'} channels in {self.group_num} "
                f"groups, while the state dict has a scale of {'×'.join(map(str, shape)) or 'one number'}."
            )
        self.channel_num = channels
        return None

    def extra_repr(self) -> str:
        return f"{self.channel_num or '?'} channels, {self.group_num} groups"
