"""Passes: what goes through the modules, forward and backward, heard through torch's hooks for all modules.

Hooks on the modules themselves would be copied and pickled with them. Those for all modules are there only
while a step is observed, and find out by its identity whether a module is ours.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from akidlab.exporter.losses import Losses
from akidlab.exporter.tensors import answer_of, detached, is_shown, tensors_of
from akidlab.exporter.tree import Tree
from akidlab.exporter.voice import Voice

CALLS = 8  # of one module within a pass that are published
in_backward = torch._C._current_graph_task_id  # -1 outside of it


class Passes:
    """Publishes what passes through the modules of a tree, while it is hooked.

    Args:
        voice: where to publish.
        tree: the modules.
    """

    def __init__(self, voice: Voice, tree: Tree) -> None:
        self.voice, self.tree = voice, tree
        self.model: nn.Module | None = None
        self.losses = Losses(voice)
        self.heard = 0  # modules in this step
        self._calls: dict[int, int] = {}
        self._handles: list[RemovableHandle] = []

    @property
    def root(self) -> nn.Module | None:
        """The module whose call is a pass."""
        if self.model is None and len(self.tree.roots) == 1:
            return self.tree.roots[0][1]
        return self.model

    def hook(self) -> None:
        """Listen from now on."""
        if not self._handles:
            self._handles = [
                register_module_forward_pre_hook(self._before),
                register_module_forward_hook(self._after, with_kwargs=True),
            ]

    def unhook(self) -> None:
        """Listen no longer."""
        while self._handles:
            self._handles.pop().remove()

    def tag(self, module: nn.Module) -> str:
        """What a call is for: `train` if the model trains and gradients are wanted, else `eval`."""
        model = self.root or module
        return "train" if model.training and torch.is_grad_enabled() else "eval"

    def _before(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if torch.compiler.is_compiling() or module is not self.root or in_backward() != -1:
            return
        start = perf_counter()
        self._calls.clear()
        tag = self.tag(module)
        if tag == "train":
            self.voice.begin()
        if args and self.voice.bus.wanted("input_data", tag):
            self.voice.say("input_data", detached(args[0] if len(args) == 1 else args), tag=tag)
        self.voice.spent += perf_counter() - start

    def _after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if torch.compiler.is_compiling() or not self._handles:
            return
        unit = self.tree.units.get(id(module))
        is_root, is_loss = module is self.root, self.losses.knows(module)
        if (unit is None and not is_root and not is_loss) or in_backward() != -1:
            return
        start = perf_counter()
        tag = self.tag(module)
        if tag == "train":
            self.voice.begin()
        if unit is not None and not is_loss:
            self._publish(unit.name, module, output, tag)
        if is_loss:
            self.losses.judged(args, kwargs, output, tag)
        if is_root:
            self._root(args, kwargs, output, tag)
        self.voice.spent += perf_counter() - start

    def _root(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, tag: str) -> None:
        voice = self.voice
        if not args and voice.bus.wanted("input_data", tag):
            voice.say("input_data", detached(kwargs), tag=tag)
        if not self.losses.known:
            if voice.bus.wanted("network_output", tag) and (answer := answer_of(output)) is not None:
                voice.say("network_output", answer, tag=tag)
            self.losses.told(kwargs, output, tag)

    def _publish(self, name: str, module: nn.Module, output: Any, tag: str) -> None:
        wanted = self.voice.bus.wanted
        forward = wanted("activations", tag)
        backward = wanted("layer_gradients", tag) and torch.is_grad_enabled()
        self.heard += 1
        if not forward and not backward:
            return
        calls = self._calls[id(module)] = self._calls.get(id(module), 0) + 1
        if calls > CALLS:
            return
        name = name if calls == 1 else f"{name}:{calls}"
        if isinstance(output, Tensor):
            self._tensor(name, output, tag, forward, backward)
        else:
            for number, (path, tensor) in enumerate(tensors_of(output)):
                self._tensor(f"{name}.{path}" if number else name, tensor, tag, forward, backward)

    def _tensor(self, name: str, tensor: Tensor, tag: str, forward: bool, backward: bool) -> None:
        if not is_shown(tensor):
            return
        if forward:
            self.voice.say("activations", tensor.detach(), name, tag)
        if backward and tensor.requires_grad:
            self._follow(name, tensor, tag)

    def _follow(self, name: str, tensor: Tensor, tag: str) -> None:
        """Hear the gradient of the value that `tensor` has now, whatever changes it later."""
        number, step = tensor.output_nr, self.voice.step

        def heard(gradients: Any) -> None:
            gradient = gradients[number] if isinstance(gradients, tuple) else gradients
            if gradient is not None and self._handles and step == self.voice.step:
                start = perf_counter()
                self.voice.say("layer_gradients", gradient.detach(), name, tag)
                self.voice.spent += perf_counter() - start

        node = tensor.grad_fn
        if node is None:
            tensor.register_hook(heard)
        else:
            node.register_prehook(heard)
