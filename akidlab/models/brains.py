"""Brains that are known by name."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import (
    ConvolutionLayer,
    GraphBrain,
    InnerProductLayer,
    PoolingLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
)


class OneLayerBrain(GraphBrain):
    """The smallest convolutional brain: one convolution, one inner product.

    Args:
        class_num: how many classes there are.

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
            SoftmaxWithLossLayer(
                class_num=class_num,
                inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}],
                name="loss",
            ),
        )


class LeNet(GraphBrain):
    """Two convolutions and two inner products, in the measures of TensorFlow's MNIST tutorial.

    Args:
        class_num: how many classes there are.

    Example:
        >>> import torch
        >>> LeNet().setup(torch.zeros(1, 1, 28, 28)).num_parameters()
        1663370
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(
            ConvolutionLayer(ksize=5, strides=1, padding="SAME", out_channel_num=32, name="conv1"),
            ReLULayer(name="relu1"),
            PoolingLayer(ksize=2, strides=2, padding="SAME", name="pool1"),
            ConvolutionLayer(ksize=5, strides=1, padding="SAME", out_channel_num=64, name="conv2"),
            ReLULayer(name="relu2"),
            PoolingLayer(ksize=5, strides=2, padding="SAME", name="pool2"),
            InnerProductLayer(out_channel_num=512, name="ip1"),
            ReLULayer(name="relu3"),
            InnerProductLayer(out_channel_num=class_num, name="ip2"),
            SoftmaxWithLossLayer(
                class_num=class_num,
                inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}],
                name="loss",
            ),
        )
