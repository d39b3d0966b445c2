"""Watching a loop of one's own: any torch module and its optimiser, in the same runs and widgets."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from akidlab import config
from akidlab.errors import KindError, unknown
from akidlab.session.loop import LoopWatch
from akidlab.session.notebook import shell

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

GUARDS = ("raise", "warn", "off")
_watched: weakref.WeakKeyDictionary[Any, weakref.ref[LoopWatch]] = weakref.WeakKeyDictionary()


def watch(
    module: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *topics: str,
    loss: nn.Module | None = None,
    name: str | None = None,
    guard: str = "raise",
    scaler: Any = None,
    dashboard: bool = True,
    run: Mapping[str, object] | None = None,
    **options: Any,
) -> LoopWatch:
    """Watch any torch module while a loop of your own trains it: a run in the store, and a live dashboard.

    Three lines around the loop you have; everything is taken off again at its end. Pause, step, rate and
    stop work: a stop ends the `with`. Without a `with`, `close()` what is given when the loop is over; it
    ends, too, when the same module is watched again, or when nothing holds the module any more.

    Args:
        module: what learns.
        optimizer: what makes its steps. Of several, as those of a GAN, a step is one of the first: its rate
            can be changed, its updates are seen (those by the others are told as 0). The guard looks at all.
        topics: what to look at, such as `"gradients"`; everything by default (see `WatchOptions`).
        loss: the loss module, whose values are recorded; without one, use `log(loss=...)`, or let the module
            return something with a `loss`, as Hugging Face's models do.
        name: what the run is called.
        guard: at gradients that are NaN or infinite, `raise` in place of the step, so that the weights stay
            as they were; or `warn`, or `off`.
        scaler: the GradScaler of mixed precision, if there is one, whose scale is then taken off what is told
            of the gradients between layers; those of parameters are told without it in any case.
        dashboard: False to show nothing.
        run: more about the run, plain values.
        options: those of `WatchOptions`: every, exact, elements, budget, metrics, doctor.

    Raises:
        UnknownNameError: if there is no such topic, metric or option.
        NotFiniteError: by `optimizer.step()`, naming the module where the gradients were spoilt.
        KindError: if `module`, `optimizer`, `loss` or `scaler` is something else.

    Example:
        >>> import akidlab
        >>> model, data = torch.nn.Linear(4, 2), torch.randn(8, 4)
        >>> optimizer, loss = torch.optim.SGD(model.parameters(), 0.1), torch.nn.MSELoss()
        >>> with akidlab.watch(model, optimizer, loss=loss, every=5) as watching:
        ...     for _ in range(20):
        ...         optimizer.zero_grad()
        ...         loss(model(data), torch.zeros(8, 2)).backward()
        ...         optimizer.step()
        >>> len(watching.run.scalars("loss")), watching.run.status
        (20, 'finished')
    """
    from akidlab.exporter.tree import unwrapped
    from akidlab.watching import WatchOptions

    optimizers: tuple[Any, ...] = tuple(optimizer) if isinstance(optimizer, (list, tuple)) else (optimizer,)
    _check(module, optimizers, loss, scaler)
    chosen = WatchOptions(topics, **options)
    if guard not in GUARDS:
        raise unknown("guard of a loop", str(guard), GUARDS)
    inner = unwrapped(module)
    earlier = _watched.get(inner, lambda: None)()
    if earlier is not None:
        earlier.give_way()
    opened = LoopWatch(
        module, optimizers, chosen, loss=loss, name=name, guard=guard, scaler=scaler, config=run or {}
    )
    _watched[inner] = weakref.ref(opened)
    if dashboard and not config.quiet() and shell() is not None:
        opened.show()
    return opened


def _check(module: Any, optimizers: Sequence[Any], loss: Any, scaler: Any) -> None:
    from torch import nn, optim

    if not isinstance(module, nn.Module):
        advice = "A kid is watched by `kid.watch(...)`." if hasattr(module, "practice") else ""
        raise KindError(f"`module` is a torch module, found a {type(module).__name__}. {advice}".strip())
    odd = [type(one).__name__ for one in optimizers if not isinstance(one, optim.Optimizer)]
    if odd or not optimizers:
        found = f"a {odd[0]}" if odd else "none"
        raise KindError(f"`optimizer` is an optimiser of torch, or several; found {found}.")
    if loss is not None and not isinstance(loss, nn.Module):
        raise KindError(
            f"`loss` is a loss module such as nn.CrossEntropyLoss(), found a {type(loss).__name__}. Leave it "
            "out and tell the loss yourself: `watching.log(loss=loss)`."
        )
    if scaler is not None and not callable(getattr(scaler, "scale", None)):
        raise KindError(f"`scaler` is one of mixed precision, such as a GradScaler; found {scaler!r}.")
