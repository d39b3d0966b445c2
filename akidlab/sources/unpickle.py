"""Arrays out of a pickle, without running what else it may hold: CIFAR's python format is made of pickles."""

from __future__ import annotations

import codecs
import io
import pickle
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct  # what pickles of arrays begin with, under its name of today

from akidlab.errors import DataError


def _dtype(kind: Any, align: int = 0, copy: int = 0) -> np.dtype:
    return np.dtype(kind, align=bool(align), copy=bool(copy))  # old pickles say 0, which NumPy deprecates


_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): codecs.encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise DataError(f"it asks for `{module}.{name}`, which no array needs; it was not run.")
        return _ALLOWED[module, name]


def unpickle(content: bytes) -> Any:
    """What a pickle of numbers, text, lists, dictionaries and arrays holds, Python 2's included.

    Raises:
        DataError: if it is torn, or asks for anything else.

    Example:
        >>> unpickle(pickle.dumps({"labels": [3, 8]}))
        {'labels': [3, 8]}
    """
    try:
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except DataError:
        raise
    except Exception as error:  # a torn pickle can raise anything
        raise DataError(f"it is no pickle of arrays, or a torn one ({error}).") from None
