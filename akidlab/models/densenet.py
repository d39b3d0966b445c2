"""DenseNet: each layer reads all that came before it in its stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akidlab.blocks import (
    AveragePoolingLayer,
    BatchNormalizationLayer,
    ConcatLayer,
    ConvolutionLayer,
    DropoutLayer,
    GlobalPoolingLayer,
    GraphBrain,
    InnerProductLayer,
    PoolingLayer,
    ReLULayer,
)
from akidlab.errors import BlockError
from akidlab.models.ends import fit, judge


class DenseNet(GraphBrain):
    """DenseNet-BC: bottlenecks that read all before them, and transitions that compress.

    Source: Huang et al., "Densely connected convolutional networks", arXiv 1608.06993.

    Args:
        input_shape: (height, width, channels) of an image, to set up at once; None to wait for the first.
        growth_rate: how many channels a layer adds.
        block_config: how many layers there are in each stage.
        compression: the share of channels that a transition keeps.
        num_init_features: how many channels the first convolution emits.
        bn_size: how many times the growth rate a bottleneck is wide.
        drop_rate: the probability that a number that a layer adds is dropped.
        num_classes: how many classes there are.
        small_inputs: False for large images, which are first convolved with strides of 2 and pooled.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Raises:
        BlockError: if `compression` or `drop_rate` is no share.

    Example:
        >>> DenseNet((32, 32, 3)).num_parameters()
        769162
    """

    def __init__(
        self,
        input_shape: Sequence[int] | None = None,
        growth_rate: int = 12,
        block_config: Sequence[int] = (16, 16, 16),
        compression: float = 0.5,
        num_init_features: int = 24,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        num_classes: int = 10,
        small_inputs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 < compression <= 1 or not 0 <= drop_rate < 1:
            raise BlockError(
                "`compression` is the share of channels kept, above 0 and at most 1, and `drop_rate` a "
                f"probability below 1; found {compression!r} and {drop_rate!r}."
            )
        self.growth_rate, self.bn_size, self.drop_rate = growth_rate, bn_size, drop_rate
        self._begin(num_init_features, small_inputs)
        channels = num_init_features
        for stage, layers in enumerate(block_config, 1):
            for layer in range(1, layers + 1):
                self._layer(f"d{stage}l{layer}_")
            channels += layers * growth_rate
            if stage < len(block_config):
                channels = int(channels * compression)
                self._transition(f"t{stage}_", channels)
        self._fire("", "")
        self.attach(
            GlobalPoolingLayer(name="pool"), InnerProductLayer(out_channel_num=num_classes, name="ip")
        )
        judge(self, num_classes)
        fit(self, input_shape)

    def _begin(self, channels: int, small: bool) -> None:
        if small:
            self._convolve("conv0", 3, channels)
            return
        self._convolve("conv0", 7, channels, 2)
        self._fire("", 0)
        self.attach(PoolingLayer(3, 2, 1, name="pool0"))

    def _layer(self, at: str) -> None:
        entry = self.get_last_layer_name()
        self._fire(at, 1)
        self._convolve(f"{at}conv1", 1, self.bn_size * self.growth_rate)
        self._fire(at, 2)
        self._convolve(f"{at}conv2", 3, self.growth_rate)
        if self.drop_rate:
            self.attach(DropoutLayer(1 - self.drop_rate, name=f"{at}dropout"))
        added = self.get_last_layer_name()
        self.attach(ConcatLayer(inputs=[{"name": entry}, {"name": added}], name=f"{at}concat"))

    def _transition(self, at: str, channels: int) -> None:
        self._fire(at, "")
        self._convolve(f"{at}conv", 1, channels)
        self.attach(AveragePoolingLayer(2, 2, name=f"{at}pool"))

    def _fire(self, at: str, number: int | str) -> None:
        self.attach(BatchNormalizationLayer(name=f"{at}bn{number}"), ReLULayer(name=f"{at}relu{number}"))

    def _convolve(self, name: str, ksize: int, channels: int, stride: int = 1) -> None:
        self.attach(
            ConvolutionLayer(
                ksize,
                stride,
                (ksize - 1) // 2,
                out_channel_num=channels,
                initial_bias_value=None,
                init_para="msra",
                name=name,
            )
        )
