"""Trials: set-up leaves no trace where it should not, and nothing at all where it fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from akidlab.blocks.refit import REGISTERS

if TYPE_CHECKING:
    from akidlab.blocks.block import Block


@contextmanager
def trial(block: Block) -> Iterator[None]:
    """A pass that leaves no trace: no gradients, no dropout, no running statistics, no random numbers."""
    modes = {id(module): module.training for module in block.modules()}
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
            _put_back(block, modes, block.training)


def _put_back(module: nn.Module, modes: Mapping[int, bool], around: bool) -> None:
    # What was made meanwhile takes over the mode of what it is a part of.
    module.training = modes.get(id(module), around)
    for child in module.children():
        _put_back(child, modes, module.training)


@contextmanager
def whole(block: Block) -> Iterator[None]:
    """A set-up that succeeds as a whole; if it fails, what was not set up before is as it was.

    Otherwise a first input of the wrong shape would decide the sizes of the layers that it reached.
    """
    before = Snapshot(module for module in block.modules() if not getattr(module, "_is_setup", True))
    try:
        yield
    except BaseException:
        before.restore()
        raise


class Snapshot:
    """Modules as they are now: what each holds, though not the numbers in its tensors.

    Args:
        modules: those that may have to be put back.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self._before: dict[int, tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = {}
        self.add(modules)

    def add(self, modules: Iterable[nn.Module]) -> None:
        """Take in more of them; one that is here already stays as it was first seen."""
        for module in modules:
            held = module.__dict__
            parts = [dict(held[key]) for key in REGISTERS]
            self._before.setdefault(id(held), (held, dict(held), parts))

    def restore(self) -> None:
        """Put every module back."""
        for attributes, were, registers in self._before.values():
            attributes.clear()
            attributes.update(were)
            for key, held in zip(REGISTERS, registers, strict=True):
                attributes[key].clear()
                attributes[key].update(held)
