"""Under way: an edit while it is being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from akidlab.blocks.block import Block
from akidlab.blocks.edit import Picture
from akidlab.blocks.example import made_like
from akidlab.blocks.feedback import Memory
from akidlab.blocks.refit import Refit
from akidlab.blocks.seed import Seed
from akidlab.blocks.trial import Snapshot, trial

if TYPE_CHECKING:
    from akidlab.blocks.system import System


class UnderWay:
    """An edit that is being made.

    Args:
        root: the outermost system, to which shapes are fitted.
    """

    def __init__(self, root: System) -> None:
        self.root, self.refit, self.was_setup = root, Refit(), root.is_setup
        self.before, self.picture = Snapshot(root.modules()), Picture(root)
        self.acts: list[str] = []

    def take(self, block: object) -> None:
        """Note how a block is before it is changed, so that it can be put back."""
        if isinstance(block, Block):
            self.before.add(block.modules())

    def fit(self, seed: int | None) -> None:
        """Infer the shapes of the edited system again, where they were known."""
        root = self.root
        if root._example is not None or self.was_setup:
            start = Seed(Seed.given(seed).number, refit=self.refit)
            with trial(root):
                root._prepare(made_like(root._example, root), start)
        for module in root.modules():
            memory = module._modules.get("_memory")
            if isinstance(memory, Memory):
                memory.keep_only({block.name: block.out_shape for block in cast("System", module).blocks})


def outermost(system: System) -> System:
    """The system around all, as far as it knows of those around it: each plan tells the systems within."""
    while system._above is not None:
        above = system._above()
        if above is None or above._modules.get(system.name) is not system:
            break
        system = above
    return system
