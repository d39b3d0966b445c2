"""The topologies of systems: blocks in a row, and blocks wired by name."""

from __future__ import annotations

from typing import Any

from akidlab.blocks import plan as plans
from akidlab.blocks.block import Block
from akidlab.blocks.plan import Plan
from akidlab.blocks.signal import Signal
from akidlab.blocks.system import System
from akidlab.errors import BlockError


class SequentialSystem(System):
    """Blocks in a row: each is given all that the one before emits.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> from akidlab import InnerProductLayer, ReLULayer, SequentialSystem
        >>> system = SequentialSystem(name="head")
        >>> system.attach(InnerProductLayer(out_channel_num=8), ReLULayer())(torch.ones(2, 4)).shape
        torch.Size([2, 8])
    """

    WIRED = False

    def _attach(self, block: object, at: int | None = None) -> None:
        if isinstance(block, Block) and block.inputs is not None:
            raise BlockError(
                f"`{self.name}` is sequential: `{block.name}` is given what the block before emits, so it "
                "takes no `inputs`. Use a GraphSystem or a GraphBrain to wire by name."
            )
        super()._attach(block, at)

    def _compile(self) -> Plan:
        return plans.sequential(self.blocks)

    def _entry(self, signal: Signal) -> Signal:
        return signal


class GraphSystem(System):
    """Blocks wired by name; they run in the order in which they were attached.

    A block without `inputs` is given the first tensor of the block before. An input that names a later
    block, or carries `"delay": 1`, is a feedback: it reads what that block emitted one step ago, zeros
    (or its `"init"`) at the first step.

    Args:
        bptt: through how many steps gradients flow back along feedbacks; 1 stops them at the present step.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> import torch
        >>> from akidlab import GraphSystem, MergeLayer, ReLULayer
        >>> system = GraphSystem().attach(
        ...     ReLULayer(name="relu"),
        ...     MergeLayer(name="sum", inputs=[{"name": "relu"}, {"name": "system_in"}]),
        ... )
        >>> system(torch.tensor([[1.0, -1.0]]))
        tensor([[ 2., -1.]])
    """

    def __init__(self, *, bptt: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(bptt, int) or bptt < 1:
            raise BlockError(f"`bptt` is a number of steps of 1 or more, found {bptt!r}.")
        self.bptt = bptt

    def _compile(self) -> Plan:
        return plans.graph(self.blocks)

    def _bptt(self) -> int:
        return self.bptt

    def _entry(self, signal: Signal) -> Signal:
        if type(signal) is list:
            return signal
        if isinstance(signal, (list, tuple)):
            return list(signal)
        return [] if signal is None else [signal]
