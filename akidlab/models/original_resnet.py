"""Residual networks as they were first: units convolve, then normalise and fire. After Ikkuna, for CIFAR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akidlab.blocks import (
    BatchNormalizationLayer,
    ConvolutionLayer,
    GlobalPoolingLayer,
    GraphBrain,
    InnerProductLayer,
    MergeLayer,
    ReLULayer,
)
from akidlab.models.ends import judge


class OriginalResNet(GraphBrain):
    """Four stages of units that convolve, normalise and fire, for images of 32×32 or so.

    Source: He et al., "Deep residual learning for image recognition", arXiv 1512.03385, with a first
    convolution of 3×3 and no first pooling, as is usual for small images.

    Args:
        units: how many there are in each stage.
        bottleneck: units of 1×1, 3×3 and 1×1 that emit four times the channels, in place of two of 3×3.
        num_classes: how many classes there are.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> OriginalResNet([2, 2, 2, 2]).setup(torch.zeros(1, 3, 32, 32)).num_parameters()
        11173962
    """

    def __init__(
        self, units: Sequence[int], *, bottleneck: bool = False, num_classes: int = 10, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._convolve("", 0, 3, 1, 64)
        self.attach(ReLULayer(name="relu0"))
        given = 64
        for stage, number in enumerate(units, 1):
            channels = 64 * 2 ** (stage - 1)
            out = 4 * channels if bottleneck else channels
            path = [(1, channels), (3, channels), (1, out)] if bottleneck else [(3, out), (3, out)]
            for unit in range(1, number + 1):
                stride = 2 if unit == 1 and stage > 1 else 1
                self._unit(f"s{stage}u{unit}_", stride, given, path)
                given = out
        self.attach(
            GlobalPoolingLayer(name="pool"), InnerProductLayer(out_channel_num=num_classes, name="ip")
        )
        judge(self, num_classes)

    def _unit(self, at: str, stride: int, given: int, path: Sequence[tuple[int, int]]) -> None:
        entry, out = self.get_last_layer_name(), path[-1][1]
        strided = next(number for number, (ksize, _) in enumerate(path, 1) if ksize == 3)
        for number, (ksize, channels) in enumerate(path, 1):
            self._convolve(at, number, ksize, stride if number == strided else 1, channels)
            if number < len(path):
                self.attach(ReLULayer(name=f"{at}relu{number}"))
        branch = self.get_last_layer_name()
        if (stride, given) != (1, out):
            self._convolve(at, "_shortcut", 1, stride, out, source=entry)
            entry = self.get_last_layer_name()
        self.attach(
            MergeLayer(inputs=[{"name": branch}, {"name": entry}], name=f"{at}merge"),
            ReLULayer(name=f"{at}relu{len(path)}"),
        )

    def _convolve(
        self, at: str, number: int | str, ksize: int, stride: int, out: int, source: str | None = None
    ) -> None:
        self.attach(
            ConvolutionLayer(
                ksize,
                stride,
                (ksize - 1) // 2,
                out_channel_num=out,
                initial_bias_value=None,
                inputs=None if source is None else [{"name": source}],
                name=f"{at}conv{number}",
            ),
            BatchNormalizationLayer(name=f"{at}bn{number}"),
        )


def resnet18(num_classes: int = 10, **kwargs: Any) -> OriginalResNet:
    """ResNet-18 for small images: 11,173,962 parameters for ten classes of colour images."""
    return OriginalResNet([2, 2, 2, 2], num_classes=num_classes, **kwargs)


def resnet34(num_classes: int = 10, **kwargs: Any) -> OriginalResNet:
    """ResNet-34 for small images."""
    return OriginalResNet([3, 4, 6, 3], num_classes=num_classes, **kwargs)


def resnet50(num_classes: int = 10, **kwargs: Any) -> OriginalResNet:
    """ResNet-50 for small images."""
    return OriginalResNet([3, 4, 6, 3], bottleneck=True, num_classes=num_classes, **kwargs)


def resnet101(num_classes: int = 10, **kwargs: Any) -> OriginalResNet:
    """ResNet-101 for small images."""
    return OriginalResNet([3, 4, 23, 3], bottleneck=True, num_classes=num_classes, **kwargs)


def resnet152(num_classes: int = 10, **kwargs: Any) -> OriginalResNet:
    """ResNet-152 for small images."""
    return OriginalResNet([3, 8, 36, 3], bottleneck=True, num_classes=num_classes, **kwargs)
