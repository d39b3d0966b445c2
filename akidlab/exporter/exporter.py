"""The Exporter: publishes what passes through a model while it learns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn
from torch.optim import Optimizer

from akidlab.errors import KindError
from akidlab.exporter.count import Clock, Count
from akidlab.exporter.passes import Passes
from akidlab.exporter.steps import Steps
from akidlab.exporter.tree import NamedModule, Tree, is_compiled, unwrapped
from akidlab.exporter.voice import Voice
from akidlab.messages import Bus, get_default_bus

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger(__name__)
M = TypeVar("M", bound=nn.Module)

UNSEEN = (
    "No call of a module was seen in step %d, so there are no activations and layer gradients: what is "
    "compiled within a function, or runs as copies on several devices, does not tell."
)
COMPILED = (
    "What passes through a compiled model is not seen: its parameters, their gradients and updates are told, "
    "activations and layer gradients are not. Train it without `torch.compile` to see those, too."
)


class Exporter:
    """Publishes weights, gradients, updates and activations of any torch model, step by step.

    Topics are those of `akidlab.messages.TOPICS` for each module and `META` for the network. All that a step
    publishes carries its number: what passed through the modules, the parameters that this pass used, the
    gradients that the optimiser was given, what it changed. The first step is 1. A pass that does not train
    (in `eval()` mode, or without gradients) has the tag `eval` and is no step.

    A tensor in a message is not a copy: the next layer or the optimiser may change it. `cost` is how many
    seconds the last observed step spent on looking; the functions in `on_step` are called with the exporter
    after each. Set `compiled` for a model that is called compiled, and tell whoever looks: what passes
    through it is left alone. Of a model that torch has compiled as a whole, it is found and told in the log.
    Where a loss is scaled (`torch.amp.GradScaler`), set `scaler` to what scales it: its scale is taken off.

    Args:
        depth: how deep to look for modules; -1 for the leaves, 0 for a model as a whole.
        module_filter: classes, or names with wildcards such as `"conv*"`; None keeps all.
        message_bus: where to publish; by default the current one.
        every: observe the first step, and every so many; the others cost nothing.
        optimizer: what makes the steps; by default every optimiser that holds parameters of the model.
        clock: gives the step being made, the epoch and the step within it; by default steps are counted.

    Raises:
        ValueError: if `every` is no whole number above 0.

    Example:
        >>> from akidlab.messages import Bus, CallbackSubscriber
        >>> bus, heard = Bus(), []
        >>> bus.subscribe(CallbackSubscriber(heard.append, topics=["weight_gradients"]))
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
        >>> exporter = Exporter(message_bus=bus)
        >>> exporter.add_modules(model)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> model(torch.ones(1, 3)).sum().backward()
        >>> optimizer.step()
        >>> [(message.key, message.step) for message in heard]
        [('linear0', 1)]
        >>> exporter.detach()
    """

    def __init__(
        self,
        depth: int = -1,
        module_filter: Sequence[type | str] | None = None,
        message_bus: Bus | None = None,
        *,
        every: int = 1,
        optimizer: Optimizer | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.bus = get_default_bus() if message_bus is None else message_bus
        self.every = every
        self.compiled = False
        self.cost = 0.0
        self.on_step: list[Callable[[Exporter], None]] = []
        self._voice, self._tree = Voice(self.bus, clock), Tree(depth, module_filter)
        self._passes = Passes(self._voice, self._tree)
        self._steps = Steps(self._voice, self._tree, optimizer, self._finished)
        self._model: nn.Module | None = None
        self._frozen: list[nn.Module] = []
        self._attached = self._warned = self._found = False

    # -- what it looks at

    @property
    def message_bus(self) -> Bus:
        """Where it publishes."""
        return self.bus

    @property
    def named_modules(self) -> list[NamedModule]:
        """The observed modules, with their names."""
        self._tree.refresh()
        return list(self._tree.units.values())

    @property
    def modules(self) -> list[nn.Module]:
        """The observed modules."""
        return [module for module, _ in self.named_modules]

    @property
    def every(self) -> int:
        """Every how many steps it looks; a change counts from the next step on."""
        return self._every

    @every.setter
    def every(self, every: int) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"`every` is a whole number of 1 or more, found {every!r}.")
        self._every = every

    @property
    def optimizer(self) -> Optimizer | None:
        """What makes the steps: the one that was given, else one that was seen to make a step."""
        return self._steps.seen

    @property
    def scaler(self) -> Any:
        """What scales the loss before the pass back, such as a GradScaler; None if nothing does."""
        return self._voice.scaler

    @scaler.setter
    def scaler(self, scaler: Any) -> None:
        if scaler is not None and not callable(getattr(scaler, "scale", None)):
            raise KindError(f"A scaler has a method `scale`, as a GradScaler has; found {scaler!r}.")
        self._voice.scaler = scaler

    @property
    def others(self) -> Sequence[Optimizer]:
        """Optimisers beside that which makes the steps: what they change is not told, as it is not known."""
        return self._steps.others

    @others.setter
    def others(self, others: Sequence[Optimizer]) -> None:
        self._steps.others = tuple(others)

    @property
    def step(self) -> int:
        """The step that is being made."""
        return self._voice.clock()[0]

    @property
    def is_observing(self) -> bool:
        """True while the step that is being made is observed."""
        return self._voice.observing

    # -- how it is told what to look at

    def add_modules(self, module: nn.Module | tuple[str, nn.Module], recursive: bool = True) -> None:
        """Observe a module: those within it, down to `depth`, or itself if not `recursive`.

        Args:
            module: a module, or its name and the module.
            recursive: False to observe it as one.

        Raises:
            KindError: if it is neither.
        """
        name, module = module if isinstance(module, tuple) and len(module) == 2 else ("", module)
        if not isinstance(module, nn.Module) or not isinstance(name, str):
            raise KindError(f"Give a torch module, or a name and a module; found {module!r}.")
        self._find(module)
        self._tree.add(unwrapped(module), name, recursive)
        self._attach()

    def _find(self, module: nn.Module) -> None:
        """Find out whether it is compiled, unless that is known."""
        if not self.compiled and is_compiled(module):
            self.compiled = self._found = True

    def __call__(self, module: M, recursive: bool = True) -> M:
        """Observe a module and give it back, as in `nn.Sequential(exporter(nn.Linear(3, 2)), ...)`."""
        self.add_modules(module, recursive)
        return module

    def set_model(self, model: nn.Module) -> None:
        """Say which module's call is a pass; its mode tells training from evaluation. Nothing is patched."""
        self._find(model)
        self._model = unwrapped(model)
        self._passes.losses.find(self._model)
        self._attach()

    def set_loss(self, loss: Any) -> Any:
        """Hear what a loss is given and what it comes to.

        Args:
            loss: a module, which stays as it is; or a function.

        Returns:
            What to call: the module itself, or a function that computes the same and tells.
        """
        if isinstance(loss, nn.Module):
            self._passes.losses.add(loss)
            return loss
        return self._passes.losses.wrap(loss, self._loss_tag)

    def _loss_tag(self) -> str | None:
        if not self._voice.active:
            return None
        tag = self._passes.tag(nn.Identity())
        if tag == "train" and not self._voice.begun:
            self._voice.begin()
        return tag

    def freeze_module(self, module: nn.Module) -> None:
        """Train its parameters no more."""
        if not any(module is frozen for frozen in self._frozen):
            self._frozen.append(module)
            log.info("Freezing %s", type(module).__name__)
            for parameter in module.parameters():
                parameter.requires_grad_(False)
                parameter.grad = None  # else momentum would still move it

    def epoch_finished(self) -> None:
        """Say that an epoch is over; whoever gave no clock counts epochs so."""
        self._voice.turn()

    # -- its life

    def _attach(self) -> None:
        if not self._attached:
            self._attached = True
            self._voice.register(True)
            self._voice.find()
            self.bus.on_change.append(self._changed)
            self._voice.observe(self._is_due(self.step))
        self._steps.hook()
        roots = [root for _, root, _ in self._tree.roots] if self._model is None else [self._model]
        self._passes.root = roots[0] if len(roots) == 1 else None
        self._listen()

    def detach(self) -> None:
        """Let go of the model, the optimiser and the bus, without a trace; a second time does nothing."""
        if self._attached:
            self._attached = False
            self._voice.observe(False)
            self._voice.begun = False
            self.bus.on_change.remove(self._changed)
            self._voice.register(False)
            self._passes.unhook()
        self._steps.unhook()

    def _finished(self) -> None:
        voice = self._voice
        try:
            if voice.active or (voice.observing and self.on_step):
                self._look_back()
        finally:
            clock = voice.clock
            if type(clock) is Count:
                made = clock.made = clock.made + 1
                clock.made_in_epoch += 1
            else:
                made = clock()[0]
            due = (made + 1) % self._every == 0 and self._attached
            if due is not voice.observing:
                voice.observe(due)
                self._listen()

    def _look_back(self) -> None:
        voice, passes = self._voice, self._passes
        self.cost, voice.spent = voice.spent, 0.0
        if not passes.heard and not self._warned and voice.active and voice.of_modules:
            self._warned = True
            if self._found:
                log.warning(COMPILED)
            elif not self.compiled:
                log.warning(UNSEEN, voice.step)
        passes.heard = False
        for function in list(self.on_step):
            function(self)

    def _is_due(self, step: int) -> bool:
        return step == 1 or step % self._every == 0

    def _listen(self) -> None:
        """Hear what passes through the modules, if this step is observed and somebody wants to know."""
        if self._voice.active and self._voice.of_passes and not self.compiled:
            self._passes.hook()
        else:
            self._passes.unhook()

    def _changed(self) -> None:
        """Somebody came to the bus, or left it."""
        self._voice.find()
        self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.detach()
