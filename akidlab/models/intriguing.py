"""A convolutional brain with a narrow hidden layer."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import ConvolutionLayer, GraphBrain, InnerProductLayer, ReLULayer
from akidlab.models.ends import judge


class IntriguingConvNet(GraphBrain):
    """Two convolutions, the second with strides of 2, and a hidden layer of 64.

    akid gave the first inner product 10816 inputs, which are maps of 13×13; an image of 28×28 leaves 14×14.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> IntriguingConvNet().setup(torch.zeros(1, 1, 28, 28)).num_parameters()
        855626
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(
            ConvolutionLayer(5, 1, "SAME", out_channel_num=32, name="conv1"),
            ReLULayer(name="relu1"),
            ConvolutionLayer(5, 2, "SAME", out_channel_num=64, name="conv2"),
            ReLULayer(name="relu2"),
            InnerProductLayer(out_channel_num=64, name="ip1"),
            ReLULayer(name="relu3"),
            InnerProductLayer(out_channel_num=class_num, name="ip2"),
        )
        judge(self, class_num)
