"""ArraySource: data that are already in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from akidlab.errors import DataError
from akidlab.sources.source import Source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    Arrays = ArrayLike | Tensor | Sequence[ArrayLike | Tensor]


class ArraySource(Source):
    """Data that are already in memory, as NumPy arrays or tensors.

    Floating values and images of bytes become float32, other integers int64 (labels, tokens).
    Images are `[samples, channels, height, width]`.

    Args:
        train: the arrays to learn from, labels last: `(x, y)`.
        val: the arrays to validate with, if any.
        test: the arrays to test with, if any.
        name: what to call it.

    Raises:
        DataError: if the arrays differ in length, are empty, ragged, not numbers, or if the parts do not fit
            each other.

    Example:
        >>> import numpy as np
        >>> ArraySource((np.zeros((6, 1, 8, 8)), np.arange(6)))
        ArraySource 'array': 6 training samples of 1x8x8
    """

    NAME = "array"

    def __init__(
        self, train: Arrays, val: Arrays | None = None, test: Arrays | None = None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._training = _part(train, "train")
        self._validation = None if val is None else _part(val, "val", self._training)
        self._test = None if test is None else _part(test, "test", self._training)

    @property
    def training(self) -> tuple[Tensor, ...]:
        return self._training

    @property
    def validation(self) -> tuple[Tensor, ...] | None:
        return self._validation

    @property
    def test(self) -> tuple[Tensor, ...] | None:
        return self._test


def _part(arrays: Arrays, mode: str, like: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
    group = cast("Sequence[Any]", arrays if isinstance(arrays, (tuple, list)) else (arrays,))
    if not group:
        raise DataError(f"`{mode}` holds no array. Give the inputs and the labels: `(x, y)`.")
    tensors = tuple(as_samples(array, f"Array {i} of `{mode}`") for i, array in enumerate(group))
    lengths = [len(tensor) for tensor in tensors]
    if len(set(lengths)) > 1:
        raise DataError(
            f"The arrays of `{mode}` differ in length: {lengths}. Each needs one row for every sample."
        )
    if lengths[0] == 0:
        raise DataError(f"`{mode}` holds no samples. Leave it out, or give it some.")
    if like is not None:
        _check_alike(tensors, like, mode)
    return tensors


def as_samples(array: ArrayLike | Tensor, what: str) -> Tensor:
    """`array` as a tensor of samples: floating values and images of bytes float32, other integers int64.

    Raises:
        DataError: if it is ragged, a single value, or does not hold real numbers; `what` says what it is.
    """
    tensor = array.detach() if isinstance(array, torch.Tensor) else _from_numpy(array, what)
    if tensor.dim() == 0:
        raise DataError(f"{what} is a single value, {tensor.item()}. Its first axis must be the samples.")
    if tensor.is_complex():
        raise DataError(f"{what} holds {tensor.dtype}. Give real numbers, for instance two channels.")
    if tensor.is_floating_point() or (tensor.dtype == torch.uint8 and tensor.dim() > 1):
        return tensor.to(torch.float32).contiguous()
    return tensor.to(torch.int64).contiguous()


def _from_numpy(array: ArrayLike, what: str) -> Tensor:
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise DataError(f"{what} is ragged: {error} Pad its rows to one length.") from None
    if values.dtype.kind not in "biuf":
        raise DataError(f"{what} holds `{values.dtype}`, not numbers. Encode it as numbers first.")
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:  # a long double, which torch lacks
        values = values.astype(np.float64)
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)
    values = np.asarray(values, dtype=values.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(values if values.flags.writeable else values.copy())


def _check_alike(tensors: tuple[Tensor, ...], like: tuple[Tensor, ...], mode: str) -> None:
    if len(tensors) != len(like):
        raise DataError(f"`{mode}` holds {len(tensors)} arrays and `train` {len(like)}. Give as many.")
    for i, (tensor, other) in enumerate(zip(tensors, like, strict=True)):
        if tensor.shape[1:] != other.shape[1:] or tensor.dtype != other.dtype:
            raise DataError(
                f"Array {i} of `{mode}` has samples of {_kind(tensor)}, that of `train` {_kind(other)}. "
                f"Give both the same shape and type."
            )


def _kind(tensor: Tensor) -> str:
    return f"shape {tuple(tensor.shape[1:])} and type {str(tensor.dtype).removeprefix('torch.')}"
