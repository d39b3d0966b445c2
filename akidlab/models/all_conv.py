"""All convolutional: strides in place of poolings, a mean over positions in place of inner products."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import (
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GlobalPoolingLayer,
    GraphBrain,
    PoolingLayer,
    ReLULayer,
    ReshapeLayer,
)
from akidlab.models.ends import judge

Size = tuple[int, int, int, str]  # window, stride, channels, padding


class _AllConv(GraphBrain):
    def _convolve(self, number: int, size: Size) -> None:
        ksize, strides, out, padding = size
        self.attach(
            ConvolutionLayer(
                ksize,
                strides,
                padding,
                out_channel_num=out,
                init_para="xavier",
                wd={"type": "l2", "scale": 1e-3},
                name=f"conv{number}",
            ),
            ReLULayer(name=f"relu{number}"),
        )

    def _stack(self, *layers: Size | Block) -> None:
        number = 0
        for layer in layers:
            if isinstance(layer, Block):
                self.attach(layer)
            else:
                number += 1
                self._convolve(number, layer)


class AllConvNet(_AllConv):
    """Nine convolutions with dropout, for CIFAR-10.

    Source: Springenberg et al., "Striving for simplicity: the all convolutional net", arXiv 1412.6806
    (All-CNN-C).

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> AllConvNet().setup(torch.zeros(1, 3, 32, 32)).num_parameters()
        1369738
    """

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._stack(
            DropoutLayer(0.8, name="dropout1"),
            (3, 1, 96, "SAME"), (3, 1, 96, "SAME"), (3, 2, 96, "SAME"),
            DropoutLayer(0.5, name="dropout2"),
            (3, 1, 192, "SAME"), (3, 1, 192, "SAME"), (3, 2, 192, "SAME"),
            DropoutLayer(0.5, name="dropout3"),
            (3, 1, 192, "VALID"), (1, 1, 192, "SAME"), (1, 1, class_num, "SAME"),
            PoolingLayer(6, 1, "VALID", "avg", name="pool"),
            ReshapeLayer(name="reshape"),
        )  # fmt: skip
        judge(self, class_num)


class AllConvImagenet(_AllConv):
    """Twelve convolutions with dropout, for images of 3×224×224.

    The mean is over all positions that are left: those are 7×7, of which akid's pooling of 5×5 made 3×3.

    Source: Springenberg et al., "Striving for simplicity: the all convolutional net", arXiv 1412.6806.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> AllConvImagenet().setup(torch.zeros(1, 3, 64, 64)).num_parameters()
        9372840
    """

    def __init__(self, class_num: int = 1000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._stack(
            (11, 4, 96, "VALID"), (1, 1, 96, "SAME"), (3, 2, 96, "SAME"),
            (5, 1, 256, "SAME"), (1, 1, 256, "SAME"), (3, 2, 256, "SAME"),
            (3, 1, 384, "SAME"), (1, 1, 384, "SAME"), (3, 2, 384, "SAME"),
            DropoutLayer(0.5, name="dropout1"),
            (3, 1, 1024, "SAME"), (1, 1, 1024, "SAME"), (1, 1, class_num, "SAME"),
            GlobalPoolingLayer(name="pool"),
        )  # fmt: skip
        judge(self, class_num)
