"""Report: what a practising Kid says on its bus, gathered without waiting for the device."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from akidlab.messages import Event, Log, Message, Samples, Status

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid

INTERVAL = 0.2
SPEED_INTERVAL = 1.0
RECENT = 50


class Report:
    """Keeps the loss of each step where it was computed, and publishes all of them a few times a second.

    Args:
        kid: whose bus it publishes on.
        interval: seconds between two flushes; the first step is told at once.
    """

    def __init__(self, kid: Kid, interval: float = INTERVAL) -> None:
        self.kid = kid
        self.interval = interval
        self.losses: list[Tensor | float] = []
        self.last_loss = math.nan
        self.times: list[float] = []  # of the performance counter, which never goes back
        self.due = 0.0  # the loop flushes once that counter is past it
        self._underway: Callable[[], None] | None = None
        self._lr: float | None = None
        self._reduction: dict[str, Any] = {}
        self._since = self._told = time.perf_counter()
        self._since_step = int(kid.clock)
        self._warned, self._recent = kid.guard != "off", []  # a guard tells more, and sooner

    def flush(self, final: bool = False) -> None:
        """Publish the losses since the last flush, the speed, and where the run stands."""
        now = time.perf_counter()
        self.due = now + self.interval
        self._arrive()
        self._send_losses(wait=final or self.kid.step_time is None)
        self._speed(now)
        self.learning_rate()
        self.reduction()
        self.status("running")

    def learning_rate(self, always: bool = False) -> None:
        """Publish the learning rate if it is another one than before."""
        lr = self.kid.kongfu.get_lr()
        if always or lr != self._lr:
            self._lr = lr
            self.scalar("learning_rate", lr)

    def reduction(self) -> None:
        """Publish how ranks average their gradients, once that is chosen."""
        found = self.kid.engine.reduction
        if found and found != self._reduction:
            self._reduction = found
            self.event("reduction", **found)

    def restart(self) -> None:
        """Count the speed anew: what lies behind was no training."""
        self._since, self._since_step = time.perf_counter(), int(self.kid.clock)

    def scalar(self, tag: str, value: float) -> None:
        """Publish one value of `tag` at this step."""
        self._publish(tag, Samples([int(self.kid.clock)], [float(value)], [time.time()]))

    def scalars(self, values: Mapping[str, float]) -> None:
        """Publish one value of each tag at this step."""
        for tag, value in values.items():
            self.scalar(tag, value)

    def event(self, kind: str, **data: Any) -> None:
        """Publish something that happened once."""
        self._publish("event", Event(kind, {"step": int(self.kid.clock), **data}))

    def graph(self) -> None:
        """Publish how the brain is built, if it can be told."""
        try:
            graph = self.kid.brain.graph().json
        except (
            Exception
        ) as error:  # a block of the user's may fail to describe itself; it learns all the same
            self.log(f"The graph of the brain is not recorded: {type(error).__name__}: {error}", "warning")
        else:
            self.event("graph", graph=graph)

    def log(self, text: str, level: str = "info") -> None:
        """Publish a line for people."""
        self._publish("log", Log(text, level, self.kid.engine.rank))

    def warn(self, text: str) -> None:
        """Publish a warning, as an event and as a line for people."""
        self.event("warning", text=text)
        self.log(text, "warning")

    def failure(self, error: BaseException) -> None:
        """Publish an exception with its traceback, and that the run has failed."""
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        text = f"{type(error).__name__}: {error}"
        self.event("error", error=text, traceback=lines)
        self.log(lines, "error")
        self.status("failed", error=text)

    def status(self, status: str | None, **data: object) -> None:
        """Publish where the run stands."""
        kid = self.kid
        facts: dict[str, object] = {"step": int(kid.clock), "epoch": kid.epoch, **data}
        if kid.samples_per_second is not None:
            facts["samples_per_second"] = kid.samples_per_second
        self._publish("status", Status(status, facts))

    def history(self) -> list[float]:
        """The last losses, the newest last."""
        return [*self._recent, *map(float, self.losses[-RECENT:])]

    def _publish(self, topic: str, data: object) -> None:
        kid = self.kid
        kid.bus.publish(Message(topic, data, step=int(kid.clock), epoch=kid.epoch))

    def _speed(self, now: float) -> None:
        kid, steps = self.kid, int(self.kid.clock) - self._since_step
        if steps <= 0 or now <= self._since:
            return
        kid.step_time = (now - self._since) / steps
        kid.samples_per_second = kid.samples_per_step / kid.step_time
        self._since, self._since_step = now, int(kid.clock)
        if now - self._told >= SPEED_INTERVAL:
            self._told = now
            self.scalar("samples_per_second", kid.samples_per_second)

    def _send_losses(self, wait: bool) -> None:
        if not self.losses:
            return
        offset = time.time() - time.perf_counter()  # anew each time: the machine's clock may be set
        losses, times = [*self.losses], [offset + noted for noted in self.times]
        self.losses.clear()
        self.times.clear()
        last = int(self.kid.clock)
        steps = list(range(last - len(losses) + 1, last + 1))
        if not any(isinstance(loss, Tensor) for loss in losses):  # a guard read them at their steps
            return self._tell(steps, [float(loss) for loss in losses], times)
        stacked = torch.stack([torch.as_tensor(loss) for loss in losses])
        if stacked.device.type == "cpu" or wait:
            self._tell(steps, stacked.tolist(), times)
        else:
            self._underway = self._on_its_way(steps, stacked, times)

    def _on_its_way(self, steps: list[int], stacked: Tensor, times: list[float]) -> Callable[[], None]:
        """Start the copy from the accelerator now; the next flush finds it done."""
        host = torch.empty(stacked.shape, dtype=stacked.dtype, pin_memory=True)
        host.copy_(stacked, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(stacked.device))

        def arrive() -> None:
            done.synchronize()
            self._tell(steps, host.tolist(), times)

        return arrive

    def _arrive(self) -> None:
        underway, self._underway = self._underway, None
        if underway is not None:
            underway()

    def _tell(self, steps: list[int], values: list[float], times: list[float]) -> None:
        self.last_loss, self._recent = values[-1], values[-RECENT:]
        self._publish("loss", Samples(steps, values, times))
        if not self._warned and not math.isfinite(sum(values)):
            bad = next((step for step, v in zip(steps, values, strict=True) if not math.isfinite(v)), None)
            if bad is not None:
                self._warned = True
                self.warn(f"The loss is not finite since step {bad}: a smaller rate or `clip_norm` may help.")
