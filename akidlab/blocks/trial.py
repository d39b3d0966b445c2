"""Trials: set-up leaves no trace where it should not, and nothing at all where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from akidlab.blocks.block import Block

_REGISTERS = ("_parameters", "_buffers", "_modules")


@contextmanager
def trial(block: Block) -> Iterator[None]:
    """A pass that leaves no trace: no gradients, no dropout, no running statistics, no random numbers."""
    modes = [(module, module.training) for module in block.modules()]
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for device in ("cpu", "cuda"):  # autocast would make parameters of what it casts to
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        try:
            block.eval()
            yield
        finally:
            for module, training in modes:
                module.training = training


@contextmanager
def whole(block: Block) -> Iterator[None]:
    """A set-up that succeeds as a whole; if it fails, what was not set up before is as it was.

    Otherwise a first input of the wrong shape would decide the sizes of the layers that it reached.
    """
    fresh = [module for module in block.modules() if not getattr(module, "_is_setup", True)]
    before = [
        (module.__dict__, dict(module.__dict__), [dict(module.__dict__[key]) for key in _REGISTERS])
        for module in fresh
    ]
    try:
        yield
    except BaseException:
        for attributes, were, registers in before:
            attributes.clear()
            attributes.update(were)
            for key, held in zip(_REGISTERS, registers, strict=True):
                attributes[key].clear()
                attributes[key].update(held)
        raise
