"""Controls: where commands for a practising Kid arrive, from any thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from akidlab.errors import DispatchError
from akidlab.messages import Command

T = TypeVar("T")

REMEMBERED = 1024
ALONE = (
    "This run cannot be moved: it trains by itself (`kid.practice()`, a tuner or a script). A run that "
    "`%akid_train` begins can be moved: `%akid_train kid -np 2`."
)


def stay(command: Command, why: str = ALONE) -> None:
    """Move nothing.

    Raises:
        DispatchError: always, with the reason.
    """
    raise DispatchError(why)


class Controls:
    """Takes commands from any thread and keeps them until the loop looks.

    A command may arrive by several roads (a comm, the server's route); its id makes it count once.

    Example:
        >>> controls = Controls()
        >>> controls.send(Command("pause", id="a")), controls.send(Command("pause", id="a"))
        (True, False)
        >>> [command.action for command in controls.take()]
        ['pause']
    """

    def __init__(self) -> None:
        self.pending = False  # read by the loop at every step: a plain attribute
        self.mover: Callable[[Command], object] = stay  # asked to have the practice go on elsewhere
        self._is_open = True
        self._elsewhere: Callable[[Command], object] | None = None
        self._queue: deque[Command] = deque()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._arrived = threading.Condition()

    def send(self, command: Command | str, value: float | None = None) -> bool:
        """Ask for an act; False if this very command came before, or practice has ended: nobody is there.

        Raises:
            DispatchError: if the practice shall go on elsewhere, and cannot.
        """
        command = Command(command, value) if isinstance(command, str) else command
        with self._arrived:
            if not self._is_open or command.id in self._seen:
                return False
            self._seen.append(command.id)
            elsewhere = self.mover if command.action == "ranks" else self._elsewhere
        if elsewhere is None:
            return self.put(command)
        try:
            elsewhere(command)
        except BaseException:
            with self._arrived:
                self._seen.remove(command.id)  # what was refused may come again, and is refused again
            raise
        return True

    def put(self, command: Command) -> bool:
        """Have the loop do `command`, whoever has to agree does; False if practice has ended."""
        with self._arrived:
            if self._is_open:
                self._queue.append(command)
                self.pending = True
                self._arrived.notify_all()
            return self._is_open

    def open(self, elsewhere: Callable[[Command], object] | None = None) -> None:
        """A practice begins, or is about to: commands count from now on.

        Args:
            elsewhere: takes the commands, where the practice is not in this process.
        """
        with self._arrived:
            self._is_open, self._elsewhere = True, elsewhere

    def close(self) -> None:
        """Practice has ended: what came too late is not for the next one, nor is what comes now."""
        with self._arrived:
            self._is_open, self._elsewhere = False, None
        self.take()

    def call(self, function: Callable[[], Any]) -> Future[Any]:
        """Have `function` called by the thread that trains, between two steps."""
        future: Future[Any] = Future()
        with self._arrived:
            self._calls.append((future, function))
            self.pending = True
            self._arrived.notify_all()
        return future

    def asked(self, action: str) -> bool:
        """True if such a command waits to be taken."""
        return self.pending and any(command.action == action for command in tuple(self._queue))

    def take(self) -> list[Command]:
        """Every command that arrived since the last time; makes the calls that were asked for, too."""
        with self._arrived:
            self.pending = False  # first: the handler of a signal may send in the midst of this
            commands, calls = _emptied(self._queue), _emptied(self._calls)
        for future, function in calls:
            _answer(future, function)
        return commands

    def wait(self, timeout: float | None = None) -> list[Command]:
        """Like `take`, but sleeps until there is one, at most `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.pending, timeout)
        return self.take()

    def __repr__(self) -> str:
        return f"Controls(pending={[command.action for command in self._queue]})"


def _emptied(queue: deque[T]) -> list[T]:
    return [queue.popleft() for _ in range(len(queue))]


def _answer(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:  # it belongs to whoever asked
        future.set_exception(error)
