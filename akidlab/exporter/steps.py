"""Steps: what an optimiser is given and what it does, heard through hooks of torch's optimisers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from akidlab.exporter.told import TOPICS, Plan
from akidlab.exporter.tree import Tree, parameters_of
from akidlab.exporter.updates import Before
from akidlab.exporter.voice import Voice
from akidlab.messages.several import Names


class Steps:
    """Publishes parameters, gradients and updates around each observed step of an optimiser.

    Args:
        voice: where to publish.
        tree: whose parameters.
        optimizer: what makes the steps; without one, every optimiser that holds some of these parameters.
        finished: called after each step, observed or not.
    """

    def __init__(
        self, voice: Voice, tree: Tree, optimizer: Optimizer | None, finished: Callable[[], None]
    ) -> None:
        self.voice, self.tree, self.optimizer, self.finished = voice, tree, optimizer, finished
        self.others: Sequence[Optimizer] = ()
        self._before, self._plan = Before(), Plan()
        self._taken: Names = ()  # whose updates are told
        self._under_way: Optimizer | None = None
        self._frame: FrameType | None = None  # of the call of its `step`; one that raised never ends
        self._calling = False  # torch is calling one of the hooks
        self._late = False  # gradients are computed within the step
        self._ours: WeakKeyDictionary[Optimizer, bool] = WeakKeyDictionary()
        self._counts = optimizer is not None and not _nests(optimizer)  # each end is that of a step
        self._handles: list[RemovableHandle] = []

    def hook(self) -> None:
        """Follow the optimiser from now on."""
        self._ours.clear()
        if self._handles:
            return
        if self.optimizer is None:
            before, after = register_optimizer_step_pre_hook, register_optimizer_step_post_hook
        else:
            before, after = self.optimizer.register_step_pre_hook, self.optimizer.register_step_post_hook
        self._handles = [before(self._begin), after(self._end)]

    def unhook(self) -> None:
        """Follow it no longer; a hook that torch is calling may stay, idle, until this is called again."""
        self._under_way = self._frame = None
        self._handles = [handle for handle in self._handles if not self._removed(handle)]

    def _removed(self, handle: RemovableHandle) -> bool:
        hooks = handle.hooks_dict_ref() or {}
        if self._calling and handle.id in hooks and next(reversed(hooks)) != handle.id:
            return False  # torch goes through these hooks now, and they must not change
        handle.remove()
        return True

    def _is_ours(self, optimizer: Optimizer) -> bool:
        if self.optimizer is not None:
            return optimizer is self.optimizer
        known = self._ours.get(optimizer)
        if known is None:
            mine = {id(parameter) for _, _, parameter in parameters_of(self.tree.held)}
            held = (id(p) for group in optimizer.param_groups for p in group["params"])
            known = self._ours[optimizer] = any(p in mine for p in held)
        return known

    @property
    def seen(self) -> Optimizer | None:
        """What makes the steps: the one that was given, else one that made a step."""
        return self.optimizer or next((one for one, ours in self._ours.items() if ours), None)

    def _begin(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._counts and not self.voice.active:
            return
        if self.optimizer is None and not self._is_ours(optimizer):
            return
        frame = sys._getframe(1)
        if self._frame is not None and _is_within(frame, self._frame):
            return  # its class calls the `step` of another class, which has the same hooks
        closure = args[1] if len(args) > 1 else kwargs.get("closure")  # torch puts the optimiser first
        self._under_way, self._frame = optimizer, frame
        if self.voice.active:
            self._timed(self._before_step, optimizer, closure is None)

    def _before_step(self, optimizer: Optimizer, gradients: bool) -> None:
        if not self.voice.begun:
            self.voice.begin()
        self.tree.refresh()
        self._tell(optimizer, gradients)

    def _timed(self, function: Callable[..., None], *given: Any) -> None:
        start, self._calling = perf_counter(), True
        try:
            function(*given)
        finally:
            self._calling = False
            self.voice.spent += perf_counter() - start

    def _tell(self, optimizer: Optimizer, gradients: bool) -> None:
        """What there is before a step, all at once: there are many, and most are small."""
        self._late = not gradients
        told = self._plan.of(self.tree.held, self.voice.routes["train"])
        if not told:
            return
        names, data, taken, parameters = [], [], [], []
        elsewhere = {id(p) for one in self.others for group in one.param_groups for p in group["params"]}
        scale = getattr(optimizer, "grad_scale", None)
        # those that overflowed are not told: the optimiser makes nothing of them
        overflowed = scale is not None and float(optimizer.found_inf)  # type: ignore[attr-defined]
        for weight, gradient_of, update, parameter in told:
            gradient = parameter.grad if gradients else None
            if weight:
                names.append(weight)
                data.append(parameter.detach())
            if gradient is not None and gradient_of and not overflowed:
                names.append(gradient_of)
                data.append(_given(gradient, scale))
            if id(parameter) in elsewhere:
                continue  # this step is not its own
            if update and parameter.requires_grad and not (gradients and gradient is None):
                taken.append(update)
                parameters.append(parameter)
        if names:
            self.voice.tell_all(tuple(names), data)
        if taken:
            self._before.take(parameters)
        self._taken = tuple(taken)

    def _end(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._under_way is optimizer and self._frame is sys._getframe(1):
            self._under_way = self._frame = None
            if self.voice.active:
                self._timed(self._after_step)
        elif not self._counts:
            return
        self.voice.begun, self._taken = False, ()  # also of a step that nobody wanted to hear the end of
        self._calling = True
        try:
            self.finished()
        finally:
            self._calling = False

    def _after_step(self) -> None:
        if self._late:
            self._tell_gradients()
        if self._taken:
            self.voice.tell_all(self._taken, self._before.updates())
            self._taken = ()
        self.voice.end()

    def _tell_gradients(self) -> None:
        """Those that a closure computed, within the step of the optimiser."""
        for is_bias, key, parameter in parameters_of(self.tree.held):
            if parameter.grad is not None:
                self.voice.say(TOPICS[is_bias][1], _given(parameter.grad, None), key)


def _nests(optimizer: Optimizer) -> bool:
    """True if its `step` may call that of a class that it inherits from: each of them has an end."""
    classes = type(optimizer).__mro__
    return sum("step" in vars(one) for one in classes if one is not Optimizer) > 1


def _is_within(frame: FrameType | None, outer: FrameType) -> bool:
    """True if `outer` has called what called `frame`."""
    while frame is not None and frame is not outer:
        frame = frame.f_back
    return frame is outer


def _given(gradient: Tensor, scale: Tensor | None) -> Tensor:
    """What an optimiser is given, which takes off the scale of mixed precision itself, if it can."""
    if gradient.requires_grad:
        gradient = gradient.detach()
    if gradient.layout is not torch.strided:
        gradient = gradient.to_dense()
    return gradient if scale is None else gradient / scale
