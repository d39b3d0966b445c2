"""Training: one practice of a kid in this kernel, in a thread, while the cell waits."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akidlab import registry
from akidlab.errors import MagicError
from akidlab.messages import Command, Event, Message, Status
from akidlab.store import Recorder, Run
from akidlab.wire import Listener

if TYPE_CHECKING:
    from akidlab.asking import Desk
    from akidlab.kids import Kid
    from akidlab.wire.channel import Body, Peer


TRIES = 10  # one second apart
STARTING = 2.0  # seconds for a thread to begin


class Training:
    """One practice of a kid in this kernel.

    It trains in a thread, so that the kernel can be interrupted and, in the background, used. The thread
    runs in a copy of the cell's context: that is where every ipykernel keeps which cell output belongs to.

    Args:
        kid: who practises; its run must be open.
        writers: subscribers that hear it, and are closed at its end.
    """

    def __init__(self, kid: Kid, writers: Sequence[Any] = ()) -> None:
        assert kid.run is not None
        self.kid, self.writers = kid, writers
        self.run: Run = kid.run
        self.error: BaseException | None = None
        self.has_left = False  # another training goes on with the run
        self._works, self._done = threading.Event(), threading.Event()
        self._desk: Desk | None = None  # made for the first question
        for writer in writers:
            kid.bus.subscribe(writer)
        kid.controls.open()  # a stop counts before the thread has begun
        info: Body = {"store": str(self.run.store.path), "name": self.run.name}
        self._listener = Listener(self._hear, kind="run", uid=self.run.uid, info=info)
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._work,), name="akidlab-training", daemon=True
        )

    @classmethod
    def of(cls, kid: Kid, run: Run | str | None = None, tensorboard: bool = False, **told: Any) -> Training:
        """One of `kid`, with its run open.

        Args:
            kid: who practises.
            run: the run that it goes on with; or the name of a new one, by default the kid's.
            tensorboard: write TensorBoard files, too, into the folder `tensorboard` of the run.
            told: more about a new run, see `Kid.open_run`.

        Raises:
            StoreError: if the store cannot be written.
        """
        from akidlab.dispatch import home

        name, same = (run, None) if run is None or isinstance(run, str) else (None, run)
        kid.open_run(name, run=same, **told)
        try:
            kid.bus.publish(Message("status", Status(None, {"home": home.here()}), step=kid.step))
            return cls(kid, [_tensorboard(kid.run)] if tensorboard else [])
        except BaseException:
            kid.close_run("failed")
            raise

    ranks, launcher = 1, None  # it is one process, which nobody started

    @property
    def is_live(self) -> bool:
        """True until everything is written and closed."""
        return not self._done.is_set()

    @property
    def problem(self) -> str | None:
        """What is wrong with the store, if anything; the training goes on."""
        recorders = [s for s in self.kid.bus.subscribers if isinstance(s, Recorder)]
        return next((r.problem for r in recorders if r.problem), None)

    def send(self, command: Command) -> None:
        """Pass a command to the kid; the same one counts once."""
        self.kid.controls.send(command)

    def leave(self, command: Command) -> None:
        """Have the kid leave the run after the step it is in: somebody else goes on with it."""
        self.kid.controls.put(command)

    def state(self) -> bytes:
        """Where the kid stands, as a checkpoint."""
        from akidlab.kids import checkpoint

        return checkpoint.dump(self.kid)

    def note(self, event: str, **data: object) -> None:
        """Record an event."""
        kid = self.kid
        kid.bus.publish(Message("event", Event(event, data), step=kid.step, epoch=kid.epoch))

    def start(self) -> Training:
        """Open the control socket and begin.

        Raises:
            WireError: if there is no place for the socket; the run is marked as failed then.
        """
        try:
            self._listener.start()
            self._thread.start()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self._works.wait(STARTING):
                raise  # it had begun: it can be stopped as later
            self._done.set()
            self._listener.stop()
            self.kid.controls.close()
            self.kid.close_run("failed")
            raise
        return self

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, at most `timeout` seconds; True if it has."""
        return self._done.wait(
            timeout
        )  # `Thread.join`, interrupted, takes the thread for ended (CPython 3.9-3.12)

    def stop(self) -> None:
        """Ask it to stop after the step it is in."""
        self.send(Command("stop"))

    def abandon(self) -> None:
        """Break it off where it is, like a second Ctrl-C would."""
        if self._thread.ident is not None:
            threading.Thread(target=self._break_off, name="akidlab-abandon", daemon=True).start()

    def _break_off(self) -> None:
        """Raise in the thread that trains until it ends: what falls into a garbage collection is lost."""
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        for _ in range(TRIES):
            if self._done.is_set():  # its number may be that of another thread by now, even of this one
                return
            raise_in(ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt))
            self._done.wait(1.0)

    def _work(self) -> None:
        __tracebackhide__ = True
        self._works.set()
        if self._done.is_set():
            return
        try:
            self.kid.practice()
        except BaseException as error:  # raised again in the cell
            self.error = error
        finally:
            try:
                self._close()
            finally:
                self._done.set()

    def _close(self) -> None:
        self.has_left = self.error is None and self.kid.moved
        if self.error is not None and self.run.status in ("preparing", "running", "paused"):
            text = f"{type(self.error).__name__}: {self.error}"
            self.kid.bus.publish(Message("status", Status("failed", {"error": text}), step=self.kid.step))
        if self._desk is not None:
            self._desk.close()
        self._listener.stop()
        for writer in self.writers:
            self.kid.bus.unsubscribe(writer)
            writer.close()
        self.kid.close_run()
        self.kid.shown = False

    def _hear(self, request: Body, peer: Peer) -> Body:
        if request.get("kind") == "status":
            return {"ok": True, "status": self.run.status, "step": self.kid.step}
        if request.get("kind") == "ask":
            return self._questions().take(request, peer.send)
        if request.get("kind") != "command":
            raise MagicError(
                f"A run understands `command`, `status` and `ask`, found {request.get('kind')!r}."
            )
        command = Command.of(request)
        return {"ok": True, "new": self.kid.controls.send(command)}

    def _questions(self) -> Desk:
        """Where questions are taken; the thread that trains answers them."""
        from akidlab.asking import Desk

        self._desk = self._desk or Desk.of(self.kid)
        return self._desk


def _tensorboard(run: Run | None) -> Any:
    assert run is not None
    backend: Any = registry.load("akidlab.backends", "tensorboard")
    return backend.TensorBoardWriter(run.folder / "tensorboard")
