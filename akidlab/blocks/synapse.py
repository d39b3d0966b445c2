"""Synapses: layers that hold weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.blocks import initializer, regularizer
from akidlab.blocks.block import Block
from akidlab.blocks.padding import Padding, emitted, pads, pair
from akidlab.blocks.padding import padding as read_padding
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

if TYPE_CHECKING:
    from jaxtyping import Float


class SynapseLayer(Block):
    """A layer with weights, and biases unless they are switched off.

    Args:
        out_channel_num: how many channels (or numbers) it emits.
        in_channel_num: how many it is given; None takes it from the first input.
        initial_bias_value: what biases start from; None for no biases.
        init_para: how weights start, as `{"name": "msra"}`; see `akidlab.blocks.initializer`.
        wd: weight decay, as `{"type": "l2", "scale": 5e-4}`.
        wd_on_bias: let weight decay count the biases too.
    """

    NAME = "synapse"
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        *,
        out_channel_num: int,
        in_channel_num: int | None = None,
        initial_bias_value: float | None = 0.0,
        init_para: Mapping[str, Any] | str = "default",
        wd: Mapping[str, Any] | None = None,
        wd_on_bias: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for what, value in (("out_channel_num", out_channel_num), ("in_channel_num", in_channel_num)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise BlockError(f"`{what}` of `{self.name}` is a number of 1 or more, found {value!r}.")
        self.in_channel_num, self.out_channel_num = in_channel_num, out_channel_num
        self.initial_bias_value = initial_bias_value
        self.initializer = initializer.get(init_para)
        self._wd = regularizer.get(wd)
        self.wd_on_bias = wd_on_bias
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    @property
    def weights(self) -> nn.Parameter:
        """akid's name for `weight`, `[out, in, ...]`."""
        return self.weight

    @property
    def biases(self) -> nn.Parameter | None:
        """akid's name for `bias`, `[out]`; None without biases."""
        return self.bias

    @property
    def wd(self) -> regularizer.Regularizer | None:
        """Its weight decay."""
        return self._wd

    @property
    def loss(self) -> Tensor | None:
        """What its weights cost, None without weight decay."""
        if self._wd is None or self.weight is None:
            return None
        return self._wd(
            [self.weight, self.bias] if self.wd_on_bias and self.bias is not None else [self.weight]
        )

    def _contributes(self) -> bool:
        return self._wd is not None

    def _given(self, signal: Tensor) -> int:
        """How many channels `signal` has."""
        raise NotImplementedError

    def _kernel(self) -> tuple[int, ...]:
        """What follows `[out, in]` in the shape of the weights."""
        return ()

    def _setup(self, signal: Signal, seed: Seed) -> None:
        given = self.in_channel_num if signal is None else self._given(signal)
        if given is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: its `in_channel_num` was left out. "
                "Give it, or call `setup` with an example input."
            )
        self.in_channel_num = given
        shape = (self.out_channel_num, given, *self._kernel())
        kind = like(signal)
        self.weight = nn.Parameter(self.initializer(shape, seed.generator("weight")).to(**kind))
        if self.initial_bias_value is not None:
            bias = torch.full(shape[:1], float(self.initial_bias_value))
            self.bias = nn.Parameter(bias.to(**kind))

    def _parameters_made(self) -> list[str]:
        return ["weight"] if self.initial_bias_value is None else ["weight", "bias"]

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        weight, kernel = state["weight"], self._kernel()
        wanted = (self.out_channel_num, self.in_channel_num or "any", *kernel)
        fits = weight.dim() == len(wanted) and all(
            want in (n, "any") for want, n in zip(wanted, weight.shape, strict=True)
        )
        if not fits:
            expected = "×".join(map(str, wanted))
            return [f"`{self.name}` has a weight of {expected}, while the state dict has {found(weight)}."]
        self.in_channel_num = weight.shape[1]
        self.weight = nn.Parameter(torch.empty_like(weight))
        if self.initial_bias_value is not None:
            self.bias = nn.Parameter(torch.empty_like(state["bias"]))
        self._is_setup = True
        return []

    def _told(self) -> list[tuple[str, str]]:
        told = [("weights start as", repr(self.initializer))]
        if self._wd is not None:
            biases = ", biases too" if self.wd_on_bias else ""
            told.append(("weight decay", f"{self._wd.type} × {self._wd.scale:g}{biases}"))
        return told

    def _check_kind(self, signal: Tensor) -> None:
        if not signal.is_floating_point():
            raise BlockError(
                f"`{self.name}` wants numbers with fractions, found {kind_of(signal)}. "
                "Convert the input, for instance by x.float() / 255."
            )
        weight = self.weight
        if weight is None or (weight.device, weight.dtype) == (signal.device, signal.dtype):
            return
        if weight.device != signal.device or not torch.is_autocast_enabled(signal.device.type):
            raise BlockError(
                f"`{self.name}` holds {kind_of(weight)}, found an input of {kind_of(signal)}. "
                "Bring both together, by brain.to(x.device, x.dtype) or by converting the input."
            )

    def _contradicts(self, signal: Tensor, given: int, unit: str) -> BlockError:
        return BlockError(
            f"`{self.name}` wants {self.in_channel_num} {unit}, found {given} in an input of "
            f"{found(signal)}. Correct `in_channel_num` (or leave it out), or what comes before."
        )


