"""Feedback: what a system remembers from one step to the next, and how gradients flow back through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks.plan import Delay, Plan
from akidlab.blocks.signal import Shape, Signal, batch_of, found, listed, moved, shape_of, told
from akidlab.errors import BlockError

State = dict[str, Signal]  # what each block that is fed back emitted last


class Memory(nn.Module):
    """The last values of the blocks that are fed back: one set for training, one for validation.

    The set for training is saved with the parameters, so that a resumed training goes on as it was; the
    set for validation begins anew whenever `eval()` is called.

    Args:
        bptt: through how many steps gradients flow.
    """

    def __init__(self, bptt: int) -> None:
        super().__init__()
        self.bptt = bptt
        self.trained: State = {}
        self.validated: State = {}
        self.window: list[tuple[Signal, State]] = []  # input and state of the steps before this one

    @property
    def state(self) -> State:
        """The set of the present mode."""
        return self.trained if self.training else self.validated

    def keep(self, state: State) -> None:
        """Put new values in the place of the old."""
        if self.training:
            self.trained = state
        else:
            self.validated = state

    def clear(self) -> None:
        """Forget everything: the next step is a first one."""
        self.trained, self.validated = {}, {}
        self.window = []

    def keep_only(self, shapes: Mapping[str, Shape]) -> None:
        """Forget what no longer fits: blocks that are gone, or emit another shape; gradients start anew."""
        fitting = {n: v for n, v in self.trained.items() if n in shapes and _alike(shape_of(v), shapes[n])}
        self.trained, self.validated, self.window = fitting, {}, []

    def train(self, mode: bool = True) -> Memory:
        if not mode:
            self.validated = {}
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Memory:
        self.trained = {name: _each(fn, value) for name, value in self.trained.items()}
        self.validated = {}
        self.window = []
        return super()._apply(fn, recurse)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, value in self.trained.items():
            for number, part in enumerate(listed(value)):
                destination[f"{prefix}{name}.{number}" if isinstance(value, list) else prefix + name] = part

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *_: Any) -> None:
        self.clear()
        for key in sorted((k for k in state_dict if k.startswith(prefix)), key=_counted):
            name, dot, _number = key.removeprefix(prefix).partition(".")
            value = state_dict[key].detach().clone()
            if dot:
                self.trained.setdefault(name, []).append(value)
            else:
                self.trained[name] = value

    def window_state(self) -> dict[str, Tensor]:
        """The steps before this one, by flat names: what only a resumed training needs."""
        flat: dict[str, Tensor] = {}
        for at, (entry, state) in enumerate(self.window):
            flat |= {f"{at}.in.{number}": part for number, part in enumerate(listed(entry))}
            for name, value in state.items():
                for number, part in enumerate(listed(value)):
                    flat[f"{at}.of.{name}" + (f".{number}" if isinstance(value, list) else "")] = part
        return flat

    def load_window_state(self, flat: Mapping[str, Tensor]) -> None:
        """Put the steps back that `window_state` gave."""
        self.window = []
        for key in sorted(flat, key=_counted):
            at, kind, name, *number = key.split(".")
            if int(at) == len(self.window):
                self.window.append(([], {}))
            entry, state = self.window[int(at)]
            if kind == "in":
                entry.append(flat[key])
            elif number:
                state.setdefault(name, []).append(flat[key])
            else:
                state[name] = flat[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> Memory:
        copy = Memory(self.bptt)
        copy.training = self.training
        copy.trained = {name: _each(torch.clone, value) for name, value in self.trained.items()}
        return copy

    def extra_repr(self) -> str:
        return ", ".join(self.trained)


def recur(
    memory: Memory, plan: Plan, values: list[Signal], run: Callable[[list[Signal]], None], *, replay: bool
) -> None:
    """One pass of a system with feedback: fill in what was, run, remember what is."""
    before = state = memory.state
    if replay and memory.bptt > 1 and memory.training and torch.is_grad_enabled():
        state = _replayed(memory, plan, run)
        memory.window = [*memory.window, (list(values[0]), before)][1 - memory.bptt :]
    _fill(plan, values, state)
    run(values)
    now = {name: _each(Tensor.detach, value) for name, value in _emitted(plan, values).items()}
    memory.keep({**before, **now})


def started(delay: Delay, shape: Shape, entry: Signal, batch: int) -> Signal:
    """What a feedback carries at the first step; None while its shape is not known.

    Raises:
        BlockError: if `init` has another shape.
    """
    init, like = delay.wire.init, listed(entry)[0]
    if isinstance(shape, list):
        return [_full(delay, init, part, like, batch) for part in shape]
    if shape is None:
        return init.to(like.device).expand(batch, *init.shape) if isinstance(init, Tensor) else None
    return _full(delay, init, shape, like, batch)


def _full(delay: Delay, init: float | Tensor, shape: Shape, like: Tensor, batch: int) -> Tensor:
    assert isinstance(shape, tuple)
    full = (batch, *shape[1:]) if shape else ()
    if not isinstance(init, Tensor):
        kind = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        return torch.full(full, float(init), device=like.device, dtype=kind)
    if tuple(init.shape) not in (shape[1:], (1, *shape[1:]), full):
        raise BlockError(
            f"`init` of the feedback from `{delay.wire.name}` to `{delay.reader.name}` is {found(init)}, "
            f"while one sample of `{delay.wire.name}` is {told(shape, batch=False)}."
        )
    return init.to(like.device).expand(full)


def _fill(plan: Plan, values: list[Signal], state: State) -> None:
    owners = {step.slot: step.block for step in plan.steps}
    batch = batch_of(listed(values[0]))
    for delay in plan.delays:
        source = owners[delay.source]
        value = state.get(source.name)
        if value is None or not _fits(value, batch):
            value = started(delay, source.out_shape, values[0], batch)
        values[delay.slot] = moved(value, listed(values[0])[0].device)


def _fits(value: Signal, batch: int) -> bool:
    # A last, shorter batch has other samples: it cannot go on from the state of these.
    return all(not part.dim() or part.shape[0] == batch for part in listed(value))


def _alike(one: Shape, other: Shape) -> bool:
    return told(one) == told(other)


def _emitted(plan: Plan, values: list[Signal]) -> State:
    fed = {delay.source for delay in plan.delays}
    return {s.block.name: values[s.slot] for s in plan.steps if s.slot in fed and values[s.slot] is not None}


def _replayed(memory: Memory, plan: Plan, run: Callable[[list[Signal]], None]) -> State:
    """The state before this step, run again from some steps ago so that gradients flow through them.

    The graph of an earlier step is gone when its loss was differentiated, and its weights have changed
    in place since, so the steps are computed anew (truncated back-propagation through time).
    """
    if not memory.window:
        return memory.state
    state = memory.window[0][1]
    with _running_statistics_kept([step.block for step in plan.steps]):
        for entry, _ in memory.window:
            values = plan.opened(entry)
            _fill(plan, values, state)
            run(values)
            state = _emitted(plan, values)
    return state


@contextmanager
def _running_statistics_kept(blocks: list[Any]) -> Iterator[None]:
    # Swapped, not copied back: writing into a buffer would spoil the graph that has just been recorded.
    modules = {id(m): m for block in blocks for m in block.modules()}.values()
    kept = [(m, key, buffer) for m in modules for key, buffer in m._buffers.items() if buffer is not None]
    for module, key, buffer in kept:
        module._buffers[key] = buffer.clone()
    try:
        yield
    finally:
        for module, key, buffer in kept:
            module._buffers[key] = buffer


def _counted(key: str) -> list[tuple[int, str]]:
    """What sorts numbers in names as numbers: element 10 comes after element 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in key.split(".")]


def _each(fn: Callable[[Tensor], Tensor], value: Signal) -> Signal:
    return [fn(part) for part in value] if isinstance(value, list) else fn(value)
