"""Brains: systems that judge themselves, adding up the losses and evaluations of their blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.blocks.block import Block, check_begun
from akidlab.blocks.export import Exporting
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.plan import EVERYWHERE, Several, Step
from akidlab.blocks.signal import Signal, pack
from akidlab.blocks.system import System
from akidlab.blocks.topology import GraphSystem, SequentialSystem
from akidlab.errors import BlockError, unknown
from akidlab.messages.graph import shown

if TYPE_CHECKING:
    from akidlab.blocks.eval_blocks import EvalBlock


class Brain(Exporting, GraphSystem):
    """A system with losses and evaluations: what a Kid trains.

    Call it with all that its blocks read, such as `brain([images, labels])`; `infer` needs no labels.

    Args:
        kwargs: more of `GraphSystem` (bptt) and of `Block` (name, inputs).

    Example:
        >>> from akidlab import Brain, InnerProductLayer, SoftmaxWithLossLayer
        >>> brain = Brain(name="small")
        >>> brain.attach(
        ...     InnerProductLayer(out_channel_num=10, name="ip1"),
        ...     SoftmaxWithLossLayer(
        ...         class_num=10, name="loss", inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}]
        ...     ),
        ... )  # doctest: +ELLIPSIS
        small: ...
        >>> import torch
        >>> brain([torch.zeros(2, 4), torch.tensor([1, 2])])
        tensor(2.3026, grad_fn=<NllLossBackward0>)
    """

    NAME = "brain"

    def objective(self, *inputs: Signal) -> Tensor:
        """Run all blocks and return the loss: what a Kid minimises, and what `torch.compile` is given.

        Raises:
            BlockError: if nothing here has a loss.
        """
        plan = self._plan
        if plan is None or not self._is_setup or any(plan.hooks) or any(EVERYWHERE):
            self(*inputs)
        else:  # what a call does where nobody listens
            self._kept[0] = self._pass(self._entry(pack(inputs)), plan.steps)
        terms = self._terms([])
        if not terms:
            raise BlockError(
                f"`{self.name}` has no loss to minimise. Attach a loss layer, such as SoftmaxWithLossLayer; "
                f"without one, call it as `{self.name}(x)`."
            )
        return sum(terms[1:], terms[0]) if len(terms) > 1 else terms[0]

    def infer(self, *inputs: Signal, block: str | None = None) -> Signal:
        """What the last loss would judge (for a classifier the logits); labels are not needed.

        Only the blocks that this needs are run; in a brain without a loss, all. Neither the mode nor
        gradients are switched: call `eval()` and use `torch.no_grad()` to predict.

        Args:
            inputs: what its blocks read, as for a call.
            block: the block whose value is wanted instead, such as another head.

        Raises:
            UnknownNameError: if there is no such block.
        """
        target, index = self._answer() if block is None else (self._step(block), None)
        steps = self.plan().needed(target)
        if not all(step.block.is_setup for step in steps):
            self.setup(*inputs)
        value = self._pass(self._entry(pack(inputs)), steps)
        return value[index] if isinstance(value, list) and index is not None else value

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        check_begun(self)
        return shown(self)

    def _step(self, name: str) -> Step:
        names = [block.name for block in self.blocks]
        if name not in names:
            raise unknown("block", str(name), names)
        return self.plan().steps[names.index(name)]

    def _answer(self) -> tuple[Step, int | None]:
        steps = self.plan().steps
        losses = [step for step in reversed(steps) if isinstance(step.block, LossLayer)]
        # One that compares an answer with the truth tells more than one that judges numbers by themselves.
        for step in sorted(losses, key=lambda step: step.several is None):
            slot, index = (step.source, step.index) if step.several is None else _first(step.several)
            if 0 < slot <= len(steps):
                return steps[slot - 1], index
        silent = [step for step in steps if not any(isinstance(m, LossLayer) for m in step.block.modules())]
        return (silent or steps)[-1], None

    # -- what it says about its last pass

    @property
    def loss(self) -> Tensor | None:
        """The sum of all losses of the last pass, weight decay among them; None where nothing judges."""
        leaves = [block for _, block in self._leaves() if not isinstance(block, SynapseLayer)]
        terms = self._terms([]) if any(block.loss is not None for block in leaves) else []
        return sum(terms[1:], terms[0]) if terms else None

    @property
    def losses(self) -> dict[str, Tensor]:
        """What each block adds to the loss, by name; a block of a nested system is called `outer.inner`."""
        return {name: block.loss for name, block in self._leaves() if block.loss is not None}

    @property
    def evals(self) -> dict[str, Tensor]:
        """The evaluations of the last pass, computed now: `accuracy`, or `<block>_accuracy` if several."""
        return {name: value for name, (_, _, value) in self._told_by("evals").items()}

    @property
    def verbose_evals(self) -> dict[str, Any]:
        """Evaluations of the last pass that are too long for a line."""
        return {name: value for name, (_, _, value) in self._told_by("verbose_evals").items()}

    @property
    def eval_blocks(self) -> dict[str, type[EvalBlock]]:
        """How evaluations are gathered over the batches of a validation, by name."""
        told = {**self._told_by("evals"), **self._told_by("verbose_evals")}
        return {name: b.eval_blocks[key] for name, (b, key, _) in told.items() if key in b.eval_blocks}

    def _told_by(self, kind: str) -> dict[str, tuple[Block, str, Any]]:
        found = [
            (path, b, key, value) for path, b in self._leaves() for key, value in getattr(b, kind).items()
        ]
        times = Counter(key for _, _, key, _ in found)
        return {key if times[key] == 1 else f"{path}_{key}": (b, key, value) for path, b, key, value in found}

    def _leaves(self) -> Iterator[tuple[str, Block]]:
        for path, module in self.named_modules():
            if isinstance(module, Block) and not isinstance(module, System):
                yield path, module


class GraphBrain(Brain):
    """A brain whose blocks are wired by name: akid's name for `Brain`.

    Args:
        kwargs: more of `GraphSystem` (bptt) and of `Block` (name, inputs).
    """


class SequentialBrain(SequentialSystem, Brain):
    """A brain whose blocks stand in a row; each is given all that the one before emits.

    Args:
        kwargs: more of `GraphSystem` (bptt) and of `Block` (name, inputs).
    """


def _first(several: Several) -> tuple[int, int]:
    slot, idxs = several[0]
    return slot, idxs[0]
