"""Passes: what goes through the modules, forward and backward, heard through torch's hooks for all modules.

Hooks on the modules themselves would be copied and pickled with them. Those for all modules are there only
while a step is observed, and find out by its identity whether a module is ours.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any
from weakref import finalize, ref

import torch
from torch import Tensor, nn
from torch.nn.modules import module as everywhere
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from akidlab.exporter.backward import follow
from akidlab.exporter.losses import Losses
from akidlab.exporter.tensors import answer_of, detached, is_shown, tensors_of
from akidlab.exporter.tree import Tree
from akidlab.exporter.voice import Hearers, Voice

CALLS = 8  # of one module within a pass that are published
is_compiling, is_grad_enabled = torch.compiler.is_compiling, torch.is_grad_enabled
graph_task = torch._C._current_graph_task_id  # -1 outside of a backward pass
transforms = torch._C._functorch.peek_interpreter_stack  # type: ignore[attr-defined]  # of vmap, grad, ...
tracing = torch._C._get_tracing_state


def is_aside() -> bool:
    """True for a call that is no pass: what is computed again for a gradient, transformed, or recorded."""
    return graph_task() != -1 or transforms() is not None or tracing() is not None


def _remove(handles: list[RemovableHandle]) -> None:
    while handles:
        handle = handles.pop()
        handle.remove()
        everywhere._global_forward_hooks_with_kwargs.pop(handle.id, None)  # torch 2.13 forgets that


class Passes:
    """Publishes what passes through the modules of a tree, while it is hooked.

    Args:
        voice: where to publish.
        tree: the modules.
    """

    def __init__(self, voice: Voice, tree: Tree) -> None:
        self.voice, self.tree, self.losses = voice, tree, Losses(voice)
        self.root: nn.Module | None = None  # whose call is a pass
        self.heard = False  # a module of ours was called in this step
        self._within = self._trains = False  # a pass is under way; one that trains
        self._calls: dict[int, int] = {}
        self._handles: list[RemovableHandle] = []
        finalize(self, _remove, self._handles).atexit = False

    def hook(self) -> None:
        """Listen from now on; hooks for all modules do not keep alive what is listened to."""
        if self._handles:
            return
        here = ref(self)

        def before(module: nn.Module, args: tuple[Any, ...]) -> None:
            if (passes := here()) is not None:
                passes._before(module, args)

        def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if (passes := here()) is not None:
                passes._after(module, args, kwargs, output)

        self._handles += [
            register_module_forward_pre_hook(before),
            register_module_forward_hook(after, with_kwargs=True),
        ]

    def unhook(self) -> None:
        """Listen no longer."""
        _remove(self._handles)

    def tag(self, module: nn.Module) -> str:
        """What a call is for: `train` if the model trains and gradients are wanted, else `eval`.

        Within a pass that trains, what is computed without gradients (to save memory, say) is part of it.
        """
        model = module if self.root is None else self.root
        return "train" if model.training and (self._trains or is_grad_enabled()) else "eval"

    def _before(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if is_compiling() or module is not self.root or is_aside():
            return
        self._trains = False
        start, voice, tag = perf_counter(), self.voice, self.tag(module)
        self._within, self._trains = True, tag == "train"
        self._calls.clear()
        if self.tree.refresh():
            self.losses.find(module)
        if tag == "train" and not voice.begun:
            voice.begin()
        if args and (hearers := voice.routes[tag]["input_data"]):
            voice.tell(hearers, "input_data", detached(args[0] if len(args) == 1 else args), tag=tag)
        voice.spent += perf_counter() - start

    def _after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if is_compiling() or not self._handles:
            return
        number = id(module)
        unit, is_root, is_loss = self.tree.units.get(number), module is self.root, number in self.losses.known
        if (unit is None and not is_root and not is_loss) or is_aside():
            return
        start, voice, tag = perf_counter(), self.voice, self.tag(module)
        if tag == "train" and not voice.begun:
            voice.begin()
        if is_loss:
            self.losses.judged(args, kwargs, output, tag)
        elif unit is not None:
            self._unit(unit.name, number, output, tag)
        if is_root:
            self._within = self._trains = False
            self._whole(args, kwargs, output, tag)
        voice.spent += perf_counter() - start

    def _whole(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, tag: str) -> None:
        """What the model was given and what it answered, as far as no loss tells."""
        voice, routes = self.voice, self.voice.routes[tag]
        if not args and (hearers := routes["input_data"]):
            voice.tell(hearers, "input_data", detached(kwargs), tag=tag)
        if not self.losses.known:
            hearers = routes["network_output"]
            if hearers and (answer := answer_of(output)) is not None:
                voice.tell(hearers, "network_output", answer, tag=tag)
            self.losses.told(kwargs, output, tag)

    def _unit(self, name: str, number: int, output: Any, tag: str) -> None:
        self.heard, routes = True, self.voice.routes[tag]
        forward, backward = routes["activations"], routes["layer_gradients"]
        if backward and not is_grad_enabled():
            backward = ()
        if not forward and not backward:
            return
        if self._within:  # else nobody knows where a pass begins
            calls = self._calls[number] = self._calls.get(number, 0) + 1
            if calls > CALLS:
                return
            name = name if calls == 1 else f"{name}:{calls}"
        if isinstance(output, Tensor):
            self._tensor(name, output, tag, forward, backward)
        else:
            for at, (path, tensor) in enumerate(tensors_of(output)):
                self._tensor(f"{name}.{path}" if at else name, tensor, tag, forward, backward)

    def _tensor(self, name: str, tensor: Tensor, tag: str, forward: Hearers, backward: Hearers) -> None:
        if is_shown(tensor):
            if forward:
                self.voice.tell(forward, "activations", tensor.detach(), name, tag)
            if backward and tensor.requires_grad:
                follow(self.voice, tensor, name, tag)
