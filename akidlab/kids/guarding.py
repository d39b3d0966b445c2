"""Guarding: what a kid does at a step whose loss or gradients are not finite."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.errors import NotFiniteError
from akidlab.guards.explain import STATE, Case, explain, last_good
from akidlab.guards.finding import Finding
from akidlab.guards.finite import gradient_check, is_finite, mark, small
from akidlab.guards.growth import Growth
from akidlab.kids import checkpoint
from akidlab.messages import Event, Message, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from akidlab.kids.kid import Kid

log = logging.getLogger(__name__)

ANEW = ("started", "edit", "rate")  # events from which on weights are seen to grow


class NotFinite(NotFiniteError):
    """A step was not made, since its loss or a gradient is not finite.

    Args:
        what: `loss` or `gradient`.
        step: the step.
        value: the loss.
        batches: what went in.
    """

    def __init__(self, what: str, step: int, value: float, batches: list[Any]) -> None:
        super().__init__(f"The {what} is not finite at step {step}.")
        self.what, self.step, self.value, self.batches = what, step, value, batches


class Guarding(Subscriber):
    """Watches over the steps of a kid, and says what was found.

    It hears what others find on the bus of the kid: an error of theirs ends, or pauses, its practice, too.

    Args:
        kid: whose steps.
    """

    def __init__(self, kid: Kid) -> None:
        self.kid = kid
        self.topics = frozenset({"event"})
        self.told = False  # a kid that only warns does so once
        self.heard: Finding | None = None  # what somebody else found that must end this
        self._telling = False
        self._buffers: list[tuple[Tensor, Tensor]] = []
        self.watch: Watch | None = None
        self._growth: Growth | None = None
        self.remember()

    def hear(self, message: Message) -> None:
        event = message.data
        if not isinstance(event, Event):
            return
        if event.kind in ANEW and self.is_on:
            self._growth = Growth(self.kid.brain, self.kid.step + 1)
            self.remember()
        if event.kind == "guard" and not self._telling and self.minds:
            facts: dict[str, Any] = {**event.data}
            kind, block = str(facts.get("finding", "guard")), facts.get("block")
            self.heard = Finding(kind, block, message.step, str(facts.get("text", "")), "error")

    @property
    def is_on(self) -> bool:
        """True if there is anything to watch over."""
        return self.kid.guard != "off"

    @property
    def minds(self) -> bool:
        """True if what somebody else found counts; of ranks that go on anyway, only one may have heard it."""
        return self.is_on and (self.kid.guard != "warn" or self.kid.engine.size == 1)

    def alarm(self, what: str, value: float, batches: list[Any], step: int | None = None) -> None:
        """The step cannot be made; a kid that only warns makes it.

        Raises:
            NotFinite: unless the kid only warns.
        """
        fault = NotFinite(what, self.kid.step + 1 if step is None else step, value, batches)
        if self.kid.guard != "warn":
            raise fault
        if not self.told:
            self.told = True
            self.tell(self.explain(fault, "Training goes on: `guard='stop'` would have ended it."), "warning")

    def settle(self) -> None:
        """Wait for what an accelerator has not told yet.

        Raises:
            NotFinite: if a step behind was not made.
        """
        if self.watch is not None:
            self.watch.settle()

    def explain(self, fault: NotFinite, state: str = STATE) -> Finding:
        """What was found, told by the rank that knows; every rank calls it."""
        case = self._case(fault, state)
        finding = self._found(case)
        if state != STATE or finding.kind.startswith("data"):  # it goes on; or it is no fault of the weights
            return finding
        return replace(finding, text=f"{finding.text} {way_back(self.kid, last_good(case))}".strip())

    def _found(self, case: Case) -> Finding:
        engine, finding = self.kid.engine, self.heard or explain(case)
        if engine.size == 1:
            return finding
        told = _first(engine.gather(_plain(finding)))
        return told or explain(replace(case, shared=False))

    def tell(self, finding: Finding, level: str = "error") -> None:
        """Publish it, and log it, as a warning where no dashboard shows it."""
        kid = self.kid
        finding = Finding(finding.kind, finding.block, finding.step, finding.text, level, finding.value)
        if self.heard is None:
            self._telling = True
            finding.publish(kid.bus, kid.epoch)
            self._telling = False
        if kid.report is not None:
            kid.report.log(finding.text, level)
        if kid.engine.rank == 0:
            log.log(logging.INFO if kid.shown else logging.WARNING, "%s", finding.text)

    def remember(self) -> None:
        """Keep the running statistics, which a bad batch spoils before anybody can look."""
        floating = [b for b in self.kid.brain.buffers() if b.is_floating_point()] if self.is_on else []
        if [id(b) for b, _ in self._buffers] != [id(b) for b in floating]:
            self._buffers = [(b, b.detach().clone()) for b in floating]
        for buffer, kept in self._buffers:
            kept.copy_(buffer)

    def mend(self) -> None:
        """Put back the running statistics that are not finite."""
        for buffer, kept in self._buffers:
            if not is_finite(buffer) and is_finite(kept):
                buffer.copy_(kept)

    def _case(self, fault: NotFinite, state: str) -> Case:
        from akidlab.kids.update import autocast

        kid, cast = self.kid, autocast(self.kid)

        def again(batch: Any) -> Tensor:
            with cast():
                return kid.brain.objective(batch)

        history = [] if kid.report is None else kid.report.history()
        return Case(
            kid.brain,
            fault.what,
            fault.step,
            fault.value,
            fault.batches,
            again,
            history,
            kid.kongfu.get_lr(),
            state,
            grown=None if self._growth is None else self._growth.most(),
            shared=kid.engine.size > 1,
        )


class Watch:
    """Looks at the loss and the gradients of a step before it is made.

    On an accelerator nobody waits: the optimiser itself leaves out a step that is not finite (as it does for
    torch's GradScaler), and what it found is read one step later.
    """

    def __init__(self, guarding: Guarding, lagging: bool | None = None) -> None:
        kid = guarding.kid
        self.guarding, self.parameters, self.few = guarding, kid.parameters, small(kid.parameters)
        on_cpu = kid.device.type == "cpu"
        self.lagging = (not on_cpu and _skips(kid.optimizer)) if lagging is None else lagging
        self.finite = gradient_check(kid.parameters)
        self.flag = torch.zeros(1, device=kid.device)
        self.one = torch.ones((), device=kid.device)
        self._underway: deque[tuple[Callable[[], bool], int, Tensor, list[Any]]] = deque()
        guarding.watch = self
        if self.lagging and kid.guard != "warn":
            kid.optimizer.grad_scale, kid.optimizer.found_inf = None, self.flag  # type: ignore[attr-defined]

    def before(self, loss: Tensor, batches: list[Any]) -> None:
        """Look, before the gradients are clipped and the step is made.

        Raises:
            NotFinite: if the kid is to stop or pause.
        """
        guarding = self.guarding
        if guarding.heard is not None and guarding.kid.engine.size == 1:  # else the loss tells, on all ranks
            guarding.alarm("activation", float(loss), batches)
        grads = [grad for p in self.few if (grad := p.grad) is not None and not grad.is_sparse]
        if self.lagging:
            mark([*grads, loss.detach()], self.flag, self.one)
        elif self.flag.device.type == "cpu":
            self._look(loss.item(), self.finite, batches)
        else:
            mark([*grads, loss.detach()], self.flag, self.one)
            if self.flag.item():
                self.flag.zero_()
                self._tell(loss, batches, guarding.kid.step + 1)

    def after(self, loss: Tensor, batches: list[Any]) -> None:
        """The step was sent off; look at the one before."""
        if self.lagging:
            self._underway.append((_arrival(self.flag), self.guarding.kid.step + 1, loss, batches))
            self.settle(leave=1)

    def settle(self, leave: int = 0) -> None:
        """Look at all steps but the last `leave`."""
        while len(self._underway) > leave:
            arrived, step, loss, batches = self._underway.popleft()
            if arrived():
                self._underway.clear()
                self.flag.zero_()
                self._tell(loss, batches, step)

    def _look(self, value: float, finite: Callable[[], bool], batches: list[Any]) -> None:
        if value - value != 0.0:
            self.guarding.alarm("loss", value, batches)
        elif not finite():
            self.guarding.alarm("gradient", value, batches)

    def _tell(self, loss: Tensor, batches: list[Any], step: int) -> None:
        value = loss.item()
        what = "loss" if value - value != 0.0 else "gradient"
        self.guarding.alarm(what, value, batches, step)


def _skips(optimizer: torch.optim.Optimizer) -> bool:
    """True if its step can be left out on the device."""
    fused = all(group.get("fused") for group in optimizer.param_groups)
    return fused and getattr(optimizer, "_step_supports_amp_scaling", False)


def _arrival(flag: Tensor) -> Callable[[], bool]:
    """Start to copy `flag` to where it can be read."""
    if flag.device.type != "cuda":
        host = flag.clone()
        return lambda: bool(host.item())
    host = torch.empty(1, pin_memory=True)
    host.copy_(flag, non_blocking=True)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(flag.device))

    def arrived() -> bool:
        done.synchronize()
        return bool(host.item())

    return arrived


def way_back(kid: Kid, good: int) -> str:
    """How to go back to the newest checkpoint of a step no later than `good`; nothing if there is none."""
    for path in () if kid.folder is None else checkpoint.paths(kid.folder):
        step = int(path.stem.removeprefix("step-"))
        if step <= good:
            return f"To go on from step {step}, its last good checkpoint: `kid.restore({str(path)!r})`."
    return ""


def _plain(finding: Finding) -> tuple[Any, ...]:
    return finding.kind, finding.block, finding.step, finding.text, finding.level, finding.value


def _first(found: list[tuple[Any, ...]]) -> Finding | None:
    """That of the first rank that knows where; None if none does."""
    rank = next((rank for rank, parts in enumerate(found) if parts[1] is not None), None)
    if rank is None:
        return None
    kind, block, step, text, level, value = found[rank]
    return Finding(kind, block, step, f"{text} It was found on rank {rank}.", level, value)
