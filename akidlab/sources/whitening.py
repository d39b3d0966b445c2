"""Whitening: images without what all of them share, in contrast and in the correlation of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from akidlab.config import cache_path
from akidlab.errors import DataError
from akidlab.sources import kept
from akidlab.sources.alone import alone

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from typing_extensions import Self

_CHUNK = 4096


def contrast_normalize(
    images: Float[Tensor, "n ..."], scale: float = 55.0, bias: float = 0.0, floor: float = 1e-8
) -> Float[Tensor, "n ..."]:
    """Global contrast normalisation: from each image its mean is taken, then it is divided by its contrast.

    `x' = scale * (x - mean) / sqrt(bias + sum((x - mean)^2))`, the sums over all values of an image. Images
    without contrast (below `floor`) become zero.

    Source: I. Goodfellow, Y. Bengio and A. Courville, "Deep learning", 2016, section 12.2.1.1, in the scale
    of the whitened CIFAR-10 of "Maxout networks", 2013.

    Args:
        images: the images, one a row.
        scale: the norm that an image has afterwards (where `bias` is 0).
        bias: what keeps images of little contrast from being blown up.
        floor: the contrast, divided by `scale`, below which an image is left undivided.

    Example:
        >>> contrast_normalize(torch.tensor([[1.0, 3.0], [5.0, 5.0]]), scale=2**0.5)
        tensor([[-1.,  1.],
                [ 0.,  0.]])
    """
    rows = images.flatten(1)
    rows = rows - rows.mean(dim=1, keepdim=True)
    contrast = (rows.square().sum(dim=1, keepdim=True) + bias).sqrt() / scale
    return (rows / contrast.masked_fill(contrast < floor, 1)).view_as(images)


@dataclass(frozen=True, eq=False, repr=False)
class ZCAWhitening:
    """A rotation-free whitening: pixels without correlation, as near to the images as can be.

    With the mean `m` and the covariance `C = V diag(d) V'` of the training images, `x' = (x - m) W`,
    `W = V diag(1 / sqrt(d + bias)) V'`.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009, appendix A; with the
    bias of A. Coates, H. Lee and A. Ng, "An analysis of single-layer networks in unsupervised feature
    learning", 2011.

    Args:
        mean: `m`, the mean of each value.
        matrix: `W`.
        back: the inverse of `W`.

    Example:
        >>> images = torch.randn(500, 1, 4, 4, generator=torch.Generator().manual_seed(0)).cumsum(-1)
        >>> whiten = ZCAWhitening.fit(images, bias=0.0)
        >>> torch.allclose(whiten(images).flatten(1).T.cov(correction=0), torch.eye(16), atol=1e-3)
        True
        >>> torch.allclose(whiten.inverse(whiten(images)), images, atol=1e-3)
        True
    """

    mean: Float[Tensor, " values"]
    matrix: Float[Tensor, "values values"]
    back: Float[Tensor, "values values"]

    @classmethod
    def fit(cls, images: Float[Tensor, "n ..."], bias: float = 0.1) -> Self:
        """The whitening of these images.

        Args:
            images: the images to learn from, one a row.
            bias: what is added to each eigenvalue, so that noise is not blown up.

        Raises:
            DataError: if there are fewer than two, or a direction has no variance and `bias` is 0.
        """
        rows = images.flatten(1)
        if len(rows) < 2:
            raise DataError(f"Whitening is learned from many images, found {len(rows)}.")
        mean = sum((chunk.double().sum(0) for chunk in rows.split(_CHUNK)), rows.new_zeros(())) / len(rows)
        covariance = sum(_products(chunk.double() - mean) for chunk in rows.split(_CHUNK)) / len(rows)
        values, vectors = torch.linalg.eigh(covariance)
        variance = values.clamp(min=0) + bias
        if variance[0] <= 1e-12 * variance[-1]:
            raise DataError(
                f"In some direction the images do not vary (their least variance is {values[0]:.1e}), so "
                f"that it cannot be made 1. Give a `bias` above 0, for instance 0.1, or more images."
            )
        spread = variance.sqrt()
        matrix, back = (vectors / spread) @ vectors.T, (vectors * spread) @ vectors.T
        return cls(*(tensor.to(rows.dtype) for tensor in (mean, matrix, back)))

    @classmethod
    def cached(cls, images: Float[Tensor, "n ..."], bias: float = 0.1, folder: Path | None = None) -> Self:
        """As `fit`, but kept on disk, for these very images: for 50,000 of 3x32x32 it takes half a minute.

        Args:
            images: the images to learn from.
            bias: as in `fit`.
            folder: where it is kept, `whitening` in the cache of akidlab by default.
        """
        name = f"zca-{kept.digest(images, repr(bias))}.safetensors"
        path = (folder or cache_path() / "whitening") / name
        with alone(path):
            tensors = kept.load(path)
            if tensors is None:
                whitening = cls.fit(images, bias)
                kept.save(vars(whitening), path)
                return whitening
        return cls(**{name: tensor.to(images.device) for name, tensor in tensors.items()})

    def __call__(self, images: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The images, whitened.

        Raises:
            DataError: if they have another number of values than those it was learned from.
        """
        return ((self._rows(images) - self.mean) @ self.matrix).view_as(images)

    def inverse(self, images: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """The images that whitening makes into these.

        Raises:
            DataError: if they have another number of values than those it was learned from.
        """
        return (self._rows(images) @ self.back + self.mean).view_as(images)

    def _rows(self, images: Tensor) -> Tensor:
        rows = images.flatten(1)
        if rows.shape[1] != len(self.mean):
            raise DataError(
                f"The whitening was learned from images of {len(self.mean)} values, found "
                f"{rows.shape[1]} (shape {tuple(images.shape)}). Learn it from images of that kind."
            )
        return rows

    def __repr__(self) -> str:
        return f"ZCAWhitening of {len(self.mean)} values"


def _products(rows: Tensor) -> Tensor:
    return rows.T @ rows
