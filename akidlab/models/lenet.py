"""LeNet, in the measures of TensorFlow's MNIST tutorial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from akidlab.blocks import (
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GraphBrain,
    InnerProductLayer,
    PoolingLayer,
    ReLULayer,
)
from akidlab.models.ends import judge

DECAY = {"type": "l2", "scale": 5e-4}


class LeNet(GraphBrain):
    """Two convolutions and two inner products, in the measures of TensorFlow's MNIST tutorial.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> LeNet().setup(torch.zeros(1, 1, 28, 28)).num_parameters()
        1663370
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(_layers(class_num))
        judge(self, class_num)


class NewMnistTfTutorialNet(GraphBrain):
    """LeNet with weight decay, and dropout before the last layer.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> brain = NewMnistTfTutorialNet().setup(torch.zeros(1, 1, 28, 28))
        >>> brain.num_parameters(), brain["dropout1"].keep_prob
        (1663370, 0.5)
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(_layers(class_num, wd=DECAY, keep_prob=0.5))
        judge(self, class_num)


class MnistTfTutorialNet(GraphBrain):
    """LeNet as TensorFlow's MNIST tutorial trained it: weights start small, most biases at 0.1.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> brain = MnistTfTutorialNet().setup(torch.zeros(1, 1, 28, 28))
        >>> brain.num_parameters(), brain["ip2"].bias[0].item()
        (1663370, 0.10000000149011612)
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        start = {"name": "truncated_normal", "stddev": 0.1}
        self.attach(_layers(class_num, (0.0, 0.1, 0.1, 0.1), init_para=start, wd=DECAY, keep_prob=0.5))
        judge(self, class_num)


def _layers(
    class_num: int,
    biases: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    init_para: Mapping[str, Any] | str = "default",
    wd: Mapping[str, Any] | None = None,
    keep_prob: float | None = None,
) -> list[Block]:
    starts = [{"initial_bias_value": bias, "init_para": init_para, "wd": wd} for bias in biases]
    return [
        ConvolutionLayer(5, 1, "SAME", out_channel_num=32, name="conv1", **starts[0]),
        ReLULayer(name="relu1"),
        PoolingLayer(2, 2, "SAME", name="pool1"),
        ConvolutionLayer(5, 1, "SAME", out_channel_num=64, name="conv2", **starts[1]),
        ReLULayer(name="relu2"),
        PoolingLayer(5, 2, "SAME", name="pool2"),
        InnerProductLayer(out_channel_num=512, name="ip1", **starts[2]),
        ReLULayer(name="relu3"),
        *([] if keep_prob is None else [DropoutLayer(keep_prob, name="dropout1")]),
        InnerProductLayer(out_channel_num=class_num, name="ip2", **starts[3]),
    ]
