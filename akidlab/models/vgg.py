"""VGG: rows of small convolutions, each row ended by a pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from akidlab.blocks import (
    BatchNormalizationLayer,
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GraphBrain,
    InnerProductLayer,
    PoolingLayer,
    ReLULayer,
)
from akidlab.errors import BlockError
from akidlab.models.ends import fit, judge, judged

DECAY = {"type": "l2", "scale": 5e-4}
ROWS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))
KEPT = (0.7, 0.6, 0.6, 0.6)  # after each convolution of a row but the last


class VGGNet(GraphBrain):
    """Ten convolutions with batch normalisation and dropout, and two inner products, for CIFAR-10.

    What is judged has gone through a batch normalisation, which akid left unused. (The 20 parameters of it
    are in both counts.)

    Source: Simonyan and Zisserman, "Very deep convolutional networks", arXiv 1409.1556; its measures for
    CIFAR-10 are those of Zagoruyko's training in Torch, 2015.

    Args:
        class_num: how many classes there are.
        padding: of the convolutions.
        loss_layer: another loss than the softmax, as `(its class, its options)`; it is given what the last
            block emits, and the labels.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> VGGNet().setup(torch.zeros(1, 3, 32, 32)).num_parameters()
        8695902
    """

    def __init__(
        self,
        class_num: int = 10,
        padding: str = "SAME",
        loss_layer: tuple[type[Block], Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        number = 0
        for row, (widths, keep_prob) in enumerate(zip(ROWS, KEPT, strict=True), 1):
            for place, width in enumerate(widths, 1):
                number += 1
                self.attach(_convolution(number, width, padding))
                if place < len(widths):
                    self.attach(DropoutLayer(keep_prob, name=f"dropout{number}"))
            self.attach(PoolingLayer(2, 2, "SAME", name=f"pool{row}"))
        self.attach(
            DropoutLayer(0.5, name="dropout_ip1"),
            InnerProductLayer(out_channel_num=512, init_para="msra", wd=DECAY, name="ip1"),
            BatchNormalizationLayer(name="bn_ip1"),
            ReLULayer(name="relu_ip1"),
            DropoutLayer(0.5, name="dropout_ip2"),
            InnerProductLayer(out_channel_num=class_num, init_para="msra", wd=DECAY, name="ip2"),
            BatchNormalizationLayer(name="bn_ip2"),
        )
        if loss_layer is None:
            judge(self, class_num)
        else:
            self.attach(_loss(self, loss_layer))


class VGG(GraphBrain):
    """VGG-11 with batch normalisation and one inner product, after Ikkuna; for images of 32×32 or more.

    Args:
        input_shape: (height, width, channels) of an image, to set up at once; None to wait for the first.
        num_classes: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> VGG((32, 32, 3), num_classes=10).num_parameters()
        9231114
    """

    def __init__(
        self, input_shape: Sequence[int] | None = None, num_classes: int = 1000, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        number = 0
        for row, widths in enumerate(((64,), (128,), (256, 256), (512, 512), (512, 512)), 1):
            for width in widths:
                number += 1
                self.attach(_convolution(number, width, "SAME", wd=None))
            self.attach(PoolingLayer(2, 2, "VALID", name=f"pool{row}"))
        self.attach(InnerProductLayer(out_channel_num=num_classes, name="ip1"))
        judge(self, num_classes)
        fit(self, input_shape)


def _convolution(number: int, width: int, padding: str, wd: Mapping[str, Any] | None = DECAY) -> list[Block]:
    return [
        ConvolutionLayer(3, 1, padding, out_channel_num=width, init_para="msra", wd=wd, name=f"conv{number}"),
        BatchNormalizationLayer(name=f"bn{number}"),
        ReLULayer(name=f"relu{number}"),
    ]


def _loss(brain: GraphBrain, loss_layer: object) -> Block:
    cls, options = loss_layer if isinstance(loss_layer, tuple) and len(loss_layer) == 2 else (None, None)
    if not isinstance(cls, type) or not isinstance(options, Mapping):
        raise BlockError(
            "`loss_layer` is a class and its options, such as (SoftmaxWithLossLayer, {'class_num': 10}); "
            f"found {loss_layer!r}."
        )
    return cls(**{**judged(brain), **options})
