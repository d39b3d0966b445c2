"""A Voyage: one run as its cell sees it, wherever it trains: in this kernel, on ranks, and back."""

from __future__ import annotations

import contextvars
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from akidlab.errors import AkidlabError, DispatchError
from akidlab.messages import Command
from akidlab.session.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from akidlab.dispatch import Pool
    from akidlab.kids import Kid
    from akidlab.session.dispatching import Cargo
    from akidlab.store import Run

LOOK = 0.1  # seconds between looks whether a training has ended


class Leg(Protocol):
    """A training in one place."""

    kid: Kid
    run: Run
    error: BaseException | None
    has_left: bool

    @property
    def ranks(self) -> int: ...
    @property
    def launcher(self) -> str | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def is_live(self) -> bool: ...
    def start(self) -> object: ...
    def join(self, timeout: float | None = None) -> bool: ...
    def stop(self) -> None: ...
    def abandon(self) -> None: ...
    def send(self, command: Command) -> object: ...
    def leave(self, command: Command) -> None: ...
    def note(self, event: str, **data: object) -> None: ...
    def state(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run trains, wherever it does.

    Args:
        pool: gives the ranks, of a number, by a launcher or whichever.
        cargo: gives what makes the kid on ranks if the kid itself cannot travel; None if there is no cell.
        tensorboard: write TensorBoard files, too.
        shown: a dashboard shows it.
        survival: what happens when a rank is lost.
    """

    pool: Callable[[int, str | None], Pool]
    cargo: Callable[[], Cargo] | None = None
    tensorboard: bool = False
    shown: bool = False
    survival: Mapping[str, int] = field(default_factory=dict)


class Voyage:
    """One run: a training, and those that go on with it in other places.

    Where it is moved to is got ready while it trains on; then it leaves after a step, and the next step is
    made there. What comes of it is an event of the run: `moved`, or `stays` with the reason.

    Args:
        leg: the training that it begins with.
        manner: how it trains.
    """

    def __init__(self, leg: Leg, manner: Manner) -> None:
        self.leg, self.manner = leg, manner
        self.kid, self.run = leg.kid, leg.run
        self.error: BaseException | None = None
        self.was_interrupted = False
        self._context = contextvars.copy_context()  # what is said on the way belongs to this cell
        self._asking, self._road = threading.Lock(), threading.Lock()  # one move at a time
        self._goal: int | None = None  # how many ranks it is on its way to
        self._settled = threading.Event()  # cleared while one training hands over to the next
        self._settled.set()
        self._is_between = self._wants_stop = False
        self._kept: list[Command] = []
        self._keeping = threading.Lock()
        self.kid.controls.mover = self.move

    @property
    def is_here(self) -> bool:
        """True while it trains in this kernel."""
        return isinstance(self.leg, Training)

    @property
    def is_live(self) -> bool:
        """True until its last training has ended."""
        return self.leg.is_live or not self._settled.is_set()

    @property
    def problem(self) -> str | None:
        """What is wrong with the store, if anything."""
        return self.leg.problem

    def start(self) -> None:
        """Begin."""
        self.leg.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run, at most `timeout` seconds; True if it is here."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            leg = self.leg
            if not leg.join(_left(end)) or not self._settled.wait(_left(end)):
                return False
            if leg is self.leg:  # nobody went on with it
                self.error = leg.error
                self._let_go()
                return True

    def _let_go(self) -> None:
        """It is over: the kid must not hold it, and the weights that came with it."""
        from akidlab.kids.controls import stay

        if self.kid.controls.mover == self.move:
            self.kid.controls.mover = stay
            self.kid.pause_at = None  # a pause that was on its way is not for the next run

    def stop(self) -> None:
        """Ask it to stop after the step it is in, wherever that is."""
        self._wants_stop = True
        self.leg.stop()

    def abandon(self) -> None:
        """Break it off."""
        self._wants_stop = True
        self.leg.abandon()

    def send(self, command: Command) -> None:
        """Pass a command to the run; what comes on the way counts where it arrives.

        Raises:
            DispatchError: if it shall move, and cannot.
        """
        if command.action == "ranks":
            self.kid.controls.send(command)
            return
        with self._keeping:
            if is_between := self._is_between:
                self._kept.append(command)
        if not is_between or command.action == "stop":
            self.leg.send(command)

    def move(self, command: Command) -> None:
        """Have it go on with as many ranks as `command` says; 0 or 1 is this kernel.

        Raises:
            DispatchError: if it is there, on its way, or over.
        """
        if not self.is_live:
            raise DispatchError(f"The run `{self.run.name}` is over.")
        goal = max(1, int(command.value or 0))
        with self._asking:
            if goal == self._goal:
                raise DispatchError(f"`{self.run.name}` is on its way to {_place(goal)} already.")
            if self._goal is None and goal == self.leg.ranks:
                raise DispatchError(f"`{self.run.name}` trains {_where(goal)} already.")
            self._goal = goal
        run = self._context.copy().run
        threading.Thread(
            target=run, args=(self._travel, command, goal), name="akidlab-voyage", daemon=True
        ).start()

    def _travel(self, command: Command, goal: int) -> None:
        with self._road:
            try:
                self._go(command, goal)
            except Exception as error:  # it goes on where it is, and says why
                self._stay(command, error)
            finally:
                if self._goal == goal:
                    self._goal = None

    def _stay(self, command: Command, error: Exception) -> None:
        known = isinstance(error, AkidlabError)
        why = str(error) if known else f"{type(error).__name__}: {error}"
        text = f"The run goes on {_where(self.leg.ranks)}. {why}"
        if self.leg.is_live:  # else the kid may be in another run by now
            with suppress(DispatchError):  # it is over
                self.leg.note("stays", id=command.id, ranks=command.value, text=text)

    def _go(self, command: Command, goal: int) -> None:
        """Get ready, leave, go on there; if that fails, go on here.

        Raises:
            Exception: whatever went wrong.
        """
        if goal == self.leg.ranks:  # where it was to go before, it could not
            raise DispatchError("It is there.")
        there = self._get_ready(goal) if goal > 1 else None
        left, self._is_between = self.leg, True
        self._settled.clear()
        try:
            if left.is_live:  # else the kid may be in another run by now, which shall not leave
                left.leave(command)
            while not left.join(LOOK):
                pass
            if left.has_left:
                self._go_on(left, there, command, goal)
        finally:
            self._pass_on()
            self._settled.set()

    def _get_ready(self, goal: int) -> Pool:
        """The ranks, once they are free, and it is known that the kid can get there."""
        from akidlab.session.dispatching import carried

        self.kid.between_steps(lambda: carried(self.kid, self.manner.cargo))
        pool = self.manner.pool(goal, self.leg.launcher)
        pool.wait_ready()
        found = pool.describe()
        if found["run"] is not None or found["waiting"]:
            raise DispatchError(f"The {goal} ranks train `{found['run'] or found['waiting'][0]}`.")
        return pool

    def _go_on(self, left: Leg, there: Pool | None, command: Command, goal: int) -> None:
        step, name = self.kid.step, self.run.name
        text = f"Moved from {_place(left.ranks)} to {_place(goal)}."
        told = {"id": command.id, "step": step, "from": left.ranks, "to": goal, "text": text}
        try:
            if there is None:
                self._take(self._begin_here(), told)
                return
            from akidlab.session.dispatching import hand_over

            leg = hand_over(there, self.kid, self.run, left.state(), told, self.manner)
            self._take(leg)
            while not self._has_begun(step) and not leg.join(LOOK):
                pass
            if leg.error is None or self._has_begun(step) or self._wants_stop:
                return
            error: BaseException = leg.error
        except Exception as found:
            error = found
        try:
            self._take(self._begin_here())  # as it left, it is here
        except BaseException as worse:
            self.leg.error = worse  # for the cell to raise: nobody trains the run now
            raise
        raise DispatchError(f"On {_place(goal)}, `{name}` could not begin: {_short(error)}") from error

    def _has_begun(self, step: int) -> bool:
        now = self.run.look()
        return now.step > step or now.standing == "paused"

    def _begin_here(self) -> Training:
        kid = self.kid
        training = Training.of(kid, self.run, self.manner.tensorboard)
        kid.shown = self.manner.shown
        return training

    def _take(self, leg: Leg, told: dict[str, Any] | None = None) -> None:
        """`leg` is what goes on with the run."""
        self.leg = leg
        if told is not None:
            leg.note("moved", **told)
        leg.start()
        self._pass_on()
        if self._wants_stop:
            leg.stop()

    def _pass_on(self) -> None:
        """What was asked on the way counts where the run is now."""
        with self._keeping:
            self._is_between, kept, self._kept = False, self._kept, []
        for command in kept:
            with suppress(DispatchError):  # it is over
                self.leg.send(command)


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


def _place(ranks: int) -> str:
    return "this notebook" if ranks == 1 else f"{ranks} ranks"


def _where(ranks: int) -> str:
    return "in this notebook" if ranks == 1 else f"on {ranks} ranks"


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
