"""AlexNet, for ImageNet and for CIFAR-10, and a small one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from akidlab.blocks import (
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GraphBrain,
    InnerProductLayer,
    LRNLayer,
    PoolingLayer,
    ReLULayer,
    ReshapeLayer,
)
from akidlab.errors import unknown
from akidlab.models.ends import fit, judge


class AlexNet(GraphBrain):
    """Five convolutions and three inner products for ImageNet; two and three for CIFAR-10.

    For ImageNet: the one column of Krizhevsky, "One weird trick for parallelizing convolutional neural
    networks", arXiv 1404.5997. For CIFAR-10: the network of cuda-convnet, with local response normalisation.

    Args:
        in_channel_num: how many numbers the first inner product is given; None takes it from the first
            input. (For ImageNet akid read it as the count of classes: that is `class_num`.)
        dataset: `imagenet`, for images of 3×224×224, or `cifar10`, for 3×24×24 or 3×32×32.
        class_num: how many classes there are; 1000 for ImageNet and 10 for CIFAR-10, if left out.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> AlexNet(dataset="cifar10").setup(torch.zeros(1, 3, 24, 24)).num_parameters()
        1068298
    """

    def __init__(
        self,
        in_channel_num: int | None = None,
        dataset: str = "imagenet",
        *,
        class_num: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if dataset not in ("imagenet", "cifar10"):
            raise unknown("data set of AlexNet", str(dataset), ("imagenet", "cifar10"))
        layers, usual = (_imagenet, 1000) if dataset == "imagenet" else (_cifar, 10)
        class_num = usual if class_num is None else class_num
        self.attach(layers(in_channel_num, class_num))
        judge(self, class_num)


def _imagenet(given: int | None, class_num: int) -> list[Block]:
    paras: dict[str, Any] = {"init_para": "xavier", "wd": {"type": "l2", "scale": 1e-4}}

    def conv(number: int, ksize: int, out: int, strides: int = 1, padding: str = "SAME") -> list[Block]:
        layer = ConvolutionLayer(ksize, strides, padding, out_channel_num=out, name=f"conv{number}", **paras)
        return [layer, ReLULayer(name=f"relu{number}")]

    def pool(number: int) -> Block:
        return PoolingLayer(3, 2, "VALID", name=f"pool{number}")

    return [
        *conv(1, 11, 64, 4, "VALID"), pool(1),
        *conv(2, 5, 192), pool(2),
        *conv(3, 3, 384), *conv(4, 3, 256), *conv(5, 3, 256), pool(3),
        ReshapeLayer(name="reshape"),
        DropoutLayer(0.5, name="dropout1"),
        InnerProductLayer(in_channel_num=given, out_channel_num=4096, name="ip1", **paras),
        ReLULayer(name="relu6"),
        DropoutLayer(0.5, name="dropout2"),
        InnerProductLayer(out_channel_num=4096, name="ip2", **paras),
        ReLULayer(name="relu7"),
        InnerProductLayer(out_channel_num=class_num, name="ip3", **paras),
    ]  # fmt: skip


def _cifar(given: int | None, class_num: int) -> list[Block]:
    def start(stddev: float, bias: float, wd: float | None = None) -> dict[str, Any]:
        decay: Mapping[str, Any] | None = None if wd is None else {"type": "l2", "scale": wd}
        initial = {"name": "truncated_normal", "stddev": stddev}
        return {"init_para": initial, "initial_bias_value": bias, "wd": decay}

    return [
        ConvolutionLayer(5, 1, "SAME", out_channel_num=64, name="conv1", **start(1e-4, 0.0)),
        ReLULayer(name="relu1"),
        PoolingLayer(3, 2, "SAME", name="pool1"),
        LRNLayer(name="lrn1"),
        ConvolutionLayer(5, 1, "SAME", out_channel_num=64, name="conv2", **start(1e-4, 0.1)),
        ReLULayer(name="relu2"),
        LRNLayer(name="lrn2"),
        PoolingLayer(3, 2, "SAME", name="pool2"),
        InnerProductLayer(in_channel_num=given, out_channel_num=384, name="ip1", **start(0.04, 0.1, 0.004)),
        ReLULayer(name="relu3"),
        InnerProductLayer(out_channel_num=192, name="ip2", **start(0.04, 0.1, 0.004)),
        ReLULayer(name="relu4"),
        InnerProductLayer(out_channel_num=class_num, name="ip3", **start(1 / 192, 0.0)),
    ]


class AlexNetMini(GraphBrain):
    """Two small convolutions, a pooling, and a hidden layer of 16, after Ikkuna.

    Args:
        input_shape: (height, width, channels) of an image, to set up at once; None to wait for the first.
        num_classes: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> AlexNetMini((28, 28, 1), num_classes=10).num_parameters()
        18954
    """

    def __init__(
        self, input_shape: Sequence[int] | None = None, num_classes: int = 1000, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.attach(
            ConvolutionLayer(3, 1, "VALID", out_channel_num=4, name="conv1"),
            ReLULayer(name="relu1"),
            ConvolutionLayer(3, 1, "VALID", out_channel_num=8, name="conv2"),
            ReLULayer(name="relu2"),
            PoolingLayer(2, 2, "VALID", name="pool1"),
            DropoutLayer(0.75, name="dropout1"),
            InnerProductLayer(out_channel_num=16, name="ip1"),
            ReLULayer(name="relu3"),
            DropoutLayer(0.5, name="dropout2"),
            InnerProductLayer(out_channel_num=num_classes, name="ip2"),
        )
        judge(self, num_classes)
        fit(self, input_shape)
