"""Perceptrons: brains of inner products alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akidlab.blocks import GraphBrain, InnerProductLayer, ReLULayer
from akidlab.models.ends import fit, judge


class _Perceptron(GraphBrain):
    """Inner products with ReLUs in between: `ip1`, `relu1`, `ip2` and so on."""

    def __init__(self, hidden: Sequence[int], class_num: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for number, size in enumerate(hidden, 1):
            self.attach(
                InnerProductLayer(out_channel_num=size, name=f"ip{number}"), ReLULayer(name=f"relu{number}")
            )
        self.attach(InnerProductLayer(out_channel_num=class_num, name=f"ip{len(hidden) + 1}"))
        judge(self, class_num)


class PatriceNet(_Perceptron):
    """One hidden layer of 800.

    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual
    document analysis", 2003.

    Args:
        class_num: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> PatriceNet().setup(torch.zeros(1, 1, 28, 28)).num_parameters()
        636010
    """

    SETTLED = ("hidden",)

    def __init__(self, class_num: int = 10, **kwargs: Any) -> None:
        super().__init__([800], class_num, **kwargs)


class FullyConnectedModel(_Perceptron):
    """Four wide hidden layers: 4000, 4000, 4000 and 1000. After Ikkuna.

    Args:
        input_shape: (height, width, channels) of an image, to set up at once; None to wait for the first.
        num_classes: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> FullyConnectedModel((8, 8, 1), num_classes=10).num_parameters()
        36279010
    """

    SETTLED = ("hidden", "class_num")

    def __init__(
        self, input_shape: Sequence[int] | None = None, num_classes: int = 1000, **kwargs: Any
    ) -> None:
        super().__init__([4000, 4000, 4000, 1000], num_classes, **kwargs)
        fit(self, input_shape)
