"""The wide residual network for CIFAR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akidlab.blocks import (
    AveragePoolingLayer,
    CollapseOutLayer,
    GlobalPoolingLayer,
    InnerProductLayer,
    ReshapeLayer,
    SoftmaxWithLossLayer,
)
from akidlab.errors import BlockError
from akidlab.models.ends import judge
from akidlab.models.resnet import ResNet

SIBLINGS = 5  # the classes of a superclass of CIFAR-100


class CifarResNet(ResNet):
    """Three stages of units with two convolutions of 3×3, for images of 32×32 or so.

    Args:
        color_channel_num: how many channels an image has; None takes it from the first input.
        pool_size: of the last pooling, whose window is the whole map of an image of 32×32; None for whatever
            the map measures.
        n_stages: how many channels the first convolution and the three stages emit; by default
            `[16, 16 * width, 32 * width, 64 * width]`.
        sub_class_multiplier_ratio: the share of the classes in the loss, with `h_loss`; the rest is that of
            the superclasses.
        h_loss: judge superclasses too, by the mean logit of their five classes: for labels as those of
            `HCifar100Source`, which are the superclass and the class.
        **kwargs: those of `ResNet`, above all `depth`, which is a multiple of 6 plus 4, and `width`.

    Raises:
        BlockError: if there is no such depth, or classes do not come in fives (with `h_loss`).

    Example:
        >>> CifarResNet(depth=16, width=1).setup(torch.zeros(2, 1, 32, 32)).num_parameters()
        174778
    """

    def __init__(
        self,
        color_channel_num: int | None = None,
        pool_size: int | None = 8,
        n_stages: Sequence[int] | None = None,
        sub_class_multiplier_ratio: float = 0.5,
        h_loss: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (self.depth - 4) % 6 or self.depth < 10:
            raise BlockError(
                f"`depth` of a CifarResNet is a multiple of 6 plus 4, such as 16, 22, 28 or 40; found "
                f"{self.depth}."
            )
        if not self.projection_shortcut:
            self.DECAY = 2e-4
        first, *stages = _channels(n_stages, self.width)
        self.attach(self._convolution("conv0", 3, 1, first, in_channel_num=color_channel_num))
        for number, channels in enumerate(stages, 1):
            stride = 1 if number == 1 else 2
            path = [(3, channels), (3, channels)]
            first = self._stage(number, (self.depth - 4) // 6, stride, first, path)
        self.attach(self._fires(""))
        if pool_size is None:
            self.attach(GlobalPoolingLayer(name="pool"))
        else:
            self.attach(AveragePoolingLayer(pool_size, 1, "VALID", name="pool"), ReshapeLayer(name="reshape"))
        decay = {"type": "l2", "scale": self.DECAY}
        self.attach(InnerProductLayer(out_channel_num=self.class_num, wd=decay, name="ip"))
        if h_loss:
            self._judge_both(sub_class_multiplier_ratio)
        else:
            judge(self, self.class_num)

    def _judge_both(self, share: float) -> None:
        groups, left = divmod(self.class_num, SIBLINGS)
        if left or not 0 <= share <= 1:
            raise BlockError(
                f"With `h_loss`, `class_num` is a multiple of {SIBLINGS} and `sub_class_multiplier_ratio` "
                f"lies between 0 and 1; found {self.class_num} and {share!r}."
            )
        self.attach(
            CollapseOutLayer(SIBLINGS, type="average_out", name="super_ip"),
            SoftmaxWithLossLayer(
                class_num=groups,
                multiplier=1 - share,
                inputs=[{"name": "super_ip"}, {"name": "system_in", "idxs": [1]}],
                name="super_class_loss",
            ),
            SoftmaxWithLossLayer(
                class_num=self.class_num,
                multiplier=share,
                inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [2]}],
                name="loss",
            ),
        )


def _channels(n_stages: Sequence[int] | None, width: int) -> list[int]:
    if n_stages is None:
        return [16, 16 * width, 32 * width, 64 * width]
    if len(n_stages) != 4:
        raise BlockError(
            "`n_stages` says how many channels the first convolution and the three stages emit, such as "
            f"[16, 32, 64, 128]; found {n_stages!r}."
        )
    return list(n_stages)
