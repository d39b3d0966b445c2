"""Packing: a model as it is at this moment, on its way to the process of a probe."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import cloudpickle
import torch
from torch import Tensor, nn

from akidlab.errors import KindError


def pack(value: object, models: Iterable[nn.Module]) -> bytes:
    """`value` pickled, with all its tensors on the CPU.

    What the models hold is copied first, in one go: training may go on meanwhile.

    Args:
        value: what travels.
        models: those within it whose weights are taken now.

    Raises:
        KindError: if something cannot travel.
    """
    held = {id(t): t for model in models for t in (*model.parameters(), *model.buffers())}
    now = {number: tensor.detach().to("cpu", copy=True) for number, tensor in held.items()}
    with io.BytesIO() as file:
        try:
            _Packer(file, now).dump(value)
        except Exception as error:  # whatever pickling raises
            raise KindError(
                "A probe takes the model to a process of its own, and something in it cannot travel: "
                f"{error}. Take hooks that you registered off the model, or give a copy without them."
            ) from error
        return file.getvalue()


class _Packer(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO, now: dict[int, Tensor]) -> None:
        super().__init__(file)
        self._now = now

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in (Tensor, nn.Parameter) and obj.layout is torch.strided and not obj.is_meta:
            kind = "parameter" if isinstance(obj, nn.Parameter) else "tensor"
            return _unpacked, (_bytes(self._now.get(id(obj), obj)), kind, obj.requires_grad)
        return super().reducer_override(obj)


def _bytes(tensor: Tensor) -> bytes:
    with io.BytesIO() as file:
        plain = tensor.detach().to("cpu", copy=True)  # a view would bring along all that it is a view of
        torch.save(plain, file)
        return file.getvalue()


def _unpacked(data: bytes, kind: str, requires_grad: bool) -> Tensor:
    tensor = torch.load(io.BytesIO(data), weights_only=True)
    if kind == "parameter":
        return nn.Parameter(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)
