"""Export: a brain as a file that other programs run, without akidlab."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from akidlab.blocks.example import made_like
from akidlab.blocks.feedback import Memory, started
from akidlab.blocks.plan import trace
from akidlab.blocks.signal import Signal, batch_of, listed, pack
from akidlab.blocks.system import System
from akidlab.errors import BlockError, MissingPackageError

if TYPE_CHECKING:
    from akidlab.blocks.block import Block
    from akidlab.blocks.brain import Brain


class Exporting:
    """What a brain offers to be taken out of here."""

    def export(self, path: str | Path, *example: Signal, dynamic_batch: bool = True) -> Path:
        """Write what `infer` computes, in validation mode: to ONNX, or as a program of `torch.export`.

        Labels and losses stay behind; moving averages of parameters, where they are kept, take the place of
        the parameters. A feedback becomes an input and an output of its own, `state_<block>`: feed what
        came out of one step into the next, zeros (or its `init`) first.

        Args:
            path: the file; `.onnx` for ONNX, `.pt2` for `torch.export.load`.
            example: inputs, as for a call; without them the shapes of the set-up are used.
            dynamic_batch: let the file take batches of any size; False for that of the example.

        Returns:
            The file, written as a whole or not at all.

        Raises:
            BlockError: if the brain is not set up, the suffix is unknown, or a block cannot be exported.
            MissingPackageError: if the packages for ONNX are not installed.

        Example:
            >>> brain = SequentialBrain().attach(InnerProductLayer(out_channel_num=3, name="ip"))
            >>> answer = brain(torch.ones(2, 4))
            >>> file = brain.export("small.pt2")
            >>> program = torch.export.load(file).module()
            >>> torch.equal(program(torch.ones(5, 4))[:2], answer)
            True
        """
        brain, path = cast("Brain", self), Path(path)
        write = {".onnx": _onnx, ".pt2": _program}.get(path.suffix)
        if write is None:
            raise BlockError(f"A brain is exported to a file `.onnx` or `.pt2`, found `{path.name}`.")
        signal = pack(example) if example else brain._example
        if signal is None:
            raise BlockError(f"`{brain.name}` was never given an input: give export an example of one.")
        if not brain.is_setup:
            brain.setup(*example)
        with brain.averaged(), torch.no_grad():
            step = _Step(brain.get_copy())
            tensors = step.example(made_like(signal, brain))
            program = _exported(brain, step, tensors, dynamic_batch)
            return _written(path, lambda file: write(program, file, step))


class _Step(nn.Module):
    """One pass of a brain as a function of tensors: its inputs, then what feedbacks carry."""

    def __init__(self, brain: Brain) -> None:
        super().__init__()
        self.brain = brain.eval()
        for module in brain.modules():  # hooks are for who watches here
            for hooks in getattr(module, "_hooks", ()):
                hooks.clear()
        self.plan, (self.target, self.index) = brain.plan(), brain._answer()
        self.steps = self.plan.needed(self.target)
        blocks = [step.block for step in self.steps]
        self.delays = [delay for delay in self.plan.delays if any(delay.reader is block for block in blocks)]
        self.sources = {step.slot: step.block for step in self.steps}
        for block in blocks:
            if any(isinstance(module, Memory) for module in block.modules()):
                raise BlockError(
                    f"`{block.name}` has a feedback within, which cannot be exported. "
                    f"Wire it in `{brain.name}`."
                )
        reads = [self._places(step.source, step.index, step.several) for step in self.steps]
        self.places = sorted({place for places in reads for place in places})
        _speakable(brain)

    def _places(self, source: int, index: int | None, several: Any) -> list[int]:
        read = several or ((source, (index or 0,)),)
        return [place for slot, idxs in read if slot == 0 for place in idxs]

    @property
    def fed(self) -> list[int]:
        """The slots whose values are fed back, each once."""
        return sorted({delay.source for delay in self.delays})

    @property
    def inputs(self) -> list[str]:
        """Names of what goes in."""
        given = ["input"] if self.count == 1 else [f"input{number}" for number in range(self.count)]
        return [*given, *(f"state_{self.sources[slot].name}" for slot in self.fed)]

    def outputs(self, count: int) -> list[str]:
        """Names of what comes out, `count` of it."""
        count -= len(self.fed)
        answers = ["output"] if count == 1 else [f"output{number}" for number in range(count)]
        return [*answers, *(f"next_{self.sources[slot].name}" for slot in self.fed)]

    def example(self, signal: Signal) -> tuple[Tensor, ...]:
        """What to call this with; at least two samples, for one is a number that would be burnt in."""
        parts = listed(signal)
        if self.brain.WIRED:
            parts = [parts[place] for place in self.places]
        else:
            self.places = list(range(len(parts)))
        self.count = len(parts)
        parts = [torch.cat([part, part]) if part.dim() and part.shape[0] == 1 else part for part in parts]
        return (*parts, *(self._state(self.sources[slot], parts) for slot in self.fed))

    def _state(self, block: Block, parts: list[Tensor]) -> Tensor:
        delay = next(delay for delay in self.delays if self.sources[delay.source] is block)
        value = started(delay, block.out_shape, parts, batch_of(parts))
        if not isinstance(value, Tensor):
            raise BlockError(f"The feedback from `{block.name}` carries several tensors; a file holds one.")
        return value.contiguous()

    def forward(self, *tensors: Tensor) -> Any:
        given, states = tensors[: self.count], dict(zip(self.fed, tensors[self.count :], strict=True))
        entry: Signal = list(given)
        if self.brain.WIRED:
            entry = [None] * (max(self.places, default=-1) + 1)
            for place, tensor in zip(self.places, given, strict=True):
                entry[place] = tensor
        elif len(given) == 1:
            (entry,) = given
        values = self.plan.opened(entry)
        for delay in self.delays:
            values[delay.slot] = states[delay.source]
        trace(self.steps, values)
        value = values[self.target.slot]
        answer = value[self.index] if isinstance(value, list) and self.index is not None else value
        after = [values[slot] for slot in self.fed]
        return (*listed(answer), *after) if after or isinstance(answer, list) else answer


def _speakable(brain: Brain) -> None:
    """Give blocks that are called `in` or `conv-1` names that a program can be written with."""
    for system in [module for module in brain.modules() if isinstance(module, System)]:
        system.plan()
        for at, (name, module) in enumerate(list(system._modules.items())):
            del system._modules[name]
            plain = name.isidentifier() and not iskeyword(name)
            system._modules[name if plain else f"block{at}_{re.sub(r'[^0-9a-zA-Z_]', '_', name)}"] = module


def _exported(brain: Brain, step: _Step, tensors: tuple[Tensor, ...], dynamic: bool) -> Any:
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} if dynamic and tensor.dim() else None for tensor in tensors)
    try:
        return torch.export.export(step, tensors, dynamic_shapes=(shapes,) if dynamic else None)
    except Exception as error:
        advice = " Try dynamic_batch=False." if dynamic else ""
        raise BlockError(f"`{brain.name}` cannot be exported: {error}{advice}") from error


def _program(program: Any, file: Path, step: _Step) -> None:
    torch.export.save(program, file)


def _onnx(program: Any, file: Path, step: _Step) -> None:
    try:
        import onnxscript  # noqa: F401 - torch needs it, and would say so less plainly
    except ImportError as error:
        raise MissingPackageError(
            "ONNX needs the packages onnx and onnxscript: pip install 'akidlab[export]'."
        ) from error
    count = len(program.graph_signature.user_outputs)
    with _silent():
        torch.onnx.export(
            program, (), file, input_names=step.inputs, output_names=step.outputs(count), verbose=False,
            external_data=False, dynamo=True,
        )  # fmt: skip


@contextmanager
def _silent() -> Iterator[None]:
    """Without what the exporter says about itself: deprecations within it, packages that it could use."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _written(path: Path, write: Callable[[Path], None]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
