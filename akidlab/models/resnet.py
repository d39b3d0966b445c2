"""Residual networks whose units normalise and fire before they convolve, wide or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from akidlab.blocks import (
    AveragePoolingLayer,
    BatchNormalizationLayer,
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GraphBrain,
    GroupSoftmaxLayer,
    MergeLayer,
    PaddingLayer,
    ReLULayer,
)
from akidlab.errors import BlockError

Convolution: TypeAlias = "tuple[int, int]"  # its window and how many channels it emits


class ResNet(GraphBrain):
    """What residual networks are made of; `CifarResNet` and `ImagenetResNet` are made so.

    Each unit is `bn, relu, conv` two or three times, merged with what it was given. The blocks of the second
    unit of the first stage are called `s1u2_bn1`, `s1u2_relu1` and so on, its sum `s1u2_merge`.

    Sources: He et al., "Identity mappings in deep residual networks", arXiv 1603.05027; Zagoruyko and
    Komodakis, "Wide residual networks", arXiv 1605.07146.

    Args:
        depth: how many layers with weights there are, in the count of the papers.
        width: by how much the convolutions are wider than in the first of the papers.
        class_num: how many classes there are.
        dropout_prob: the probability that a number between two convolutions of a unit is dropped.
        projection_shortcut: where shapes change, the shortcut is a convolution; False takes means and fills
            up with channels of zeros.
        use_gsmax: group softmax in place of ReLU.
        group_size: of the group softmax.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    DECAY = 5e-4

    def __init__(
        self,
        depth: int = 28,
        width: int = 2,
        class_num: int = 10,
        dropout_prob: float | None = None,
        projection_shortcut: bool = True,
        use_gsmax: bool = False,
        group_size: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for what, value in (("depth", depth), ("width", width)):
            if not isinstance(value, int) or value < 1:
                raise BlockError(f"`{what}` of `{self.name}` is a number of 1 or more, found {value!r}.")
        if dropout_prob is not None and not 0 <= dropout_prob < 1:
            raise BlockError(
                "`dropout_prob` is the probability that a number is dropped, below 1; found "
                f"{dropout_prob!r}."
            )
        self.depth, self.width, self.class_num = depth, width, class_num
        self.dropout_prob, self.projection_shortcut = dropout_prob, projection_shortcut
        self.use_gsmax, self.group_size = use_gsmax, group_size

    def _paras(self) -> dict[str, Any]:
        decay = {"type": "l2", "scale": self.DECAY}
        return {"initial_bias_value": None, "init_para": "msra", "wd": decay}

    def _convolution(self, name: str, ksize: int, stride: int, out: int, **options: Any) -> Block:
        # The same on both sides, as in the papers: SAME would pad strided maps at the bottom and right alone.
        pad = (ksize - 1) // 2
        return ConvolutionLayer(
            ksize, stride, pad, out_channel_num=out, name=name, **self._paras(), **options
        )

    def _fires(self, at: str, number: int | str = "") -> list[Block]:
        bn = BatchNormalizationLayer(name=f"{at}bn{number}")
        if self.use_gsmax:
            return [bn, GroupSoftmaxLayer(self.group_size, name=f"{at}gsmax{number}")]
        return [bn, ReLULayer(name=f"{at}relu{number}")]

    def _stage(self, stage: int, units: int, stride: int, given: int, path: Sequence[Convolution]) -> int:
        """Attach a stage to what there is, which emits `given` channels; returns how many it emits."""
        for unit in range(1, units + 1):
            self._unit(f"s{stage}u{unit}_", stride if unit == 1 else 1, given, path)
            given = path[-1][1]
        return given

    def _unit(self, at: str, stride: int, given: int, path: Sequence[Convolution]) -> None:
        entry, out = self.get_last_layer_name(), path[-1][1]
        strided = next(number for number, (ksize, _) in enumerate(path, 1) if ksize > 1)
        for number, (ksize, channels) in enumerate(path, 1):
            self.attach(self._fires(at, number))
            if number == 1:
                fired = self.get_last_layer_name()
            if number == len(path) and self.dropout_prob:
                self.attach(DropoutLayer(1 - self.dropout_prob, name=f"{at}dropout"))
            strides = stride if number == strided else 1
            self.attach(self._convolution(f"{at}conv{number}", ksize, strides, channels))
        if (stride, given) == (1, out):
            shortcut = entry
        elif self.projection_shortcut:
            shortcut = self._project(at, fired, stride, out)
        else:
            shortcut = self._fill(at, entry, stride, out - given)
        self.attach(
            MergeLayer(inputs=[{"name": f"{at}conv{len(path)}"}, {"name": shortcut}], name=f"{at}merge")
        )

    def _project(self, at: str, source: str, stride: int, out: int) -> str:
        self.attach(self._convolution(f"{at}shortcut", 1, stride, out, inputs=[{"name": source}]))
        return f"{at}shortcut"

    def _fill(self, at: str, source: str, stride: int, lacking: int) -> str:
        if stride > 1:
            self.attach(
                AveragePoolingLayer(
                    stride, stride, "SAME", inputs=[{"name": source}], name=f"{at}shortcut_pool"
                )
            )
            source = f"{at}shortcut_pool"
        before = lacking // 2
        sides = [0, (before, lacking - before), 0, 0]
        self.attach(PaddingLayer(sides, inputs=[{"name": source}], name=f"{at}shortcut"))
        return f"{at}shortcut"
