"""The smallest convolutional brain."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import ConvolutionLayer, GraphBrain, InnerProductLayer, PoolingLayer, ReLULayer
from akidlab.models.ends import judge


class OneLayerBrain(GraphBrain):
    """The smallest convolutional brain: one convolution, one inner product.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> OneLayerBrain().setup(torch.zeros(1, 1, 28, 28)).num_parameters()
        12362
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(
            ConvolutionLayer(ksize=5, strides=1, padding="SAME", out_channel_num=32, name="conv1"),
            ReLULayer(name="relu1"),
            PoolingLayer(ksize=5, strides=5, padding="SAME", name="pool1"),
            InnerProductLayer(out_channel_num=class_num, name="ip1"),
        )
        judge(self, class_num)
