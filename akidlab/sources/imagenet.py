"""ImagenetTorchSource: ImageNet, or what is laid out like it, cut as is usual."""

from __future__ import annotations

import os

from akidlab.config import data_path
from akidlab.sources.image_folder import ImageFolderSource


class ImagenetTorchSource(ImageFolderSource):
    """ImageNet as folders of pictures: images of 3x224x224, about of mean 0 and deviation 1.

    Training pictures are cut at random and mirrored half the time, validation ones cut in the middle.

    Args:
        work_dir: the folder with `train/` and `val/`, `imagenet` in the folder of data sets by default.
        random_sized_crop: True to cut parts of random area and shape, False to cut squares of 224 out of
            pictures whose shorter side is 256.
        seed: what crops and mirroring are drawn from.
        name: what to call it.

    Example:
        >>> ImagenetTorchSource("imagenet").crop
        'random_sized'
    """

    def __init__(
        self,
        work_dir: str | os.PathLike[str] | None = None,
        random_sized_crop: bool = True,
        *,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            work_dir if work_dir is not None else data_path() / "imagenet",
            crop="random_sized" if random_sized_crop else "random",
            flip=True,
            seed=seed,
            name=name,
        )
