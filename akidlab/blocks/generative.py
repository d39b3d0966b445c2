"""Generative systems, which run backward too: from what they emit to what it may have come from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from akidlab.blocks.brain import Brain
from akidlab.blocks.plan import Step
from akidlab.blocks.signal import Shape, Signal, shape_of
from akidlab.blocks.topology import GraphSystem
from akidlab.errors import BlockError


class SequentialGSystem(GraphSystem):
    """A system that can be run backward: `backward` calls that of each block, from the last to the first.

    A max pooling puts values back where it found the largest (`get_argmax_idx=True`), a ReLU lets through
    what was positive, a convolution runs transposed. What comes out stays in `data_g`, of the system and of
    each block. The blocks in between stand in a row; others, such as losses, may hang beside it.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> system = SequentialGSystem().attach(
        ...     ConvolutionLayer(3, strides=2, out_channel_num=4, name="conv"), ReLULayer(name="relu")
        ... )
        >>> system.backward(system(torch.rand(1, 1, 8, 8))).shape
        torch.Size([1, 1, 8, 8])
    """

    _entered: Shape = None

    def backward(self, signal: Tensor) -> Tensor:
        """Run `signal`, shaped like what the last block emitted, back to the input of the system.

        Raises:
            BlockError: if there was no pass forward, blocks do not stand in a row, or one has no way back.
        """
        for step in self._way_back():
            block = step.block
            if block.data is None:
                raise BlockError(
                    f"`{self.name}` has not been given an input yet. Call it before its `backward`."
                )
            block.in_shape = self._shape_read(step)  # maps may be of another size than at set-up
            signal = block._kept[1] = block.backward(signal)
        self._kept[1] = signal
        return signal

    def _way_back(self) -> list[Step]:
        steps = self.plan().steps
        way = [self._top()]
        while way[-1].several is None and 0 < way[-1].source <= len(steps):
            way.append(steps[way[-1].source - 1])
            if way[-1].slot >= way[-2].slot:
                break
        last = way[-1]
        if last.several is not None or last.source != 0:
            raise BlockError(
                f"`{self.name}` cannot be run backward: `{last.block.name}` reads more than one value, or "
                "none of this pass. On the way back each block reads the one before."
            )
        return way

    def _top(self) -> Step:
        """Where the way back begins."""
        return self.plan().steps[-1]

    def _shape_read(self, step: Step) -> Shape:
        shape = shape_of(self.plan().steps[step.source - 1].block.data) if step.source else self._entered
        return shape[step.index] if isinstance(shape, list) and step.index is not None else shape

    def _pass(self, entry: Signal, steps: Sequence[Step], values: list[Signal] | None = None) -> Signal:
        if not torch.compiler.is_compiling():
            self._entered = shape_of(entry)
        return super()._pass(entry, steps, values)


class SequentialGBrain(SequentialGSystem, Brain):
    """A brain that can be run backward, from what its last loss judges.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> brain = SequentialGBrain().attach(
        ...     InnerProductLayer(out_channel_num=3, name="ip"),
        ...     SoftmaxWithLossLayer(3, inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
        ... )
        >>> loss = brain(torch.rand(2, 1, 4, 4), torch.tensor([0, 1]))
        >>> brain.backward(torch.eye(3)[:2]).shape, brain.data_g.shape
        (torch.Size([2, 1, 4, 4]), torch.Size([2, 1, 4, 4]))
    """

    def _top(self) -> Step:
        return self._answer()[0]
