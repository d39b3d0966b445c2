"""A trace: one pass done again, with all that went into and came out of each leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks.feedback import Memory
from akidlab.guards.finite import all_finite, is_finite
from akidlab.guards.leaves import inner_leaves, leaves, tensors_in


@dataclass(eq=False)
class Call:
    """One call of a leaf: what went in, and what came out."""

    name: str
    module: nn.Module
    inputs: list[Tensor]
    outputs: list[Tensor]
    into: list[Tensor | None] = field(default_factory=list)  # gradients of the inputs
    out_of: list[Tensor | None] = field(default_factory=list)  # gradients of the outputs
    own: list[Tensor | None] = field(default_factory=list)  # gradients of its parameters


@dataclass(eq=False)
class Trace:
    """The calls of one pass, in order, and the loss."""

    calls: list[Call]
    loss: Tensor | None = None

    def first_output(self) -> Call | None:
        """The first call whose output is not finite."""
        return next((call for call in self.calls if not all_finite(call.outputs)), None)

    def last_gradient(self) -> Call | None:
        """The call, on the way back the first, that makes finite gradients into others."""
        for call in reversed(self.calls):
            if not all_finite([*call.into, *call.own]):
                return call
        return None


def trace(module: nn.Module, again: Callable[[], Tensor], *, backward: bool = False) -> Trace:
    """Do a pass again and keep all that flows; buffers, memories, gradients and generators stay as they are.

    Args:
        module: whose leaves are looked at.
        again: does the pass and returns the loss.
        backward: True to go back, too.
    """
    with _untouched(module), _listening(module) as calls:
        loss = again()
        found = Trace(calls, loss)
        if backward and loss.requires_grad:
            _go_back(found)
    return found


@contextmanager
def _listening(module: nn.Module) -> Iterator[list[Call]]:
    calls: list[Call] = []

    def hear(name: str) -> Callable[..., None]:
        def hook(leaf: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            calls.append(Call(name, leaf, [*tensors_in([args, kwargs])], [*tensors_in(output)]))

        return hook

    hooks = [
        leaf.register_forward_hook(hear(name), with_kwargs=True)
        for name, leaf in inner_leaves(module).items()
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _go_back(found: Trace) -> None:
    assert found.loss is not None
    wanted: dict[int, Tensor] = {}
    for call in found.calls:
        parameters = call.module.parameters()
        for tensor in (*call.inputs, *call.outputs, *parameters):
            if tensor.requires_grad and tensor.is_floating_point():
                wanted[id(tensor)] = tensor
    grads = torch.autograd.grad(found.loss, list(wanted.values()), allow_unused=True, retain_graph=True)
    by_id = dict(zip(wanted, grads, strict=True))
    for call in found.calls:
        call.into = [by_id.get(id(t)) for t in call.inputs]
        call.out_of = [by_id.get(id(t)) for t in call.outputs]
        call.own = [by_id.get(id(p)) for p in call.module.parameters()]


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    memories = [(m, dict(m.__dict__)) for m in module.modules() if isinstance(m, Memory)]
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=list(devices)), torch.enable_grad():
            yield
    finally:
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for memory, before in memories:
            memory.__dict__.update(before)


def kept_output(module: nn.Module) -> str | None:
    """The first block whose kept output is not finite, without another pass; None if there is none."""
    for name, leaf in leaves(module).items():
        if not all_finite(tensors_in(getattr(leaf, "data", None))):
            return name
    return None


def bad_parameters(module: nn.Module, *, gradients: bool = False) -> list[tuple[str, str]]:
    """The leaves, with the names of their parameters, that are not finite (or whose gradients are not)."""
    return [
        (leaf_name, name)
        for leaf_name, leaf in leaves(module).items()
        for name, parameter in leaf.named_parameters()
        if (tensor := parameter.grad if gradients else parameter) is not None and not is_finite(tensor)
    ]


def counted(tensors: Sequence[Tensor]) -> str:
    """What is not finite in them, in words.

    Example:
        >>> counted([torch.tensor([1.0, float("nan"), float("inf")])])
        '1 NaN and 1 infinity among 3'
    """
    floating = [t.detach() for t in tensors if t.is_floating_point()]
    nans = sum(int(torch.isnan(t).sum()) for t in floating)
    infinities = sum(int(torch.isinf(t).sum()) for t in floating)
    parts = [f"{nans:,} NaN"] * bool(nans)
    parts += [f"{infinities:,} {'infinity' if infinities == 1 else 'infinities'}"] * bool(infinities)
    return f"{' and '.join(parts) or 'none'} among {sum(t.numel() for t in floating):,}"
