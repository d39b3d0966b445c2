"""The Guard of a loop written by hand: no step is made on gradients that are NaN or infinite."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from operator import is_
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakMethod

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from akidlab.errors import NotFiniteError, unknown
from akidlab.guards.explain import STATE, Case, explain
from akidlab.guards.finding import Finding
from akidlab.guards.finite import all_finite, gradient_check, is_finite, small
from akidlab.guards.growth import Growth

if TYPE_CHECKING:
    from typing_extensions import Self

    from akidlab.messages import Bus

log = logging.getLogger(__name__)

MODES = ("raise", "warn")
GOES_ON = "Training goes on: a guard that may `raise` would have ended it."
EVERY = 64


class Known(NamedTuple):
    """What an optimiser trained at its last step, and what tells whether those gradients are finite."""

    parameters: list[Tensor]
    are_finite: Callable[[], bool]


class Guard:
    """Looks at the gradients before each step of an optimiser, and names the module that spoilt them.

    All that the optimiser trains at that step is looked at, so that modules may come and go on the way. A Kid
    has a guard of its own: `Kid(..., guard="stop")`. It is a context manager; `detach()` ends it.

    Args:
        module: what is trained.
        mode: `raise` a NotFiniteError in place of the step, or `warn` and make the step.
        optimizer: what makes the steps; by default every optimiser that holds parameters of the module. Of
            several, a step is one of the first.
        bus: where what is found is told, too.

    Raises:
        UnknownNameError: if there is no such mode.

    Example:
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU())
        >>> optimizer = torch.optim.SGD(net.parameters(), 0.1)
        >>> with Guard(net):
        ...     net(torch.tensor([[1.0, float("nan")]])).sum().backward()
        ...     optimizer.step()
        Traceback (most recent call last):
        akidlab.errors.NotFiniteError: A gradient is not finite at step 1. The batch itself holds 1 NaN ...
    """

    def __init__(
        self,
        module: nn.Module,
        mode: str = "raise",
        *,
        optimizer: Optimizer | Sequence[Optimizer] | None = None,
        bus: Bus | None = None,
    ) -> None:
        if mode not in MODES:
            raise unknown("mode of a guard", str(mode), MODES)
        self.module, self.mode, self.bus = module, mode, bus
        self.optimizers = () if optimizer is None else _several(optimizer)
        self.step = 0  # steps made
        self.finding: Finding | None = None  # the last one
        self.is_shown = False  # to people, by whoever hears it on the bus
        self._known: WeakKeyDictionary[Optimizer, Known] = WeakKeyDictionary()
        self.history: Callable[[], Sequence[float]] = tuple  # gives the losses before, where they are known
        self._growth = Growth(module)
        self._given: tuple[Any, Any] | None = None
        hook, keep = register_optimizer_step_pre_hook, _Ear(self._keep)
        hooks = [one.register_step_pre_hook for one in self.optimizers] or [hook]
        self._handles = [register(self._look) for register in hooks]
        self._handles.append(module.register_forward_pre_hook(keep, with_kwargs=True))

    def check(self, loss: Tensor) -> Tensor:
        """See that a loss is finite, before `loss.backward()`; gives it back.

        Raises:
            NotFiniteError: if it is not, unless the mode is `warn`.
        """
        if not is_finite(loss):
            self._alarm("loss", float(loss.detach().sum()), next(iter(self.optimizers), None))
        return loss

    def detach(self) -> None:
        """Look no longer; a second time does nothing."""
        self._given = None
        while self._handles:
            self._handles.pop().remove()

    def _keep(self, module: nn.Module, args: Any, kwargs: Any = None) -> None:
        if module.training and self._handles:  # torch may still call one that was taken off meanwhile
            self._given = (args, kwargs)

    def _look(self, optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
        __tracebackhide__ = True
        known = self._of(optimizer)
        if known is None:
            return None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")  # torch puts the optimiser first
        if closure is None:
            self._judge(optimizer, known, self.step + 1)
            return None
        step = self.step + 1

        def judged() -> Any:
            __tracebackhide__ = True
            loss = closure()
            self._judge(optimizer, known, step)
            return loss

        return (args[0], judged, *args[2:]), {k: v for k, v in kwargs.items() if k != "closure"}

    def _judge(self, optimizer: Optimizer, known: Known, step: int) -> None:
        """See that the gradients which `step` is to be made on are finite."""
        __tracebackhide__ = True
        if not self._is_scaled(optimizer) and not known.are_finite():
            self._alarm("gradient", float("nan"), optimizer, step)
        if optimizer in (self.optimizers[:1] or (optimizer,)):
            self.step = step
        self._given = None

    def _of(self, optimizer: Optimizer) -> Known | None:
        """What it trains now; None if nothing of that is the module's."""
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        known = self._known.get(optimizer)
        if known is None or not _same(known.parameters, parameters):
            mine = {id(parameter) for parameter in self.module.parameters()}
            if not self.optimizers and not any(id(p) in mine for p in parameters):
                return None
            known = self._known[optimizer] = Known(parameters, _check(parameters))
        return known

    def _is_scaled(self, optimizer: Optimizer) -> bool:
        """True within the step of a GradScaler that leaves it to the optimiser to skip what overflowed."""
        return getattr(optimizer, "grad_scale", None) is not None

    def _alarm(
        self, what: str, value: float, optimizer: Optimizer | None = None, step: int | None = None
    ) -> None:
        __tracebackhide__ = True
        given, module = self._given, self.module
        rate = None if optimizer is None else float(optimizer.param_groups[0]["lr"])

        def again(batch: Any) -> Tensor:
            args, kwargs = batch
            return module(*args, **kwargs)

        batches = [] if given is None else [given]
        state = STATE if self.mode == "raise" else GOES_ON
        case = Case(
            module, what, step or self.step + 1, value, batches, again, self.history(), rate, state,
            entry="the input", grown=self._growth.most(),
        )  # fmt: skip
        known, self.finding = self.finding, explain(case)
        is_new = known is None or known.kind != self.finding.kind
        if self.bus is not None and is_new:
            self.finding.publish(self.bus)
        if self.mode == "raise":
            raise NotFiniteError(self.finding.text)
        if is_new:
            log.log(logging.INFO if self.is_shown else logging.WARNING, "%s", self.finding.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()


def _check(parameters: list[Tensor]) -> Callable[[], bool]:
    if all(p.device.type == "cpu" for p in parameters[:1]):
        return gradient_check(parameters, EVERY)
    few = small(parameters)
    return lambda: all_finite(p.grad for p in few)


def _several(given: Optimizer | Sequence[Optimizer]) -> tuple[Optimizer, ...]:
    return (given,) if isinstance(given, Optimizer) else tuple(given)


def _same(some: list[Tensor], others: list[Tensor]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


class _Ear:
    """A hook on a module that tells one guard; copies of the module, pickled ones too, get a deaf one.

    The hooks of the optimiser keep the guard alive, not this one.
    """

    def __init__(self, method: Callable[..., None] | None = None) -> None:
        self._method = None if method is None else WeakMethod(method)

    def __call__(self, *args: Any) -> None:
        method = None if self._method is None else self._method()
        if method is not None:
            method(*args)

    def __deepcopy__(self, memo: object) -> _Ear:
        return _Ear()

    def __reduce__(self) -> tuple[type[_Ear], tuple[()]]:
        return _Ear, ()
