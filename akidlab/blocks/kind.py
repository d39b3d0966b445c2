"""Kind: the type and the device of a signal, and of the parameters that suit it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.signal import Signal
from akidlab.errors import BlockError


def kind_of(tensor: Tensor) -> str:
    """Type and device, for an error."""
    return f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"


def like(signal: Signal) -> dict[str, Any]:
    """Device and type of the parameters that suit a signal, or the first of several."""
    if isinstance(signal, list) and signal:
        signal = signal[0]
    if not isinstance(signal, Tensor):
        return {}
    kind = signal.dtype if signal.is_floating_point() else torch.get_default_dtype()
    return {"device": signal.device, "dtype": kind}


def check_kind(block: Block, signal: Tensor, weight: Tensor | None = None) -> None:
    """Raise a BlockError unless `signal` holds fractions, and can be computed with `weight`."""
    if not signal.is_floating_point():
        raise BlockError(
            f"`{block.name}` wants numbers with fractions, found {kind_of(signal)}. "
            "Convert the input, for instance by x.float() / 255."
        )
    if weight is None or (weight.device, weight.dtype) == (signal.device, signal.dtype):
        return
    if weight.device != signal.device or not torch.is_autocast_enabled(signal.device.type):
        raise BlockError(
            f"`{block.name}` holds {kind_of(weight)}, found an input of {kind_of(signal)}. "
            "Bring both together, by brain.to(x.device, x.dtype) or by converting the input."
        )
