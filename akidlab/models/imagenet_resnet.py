"""The residual network for ImageNet."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import GlobalPoolingLayer, InnerProductLayer, PoolingLayer
from akidlab.errors import BlockError
from akidlab.models.ends import judge
from akidlab.models.resnet import Convolution, ResNet

UNITS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
CHANNELS = (64, 128, 256, 512)


class ImagenetResNet(ResNet):
    """Four stages, for images of 3×224×224; from a depth of 50 on, units are bottlenecks of 1×1, 3×3 and 1×1.

    A bottleneck emits four times the channels of its stage; `width` widens what is within. (akid's could not
    be constructed, and would have made bottlenecks of depths 18 and 34.)

    Args:
        depth: 18, 34, 50, 101, 152 or 200.
        width: by how much the convolutions are wider.
        class_num: how many classes there are.
        **kwargs: those of `ResNet`.

    Raises:
        BlockError: if there is no such depth.

    Example:
        >>> ImagenetResNet(18).setup(torch.zeros(1, 3, 64, 64)).num_parameters()
        11687848
    """

    DECAY = 1e-4

    def __init__(self, depth: int = 50, width: int = 1, class_num: int = 1000, **kwargs: Any) -> None:
        super().__init__(depth, width, class_num, **kwargs)
        if depth not in UNITS:
            raise BlockError(
                f"`depth` of an ImagenetResNet is one of {', '.join(map(str, UNITS))}; found {depth}."
            )
        self.attach(
            self._convolution("conv0", 7, 2, 64),
            self._fires("", 0),
            PoolingLayer(3, 2, 1, name="pool0"),
        )
        given = 64
        for stage, (units, channels) in enumerate(zip(UNITS[depth], CHANNELS, strict=True), 1):
            given = self._stage(stage, units, 1 if stage == 1 else 2, given, self._path(channels))
        self.attach(
            self._fires(""),
            GlobalPoolingLayer(name="pool"),
            InnerProductLayer(out_channel_num=class_num, wd={"type": "l2", "scale": self.DECAY}, name="ip"),
        )
        judge(self, class_num)

    def _path(self, channels: int) -> list[Convolution]:
        wide = channels * self.width
        return [(3, wide), (3, wide)] if self.depth < 50 else [(1, wide), (3, wide), (1, 4 * channels)]
