"""A LoopWatch: a loop of one's own while it is watched, with its run, its controls and its dashboard."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from akidlab.errors import AkidlabError, AskError, KindError
from akidlab.messages import Bus, Command, Event, Log, Message, Samples, Status
from akidlab.session.notebook import shows
from akidlab.session.told import Told
from akidlab.store import Recorder, Run, Store
from akidlab.wire import Listener

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from typing_extensions import Self

    from akidlab.asking import Desk
    from akidlab.guards import Guard
    from akidlab.widgets import Dashboard
    from akidlab.wire import Peer

INTERVAL = 0.2  # seconds between two looks at what was told
FIXED = "A loop of one's own cannot be moved: it runs in its cell. A Kid can: `%akid_train kid -np 2`."
DROPPED = "Nothing holds what `{}` watched any more, so it ends at step {}."


class StoppedError(AkidlabError, RuntimeError):
    """Somebody pressed stop; a `with akidlab.watch(...)` around the loop takes it as its end."""

    def _render_traceback_(self) -> list[str]:  # IPython asks: nothing went wrong
        return [str(self)]


class Ear:
    """A hook that calls a method of a watch for as long as somebody holds that.

    Copies of what it is hooked to, pickled ones too, get a deaf one.
    """

    def __init__(self, method: Callable[..., Any] | None = None, otherwise: Any = None) -> None:
        self._method = None if method is None else WeakMethod(method)
        self._otherwise = otherwise  # what it gives when nobody holds the watch any more

    def __call__(self, *args: Any) -> Any:
        method = None if self._method is None else self._method()
        return self._otherwise if method is None else method(*args)

    def __deepcopy__(self, memo: object) -> Ear:
        return Ear()

    def __reduce__(self) -> tuple[type[Ear], tuple[()]]:
        return Ear, ()


class Grip(Ear):
    """A hook that does not let go of the watch, so that this lives as long as what it is hooked to."""

    def __init__(self, method: Callable[..., Any]) -> None:
        super().__init__(method)
        self._held = method


class LoopWatch:
    """A loop of one's own while it is watched; `watch` makes it, `close` or the end of its `with` ends it.

    Where nothing holds what is watched any more, such as when its cell ran again, it ends by itself.

    Args:
        module: what learns.
        optimizers: what makes its steps; of several, a step is one of the first, whose rate can be changed.
        options: what is looked at.
        loss: the module whose values are the loss.
        name: what the run is called.
        guard: what to do at gradients that are not finite: `raise`, `warn`, or `off`.
        scaler: what scales the loss, if anything does.
        config: more about the run.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizers: Sequence[Optimizer],
        options: Any,
        *,
        loss: nn.Module | None = None,
        name: str | None = None,
        guard: str = "raise",
        scaler: Any = None,
        config: Mapping[str, object] | None = None,
    ) -> None:
        from akidlab.guards import Doctor, Guard
        from akidlab.kids.controls import Controls, stay
        from akidlab.watching.watch import Watch

        optimizer = optimizers[0]
        self.step = self.samples = self.epoch = self._turned = 0
        self.module, self.optimizer, self.controls, self.bus = module, optimizer, Controls(), Bus()
        self.controls.mover = partial(stay, why=FIXED)
        self.status, self.was_stopped = "running", False
        self.on_stop: Callable[[], object] | None = None  # how a loop that knows how to stop is asked to
        self.obeys = True  # at the end of a step; else when `obey` is called
        self._told, self._making, self._speaks = Told(), False, loss is None
        self._paused, self._left, self._rate, self._due = False, 0, None, 0.0
        self._since, self._since_samples = time.perf_counter(), 0
        self._dashboard: Dashboard | None = None
        self._desk: Desk | None = None  # made for the first question
        self._inside = False
        self._guard: Guard | None = None
        kinds = ", ".join(type(one).__name__ for one in optimizers)
        facts = {"module": type(module).__name__, "optimizer": kinds, **(config or {})}
        self.run: Run = Store().create(name or type(module).__name__.lower(), config=facts)
        self._recorder = Recorder(self.run).start()
        self.bus.subscribe(self._recorder)
        self._hooked: list[Callable[[], object]] = []  # what takes off whatever was put on
        self._listener: Listener | None = None
        try:
            clock = Ear(self._clock, (1, 0, 1))
            self.watch = Watch(module, optimizer, options, self.bus, clock=clock)
            self._hooked.append(self.watch.close)
            self.watch.exporter.scaler, self.watch.exporter.others = scaler, optimizers[1:]
            for doctor in (one for one in self.watch.subscribers if isinstance(one, Doctor)):
                doctor.others = optimizers[1:]
            if guard != "off":
                self._guard = Guard(module, guard, optimizer=optimizers, bus=self.bus)
                self._guard.history = partial(self._told.recent, "loss")
                self._hooked.append(self._guard.detach)
            self._hook(module, optimizer, loss)
            info: dict[str, object] = {"store": str(self.run.store.path), "name": self.run.name}
            self._listener = Listener(Ear(self._hear), kind="run", uid=self.run.uid, info=info)
            self._listener.start()
        except BaseException:
            self.close("failed")
            raise
        self._say("status", Status("running"))

    def log(self, **values: Any) -> None:
        """Record numbers, or tensors of one element, such as `log(loss=loss, accuracy=0.9)`.

        They belong to the step in the making; after its `optimizer.step()`, to the step just made.
        """
        for name, value in values.items():
            self._told.note(name, value, max(1, self.step + self._making))

    def step_begins(self) -> None:
        """Say that a step is in the making; where the module itself is called, that says so."""
        self._making = True

    def epoch_finished(self) -> None:
        """Say that an epoch is over; a loop that does not say so has one."""
        self.epoch, self._turned = self.epoch + 1, self.step
        self._say("event", Event("epoch", {"step": self.step, "epoch": self.epoch}))
        self.watch.exporter.epoch_finished()

    @property
    def is_asked(self) -> bool:
        """True if something is to be done, or waited for, between two steps."""
        return self._paused or self.controls.pending

    @property
    def left(self) -> int:
        """How many steps it makes before it pauses again; 0 where it just goes on."""
        return self._left

    def obey(self) -> None:
        """Do what was asked for, and wait while it is paused."""
        self._apply(self.controls.take())
        if not self._paused:
            return
        self._flush(final=True)
        self._say("status", Status("paused", {"step": self.step}))
        while self._paused:
            self._apply(self.controls.wait(1.0))
        self._say("status", Status("running"))
        self._since, self._since_samples = time.perf_counter(), self.samples

    def show(self) -> None:
        """Show the dashboard under the cell that runs now."""
        from akidlab.widgets import Dashboard

        self._dashboard = Dashboard(self.run, send=self.controls.send)
        self._dashboard.show()
        if self._guard is not None:
            self._guard.is_shown = shows()

    def give_way(self) -> None:
        """Close, since the module is watched anew."""
        self._say("log", Log(f"The module is watched anew: `{self.run.name}` ends at step {self.step}."))
        self.close("stopped")

    def close(self, status: str = "finished", error: str | None = None) -> None:
        """Watch no longer and close the run; a second time does nothing."""
        if self._recorder is None:
            return
        recorder, self._recorder = self._recorder, None
        if status != "failed":
            self.watch.conclude()
        _call_all(self._hooked)
        self.controls.close()
        self._flush(final=True)
        self.status = status
        if status == "finished":
            self._say("event", Event("finished", {"step": self.step, "outcome": status}))
        self.bus.unsubscribe(recorder)
        recorder.stop(status, error=error)
        if self._desk is not None:
            self._desk.close()
        if self._listener is not None:
            self._listener.stop()
        if self._dashboard is not None:
            self._dashboard.finish()

    # ------------------------------------------------------------------------------------- what is hooked

    def _hook(self, module: nn.Module, optimizer: Optimizer, loss: nn.Module | None) -> None:
        after_pass, after_step = Ear(self._after_pass), Grip(self._after_step)
        self._hooked.append(module.register_forward_hook(after_pass, with_kwargs=True).remove)
        self._hooked.append(optimizer.register_step_post_hook(after_step).remove)
        if loss is not None:
            self._hooked.append(loss.register_forward_hook(Ear(self._after_loss)).remove)

    def __del__(self) -> None:
        if getattr(self, "_recorder", None) is not None and not sys.is_finalizing():
            _call_all(self._hooked)
            with suppress(RuntimeError):  # of an interpreter that begins no threads any more
                Thread(target=self._drop, name="akidlab-drop", daemon=True).start()

    def _drop(self) -> None:
        """End what nothing holds; in a thread, as garbage is collected by whichever holds whatever locks."""
        self._say("log", Log(DROPPED.format(self.run.name, self.step)))
        self.close("stopped")

    def _after_pass(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        if not module.training:
            return
        self._making = True
        self.samples += _batch_size((*args, *kwargs.values()))
        if self._speaks:
            loss = out.get("loss") if isinstance(out, Mapping) else getattr(out, "loss", None)
            if loss is not None:
                self.log(loss=loss)

    def _after_loss(self, module: nn.Module, args: Any, out: Any) -> None:
        if self._making and getattr(out, "requires_grad", False):  # no evaluation
            self.log(loss=out)

    def _after_step(self, *_: Any) -> None:
        self.step, self._making = self.step + 1, False
        if time.perf_counter() >= self._due:
            self._flush()
        if self._left:
            self._left -= 1
            self._paused = not self._left
        if self.obeys and self.is_asked:
            self.obey()

    def _clock(self) -> tuple[int, int, int]:
        return self.step + 1, self.epoch, self.step - self._turned + 1

    # ----------------------------------------------------------------------------------------- what is asked

    def _hear(self, request: dict[str, Any], peer: Peer) -> dict[str, Any]:
        if request.get("kind") == "status":
            return {"ok": True, "status": self.run.status, "step": self.step}
        if request.get("kind") == "ask":
            return self._questions().take(request, peer.send)
        if request.get("kind") != "command":
            raise KindError(f"A loop understands `command`, `status`, `ask`; found {request.get('kind')!r}.")
        command = Command.of(request)
        if command.action == "save":
            raise KindError("A loop of one's own writes no checkpoints: save its weights in the loop.")
        return {"ok": True, "new": self.controls.send(command)}

    def _questions(self) -> Desk:
        """Where questions are taken; the loop answers them at the end of its steps."""
        from akidlab.asking import Desk

        if self._desk is None:
            values: dict[str, Callable[[], object]] = {
                "step": lambda: self.step,
                "epoch": lambda: self.epoch,
                "lr": lambda: float(self.optimizer.param_groups[0]["lr"]),
                "loss": self._last_loss,
                "rank": lambda: 0,
            }
            self._desk = Desk(lambda: self.module, self.controls, values)
        return self._desk

    def _last_loss(self) -> float:
        losses = self._told.recent("loss")
        if not losses:
            raise AskError("No loss was told yet: give `loss=`, or `log(loss=...)`.")
        return losses[-1]

    def _apply(self, commands: Iterable[Command]) -> None:
        for command in commands:
            event = {"step": self.step, **command.facts}
            self._say("event", Event(command.action, event))
            if command.action == "stop":
                self._stop()
            elif command.action == "rate":
                for group in self.optimizer.param_groups:
                    group["lr"] = command.value
            elif command.action == "step":
                self._left, self._paused = self._left + int(command.value or 1), False
            elif command.action in ("pause", "resume"):
                self._left, self._paused = 0, command.action == "pause"

    def _stop(self) -> None:
        self.was_stopped = True
        if self.on_stop is not None:
            self.on_stop()
            return
        if not self._inside:
            self.close("stopped")
        raise StoppedError(
            f"`{self.run.name}` was stopped at step {self.step}. `with akidlab.watch(...):` around the loop "
            "ends it without an error."
        )

    # ------------------------------------------------------------------------------------------ what it says

    def _flush(self, final: bool = False) -> None:
        now = time.perf_counter()
        self._due = now + INTERVAL
        for name, samples in self._told.take():
            self._say(name, samples)
        rate = self.optimizer.param_groups[0]["lr"]
        if rate != self._rate:
            self._rate = rate
            self._say("learning_rate", Samples([max(1, self.step)], [float(rate)], [time.time()]))
        facts: dict[str, object] = {"step": self.step, "epoch": self.epoch}
        if now - self._since >= 1.0:
            facts["samples_per_second"] = (self.samples - self._since_samples) / (now - self._since)
            self._since, self._since_samples = now, self.samples
        self._say("status", Status(None, facts))

    def _say(self, topic: str, data: object) -> None:
        self.bus.publish(Message(topic, data, step=self.step, epoch=self.epoch))

    def __enter__(self) -> Self:
        if self._recorder is None:
            raise KindError(f"The watch of `{self.run.name}` has ended. Begin another with `akidlab.watch`.")
        self._inside = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self.close()
        elif isinstance(error, (StoppedError, KeyboardInterrupt)):
            self.close("stopped")
        else:
            self._say("log", Log(f"{type(error).__name__}: {error}", "error"))
            self.close("failed", f"{type(error).__name__}: {error}")
        return isinstance(error, StoppedError)

    def __repr__(self) -> str:
        return f"LoopWatch({self.run.name!r}, {self.status} at step {self.step})"


def _call_all(functions: list[Callable[[], object]]) -> None:
    while functions:
        functions.pop()()


def _batch_size(arguments: Iterable[Any]) -> int:
    for value in arguments:
        if hasattr(value, "shape") and len(value.shape):
            return int(value.shape[0])
    return 0
