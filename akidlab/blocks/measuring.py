"""Measuring: how long each block of a system takes, how silent it is, how large its gradients are."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from akidlab.blocks.example import made_like
from akidlab.blocks.signal import listed
from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from akidlab.blocks.block import Block
    from akidlab.blocks.system import System


class Measuring:
    """What a system offers to be measured, block by block; one of a nested system is called `outer.inner`."""

    MEASURES = ("activation sparsity", "gradient norm", "weight norm", "time per block")

    def profile(self, *inputs: Any, passes: int = 5) -> dict[str, float]:
        """How long each block takes in a forward pass, in seconds; a system takes what its blocks take.

        It runs a copy in validation mode, which shares the parameters: nothing that is seen changes.

        Args:
            inputs: as for a call; without them zeros of the shapes of the set-up.
            passes: after one that warms up; the median of each block is told.

        Raises:
            BlockError: if the system is not set up, and no inputs are given.

        Example:
            >>> brain = Brain().attach(InnerProductLayer(out_channel_num=3, name="ip"))
            >>> list(brain.setup(torch.ones(2, 4)).profile())
            ['ip']
        """
        system = cast("System", self)
        if not inputs and system._example is None:
            raise BlockError(f"`{system.name}` is not set up, so its input is not known. Give an example.")
        given = inputs or (made_like(system._example, system),)
        if not system.is_setup:
            system.setup(*given)
        copy = system.get_copy()
        copy.eval()
        _unwatched(copy)
        took: dict[str, list[float]] = defaultdict(list)
        for path, block in _blocks(copy):
            _time(path, block, took)
        with torch.no_grad():
            for _ in range(1 + passes):
                copy(*given)
        return {path: statistics.median(times[1:] or times) for path, times in took.items()}

    def measured(self, what: str) -> dict[str, float]:
        """A number for each block of which there is one.

        Args:
            what: one of `MEASURES`: the share of zeros in what it emitted last; the norm of the gradients of
                its parameters, or of the parameters; milliseconds in a forward pass.

        Raises:
            UnknownNameError: if there is no such measure.

        Example:
            >>> brain = Brain().attach(ReLULayer(name="relu"))
            >>> _ = brain(torch.tensor([[1.0, -1.0, -2.0, -3.0]]))
            >>> brain.measured("activation sparsity")
            {'relu': 0.75}
        """
        system = cast("System", self)
        if what not in self.MEASURES:
            raise unknown("measure", what, self.MEASURES)
        if what == "time per block":
            return {path: 1000 * seconds for path, seconds in system.profile().items()}
        measure = {"activation sparsity": _sparsity, "gradient norm": _gradient, "weight norm": _weights}[
            what
        ]
        found = ((path, measure(block)) for path, block in _blocks(system))
        return {path: value for path, value in found if value is not None}

    def look_into(self, block: str) -> dict[str, Any]:
        """The parameters of a block and what it emitted last, in numbers.

        Args:
            block: its name, or `outer.inner`.

        Raises:
            UnknownNameError: if there is none.

        Example:
            >>> brain = Brain().attach(InnerProductLayer(out_channel_num=3, name="ip"))
            >>> brain.setup(torch.ones(2, 4)).look_into("ip")["parameters"][1]["shape"]
            [3]
        """
        found = cast("System", self).get_layer_by_name(block)
        held = [(name, p) for name, p in found.named_parameters() if not is_lazy(p)]
        return {
            "parameters": [_facts(name, parameter) for name, parameter in held],
            "emits": [_facts("", part) for part in found.outputs if isinstance(part, Tensor)],
        }


def _blocks(system: System, prefix: str = "") -> Iterable[tuple[str, Block]]:
    for block in system.blocks:
        yield prefix + block.name, block
        if hasattr(block, "blocks"):
            yield from _blocks(cast("System", block), f"{prefix}{block.name}.")


def _unwatched(system: System) -> None:
    """Without the hooks of who watches the one that it is a copy of."""
    for module in system.modules():
        module._forward_pre_hooks.clear()
        module._forward_hooks.clear()
        for hooks in getattr(module, "_hooks", ()):
            hooks.clear()


def _time(path: str, block: Block, took: dict[str, list[float]]) -> None:
    began: list[float] = []

    def now() -> float:
        held = next(block.parameters(), None)
        if held is not None and held.device.type == "cuda":
            torch.cuda.synchronize(held.device)
        return time.perf_counter()

    block.register_forward_pre_hook(lambda *_: began.append(now()))
    block.register_forward_hook(lambda *_: took[path].append(now() - began.pop()))


def _sparsity(block: Block) -> float | None:
    parts = [p for p in listed(block.data) if isinstance(p, Tensor) and p.is_floating_point() and p.dim()]
    numbers = sum(part.numel() for part in parts)
    return sum(int((part == 0).sum()) for part in parts) / numbers if numbers else None


def _gradient(block: Block) -> float | None:
    return _norm(p.grad for p in block.parameters() if p.grad is not None)


def _weights(block: Block) -> float | None:
    return _norm(p for p in block.parameters() if not is_lazy(p))


def _norm(tensors: Iterable[Tensor]) -> float | None:
    norms = [float(torch.linalg.vector_norm(tensor.detach().float())) for tensor in tensors]
    return math.hypot(*norms) if norms else None


def _facts(name: str, tensor: Tensor) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": name,
        "shape": list(tensor.shape),
        "kind": str(tensor.dtype).removeprefix("torch."),
        "device": str(tensor.device),
        "trainable": tensor.requires_grad,
    }
    if tensor.is_floating_point() and tensor.numel():
        values = tensor.detach().float()
        deviation = float(values.std(correction=0))
        found = {"mean": float(values.mean()), "deviation": deviation}
        found |= {"least": float(values.min()), "greatest": float(values.max())}
        facts |= {key: value if math.isfinite(value) else None for key, value in found.items()}
        if isinstance(tensor, torch.nn.Parameter) and tensor.grad is not None:
            facts["gradient"] = _norm([tensor.grad])
    return facts
