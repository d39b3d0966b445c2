"""Sugar: a layer of a convolutional network, with all that belongs to it, by one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from akidlab.blocks import (
    BatchNormalizationLayer,
    Block,
    CollapseOutLayer,
    ConvolutionLayer,
    DropoutLayer,
    GELULayer,
    GroupSoftmaxLayer,
    InnerProductLayer,
    LeakyReLULayer,
    PoolingLayer,
    ReLULayer,
    SigmoidLayer,
    SoftmaxNormalizationLayer,
    TanhLayer,
)
from akidlab.errors import BlockError, unknown

Pixels: TypeAlias = "int | Sequence[int]"

_ACTIVATIONS: dict[str, Callable[..., Block]] = {
    "relu": ReLULayer,
    "maxout": lambda **paras: CollapseOutLayer(type="maxout", **paras),
    "average_out": lambda **paras: CollapseOutLayer(type="average_out", **paras),
    "gsmax": GroupSoftmaxLayer,
    "ngsmax": SoftmaxNormalizationLayer,
    "leaky_relu": LeakyReLULayer,
    "gelu": GELULayer,
    "sigmoid": SigmoidLayer,
    "tanh": TanhLayer,
}


_START = {"name": "truncated_normal", "stddev": 0.1}
_DECAY = {"type": "l2", "scale": 5e-4}


def init() -> None:
    """akid's scripts reset a counter of layers by this; here a brain counts its own, so nothing is left."""


def cnn_block(
    ksize: Pixels | None = None,
    conv_padding: str | Pixels = "SAME",
    initial_bias_value: float | None = 0.0,
    init_para: Mapping[str, Any] | str | Callable[..., Any] = _START,
    wd: Mapping[str, Any] | None = _DECAY,
    max_norm: float | None = None,
    in_channel_num: int | None = None,
    out_channel_num: int = 32,
    pool_size: Pixels | None = (2, 2),
    pool_stride: Pixels = (2, 2),
    activation: Mapping[str, Any] | str | None = "relu",
    activation_before_pooling: bool = False,
    keep_prob: float | None = None,
    bn: Mapping[str, Any] | bool | None = None,
) -> list[Block]:
    """The blocks of one layer, for `brain.attach`: a convolution or an inner product and what follows it.

    A convolution is followed by a pooling, batch normalisation, an activation and dropout, an inner product
    by the last three; what is None or False is left out. In a brain they are called after the layer that they
    belong to: the third is `conv3` (or `ip3`), `pool3`, `bn3`, `relu3`, `dropout3`.

    Args:
        ksize: of the convolution; None for an inner product.
        conv_padding: of the convolution.
        initial_bias_value: what biases start from; None for no biases.
        init_para: how weights start.
        wd: weight decay.
        max_norm: the largest L2 norm of the weights of an output.
        in_channel_num: how many channels it is given; None takes it from the first input.
        out_channel_num: how many channels it emits, before groups of a maxout collapse.
        pool_size: of the window of the max pooling (SAME); None for no pooling.
        pool_stride: of the pooling.
        activation: a name, or `{"type": "maxout", "group_size": 2}` with what it asks for: relu, maxout,
            average_out, gsmax, ngsmax (a softmax within groups), leaky_relu, gelu, sigmoid, tanh.
        activation_before_pooling: convolution, normalisation, activation, pooling, in this order.
        keep_prob: of the dropout.
        bn: True, or options of the batch normalisation.

    Raises:
        UnknownNameError: if there is no such activation.
        BlockError: if an option cannot be used.

    Example:
        >>> brain = Brain(name="small")
        >>> brain.attach(cnn_block(ksize=5, bn=True), cnn_block(out_channel_num=10, activation=None))
        small: ...
        >>> [block.name for block in brain]
        ['conv1', 'pool1', 'bn1', 'relu1', 'ip2']
    """
    weights: dict[str, Any] = {
        "in_channel_num": in_channel_num,
        "out_channel_num": out_channel_num,
        "initial_bias_value": initial_bias_value,
        "init_para": init_para,
        "wd": wd,
        "max_norm": max_norm,
    }
    fires = [*_normalization(bn), *_activation(activation)]
    if ksize is None:
        blocks: list[Block] = [InnerProductLayer(**weights), *fires]
    else:
        pools = [PoolingLayer(pool_size, pool_stride, "SAME")] if pool_size else []
        after = [*fires, *pools] if activation_before_pooling else [*pools, *fires]
        blocks = [ConvolutionLayer(ksize, 1, conv_padding, **weights), *after]  # type: ignore[arg-type]
    if keep_prob is not None:
        blocks.append(DropoutLayer(keep_prob))
    for block in blocks:
        block.numbered_by_layer = True
    return blocks


def _normalization(bn: Mapping[str, Any] | bool | None) -> list[Block]:
    if bn is None or bn is False:
        return []
    if bn is not True and not isinstance(bn, Mapping):
        raise BlockError(
            f"`bn` is True, or options of a BatchNormalizationLayer in a dict; found {bn!r}. "
            'Write, for instance, bn={"fix_gamma": True}.'
        )
    return [BatchNormalizationLayer(**({} if bn is True else bn))]


def _activation(activation: Mapping[str, Any] | str | None) -> list[Block]:
    if activation is None:
        return []
    paras = {"type": activation} if isinstance(activation, str) else activation
    if not isinstance(paras, Mapping) or "type" not in paras:
        raise BlockError(
            f"`activation` is a name or a dict with a `type`, found {activation!r}. "
            'Write, for instance, activation={"type": "maxout", "group_size": 2}.'
        )
    if paras["type"] not in _ACTIVATIONS:
        raise unknown("activation", str(paras["type"]), _ACTIVATIONS)
    return [_ACTIVATIONS[paras["type"]](**{key: value for key, value in paras.items() if key != "type"})]
