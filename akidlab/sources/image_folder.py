"""ImageFolderSource: pictures in folders, one for each class, read when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from akidlab.errors import DataError, unknown
from akidlab.sources import pictures
from akidlab.sources.draws import checked_seed, draws
from akidlab.sources.folder_listing import Listing, classes, listing
from akidlab.sources.lazy import LazySource
from akidlab.sources.source import check_mode

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PIL.Image import Image
    from torch import Tensor

    from akidlab.sources.source import Indices

#: Of the pixels of ImageNet, between 0 and 1: red, green, blue; and grey.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GREY_MEAN, GREY_DEVIATION = (0.449,), (0.226,)
CROPS = ("center", "random", "random_sized")


class ImageFolderSource(LazySource):
    """Pictures in folders, one for each class, read when they are asked for: they need not fit in memory.

    `work_dir` has `train/`, and perhaps `val/` and `test/`, each with a folder for each class; or the folders
    of the classes themselves, which are all to learn from then, but for `validation_rate`. Pictures are
    brought to `resize` on their shorter side, and the square in the middle is cut out. What is random in
    training pictures depends on the seed, the epoch and the picture alone.

    Args:
        work_dir: the folder.
        size: width and height of an image, in pixels.
        resize: how long the shorter side of a picture is made before, 8/7 of `size` by default.
        crop: what is cut out of training pictures: the `center`, a `random` square, or a part of
            `random_sized` area and shape, brought to `size`.
        flip: True to mirror training pictures half the time.
        color: False to read them in grey, as one channel.
        mean: what is taken from each channel, of values between 0 and 1; that of ImageNet by default.
        deviation: what each channel is divided by after that; that of ImageNet by default.
        validation_rate: the part of the training pictures to validate with, where there is no `val/`.
        seed: what that part, crops and mirroring are drawn from.
        name: what to call it.

    Raises:
        UnknownNameError: if there is no such crop.
        DataNotFoundError: if there is no such folder.
        DataError: if there are no pictures, or a picture, when asked for, cannot be read.

    Example:
        >>> from PIL import Image
        >>> for path in (Path("pets/cat/1.png"), Path("pets/dog/1.png"), Path("pets/dog/2.png")):
        ...     path.parent.mkdir(parents=True, exist_ok=True)
        ...     Image.new("RGB", (60, 40)).save(path)
        >>> source = ImageFolderSource("pets", size=32)
        >>> source, source.classes, source.fetch("train", [2])[1]
        (ImageFolderSource 'pets': 3 training samples of 3x32x32, ['cat', 'dog'], tensor([1]))
    """

    NAME = "images"

    def __init__(
        self,
        work_dir: str | os.PathLike[str],
        size: int = 224,
        *,
        resize: int | None = None,
        crop: str = "center",
        flip: bool = False,
        color: bool = True,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
        validation_rate: float = 0.0,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        self.work_dir = Path(work_dir).absolute()
        super().__init__(name=name or self.work_dir.name)
        if crop not in CROPS:
            raise unknown("crop", crop, CROPS)
        self.image_size, self.resize = size, round(size * 256 / 224) if resize is None else resize
        if not 1 <= size <= self.resize:
            raise DataError(
                f"`size` must lie in 1 to `resize`, which is {self.resize}, found {size}: a square of "
                f"`size` is cut out of a picture whose shorter side is `resize`."
            )
        if not 0 <= validation_rate < 1:
            raise DataError(
                f"`validation_rate` must lie from 0 up to, but not, 1, found {validation_rate!r}."
            )
        self.crop, self.flip, self.color, self.seed = crop, flip, color, checked_seed(seed)
        self.mean = _channels("mean", mean, MEAN if color else GREY_MEAN)
        self.deviation = _channels("deviation", deviation, DEVIATION if color else GREY_DEVIATION)
        self.validation_rate = validation_rate

    @cached_property
    def classes(self) -> list[str]:
        """The names of the classes, by label."""
        return classes(self._train_folder)

    def size(self, mode: str = "train") -> int:
        """How many pictures the part of a mode has, 0 where there is none."""
        check_mode(mode)
        return len(self._listings.get(mode, ()))

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.mean), self.image_size, self.image_size)

    def fetch(self, mode: str, indices: Indices, epoch: int = 0) -> tuple[Tensor, ...]:
        """Some pictures of a part, with their labels, as batches; training ones cut anew each epoch.

        Raises:
            DataError: if there is no such part or no such picture, or it cannot be read.
        """
        rows = self.rows(mode, indices)
        files = self._listings[mode]
        images = np.empty((len(rows), *self.shape), np.uint8)
        for image, row, chance in zip(images, rows.tolist(), self._chances(mode, rows, epoch), strict=True):
            picture = pictures.open_picture(files.path(row), self.color)
            image[:] = self._image(picture, chance)
        return self._normalized(images), files.labels[rows]

    def path(self, index: int, mode: str = "train") -> Path:
        """The file of a picture."""
        self.rows(mode, [index])
        return self._listings[mode].path(index)

    def _chances(self, mode: str, rows: Tensor, epoch: int) -> list[list[float]] | list[None]:
        """What the crop and the mirroring of each picture are drawn from, None where nothing is random."""
        if mode != "train" or (self.crop == "center" and not self.flip):
            return [None] * len(rows)
        return draws(self.seed, epoch, rows, 1 + pictures.CHANCES).tolist()

    def _image(
        self, picture: Image, chances: list[float] | None
    ) -> UInt8[np.ndarray, "channels height width"]:
        if chances is not None and self.crop == "random_sized":
            picture = pictures.random_sized(picture, self.image_size, chances[1:])
        else:
            picture = pictures.shortened(picture, self.resize)
            where = chances[1:3] if chances is not None and self.crop == "random" else None
            picture = pictures.square(picture, self.image_size, where)
        values = pictures.pixels(picture)
        return values[:, :, ::-1] if chances is not None and self.flip and chances[0] < 0.5 else values

    def _normalized(self, images: np.ndarray) -> Tensor:
        mean, deviation = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.deviation))
        return torch.from_numpy(images).float().sub_(255 * mean).div_(255 * deviation)

    @property
    def _train_folder(self) -> Path:
        return self.work_dir / "train" if (self.work_dir / "train").is_dir() else self.work_dir

    @cached_property
    def _listings(self) -> dict[str, Listing]:
        """The pictures of each part, listed once."""
        found = {"train": listing(self._train_folder, self.classes)}
        if self._train_folder != self.work_dir:
            for mode in ("val", "test"):
                if (self.work_dir / mode).is_dir():
                    found[mode] = listing(self.work_dir / mode, self.classes)
        if "val" not in found and self.validation_rate:
            found["train"], found["val"] = found["train"].divided(self.validation_rate, self.seed)
        return {mode: files for mode, files in found.items() if len(files)}


def _channels(what: str, values: Sequence[float] | None, usual: tuple[float, ...]) -> tuple[float, ...]:
    chosen = usual if values is None else tuple(values)
    if len(chosen) != len(usual):
        raise DataError(
            f"`{what}` has {len(chosen)} values, but pictures in {'colour' if len(usual) == 3 else 'grey'} "
            f"have {len(usual)} channels. Give one for each."
        )
    return chosen