class InnerProductLayer(SynapseLayer):
    """All that a sample holds, times weights `[out, in]`, plus biases.

    Example:
        >>> InnerProductLayer(out_channel_num=10, name="ip1")(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    NAME = "ip"

    def forward(self, signal: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch outputs"]:
        if signal.dim() != 2:
            signal = signal.flatten(1)
        return F.linear(signal, self.weight, self.bias)

    def _given(self, signal: Tensor) -> int:
        return signal[0].numel()

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor) or signal.dim() < 2:
            raise BlockError(f"`{self.name}` wants a tensor of N×numbers, found {found(signal)}.")
        self._check_kind(signal)
        given = signal.shape[1:].numel()
        if self.in_channel_num not in (None, given):
            raise self._contradicts(signal, given, "numbers per sample")

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        return torch.zeros(batch, self.out_channel_num)

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}"


class ConvolutionLayer(SynapseLayer):
    """A convolution over `[batch, channels, height, width]`, with weights `[out, in, height, width]`.

    Args:
        ksize: of the window, as 5, [5, 5] or [1, 5, 5, 1].
        strides: written the same way.
        padding: `"SAME"` and `"VALID"` as TensorFlow computes them, or a number of pixels.

    Example:
        >>> conv = ConvolutionLayer(ksize=[5, 5], strides=[1, 2, 2, 1], padding="SAME", out_channel_num=32)
        >>> conv(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 32, 14, 14])
    """

    NAME = "conv"

    def __init__(
        self,
        ksize: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ksize, self.strides = pair(ksize, "ksize"), pair(strides, "strides")
        self.padding = read_padding(padding)

    def forward(
        self, signal: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch outputs rows columns"]:
        height, width = signal.shape[-2:]
        top, left = pads(self.padding, (height, width), self.ksize, self.strides)
        if top[0] == top[1] and left[0] == left[1]:
            return F.conv2d(signal, self.weight, self.bias, self.strides, (top[0], left[0]))
        return F.conv2d(F.pad(signal, (*left, *top)), self.weight, self.bias, self.strides)

    def _kernel(self) -> tuple[int, ...]:
        return self.ksize

    def _given(self, signal: Tensor) -> int:
        return signal.shape[1]

    def _check(self, signal: Signal) -> None:
        check_map(self, signal)
        self._check_kind(signal)
        if self.in_channel_num not in (None, signal.shape[1]):
            raise self._contradicts(signal, signal.shape[1], "channels")
        check_room(self, signal)

    def extra_repr(self) -> str:
        return f"{self.in_channel_num or '?'} → {self.out_channel_num}, {windows(self)}"


def check_map(block: Block, signal: Signal) -> None:
    """Raise a BlockError unless `signal` is a feature map."""
    if not isinstance(signal, Tensor) or signal.dim() != 4:
        raise BlockError(
            f"`{block.name}` wants feature maps of N×channels×height×width, found {found(signal)}. "
            "Reshape the input, for instance by a ReshapeLayer."
        )


def check_room(block: Any, signal: Tensor) -> None:
    """Raise a BlockError if the window of `block` does not fit into `signal`."""
    size = (signal.shape[2], signal.shape[3])
    pad = pads(block.padding, size, block.ksize, block.strides)
    if min(emitted(s, k, n, p) for s, k, n, p in zip(size, block.ksize, block.strides, pad, strict=True)) < 1:
        raise BlockError(
            f"The window of `{block.name}`, {block.ksize[0]}×{block.ksize[1]}, does not fit into maps of "
            f'{size[0]}×{size[1]}. Take a smaller `ksize`, or padding="SAME".'
        )


def windows(block: Any) -> str:
    """Window, strides and padding in a few words."""
    (height, width), (down, right) = block.ksize, block.strides
    strides = "" if down == right == 1 else f" / {down}" if down == right else f" / {down}×{right}"
    return f"{height}×{width}{strides} {block.padding}"


def kind_of(tensor: Tensor) -> str:
    """Type and device, for an error."""
    return f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"


def like(signal: Signal) -> dict[str, Any]:
    """Device and type of the parameters that suit a signal."""
    if not isinstance(signal, Tensor):
        return {}
    kind = signal.dtype if signal.is_floating_point() else torch.get_default_dtype()
    return {"device": signal.device, "dtype": kind}
