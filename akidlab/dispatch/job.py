"""A Job: a task on a pool, as the kernel that asked for it sees it."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from akidlab.dispatch.task import Outcome
from akidlab.errors import DispatchError, RankError, WireError
from akidlab.messages import Command

if TYPE_CHECKING:
    from akidlab.dispatch.pool import Pool

OnOutput = Callable[[int, str, str], None]
LOOK = 1.0  # seconds between looks whether the supervisor lives
KEPT = 100_000  # pieces of output kept for a kernel that does not read them


class Job:
    """A run on a pool: wait for it, command it, interrupt it.

    Args:
        pool: where it runs.
        uid: the uid of the run.
        name: the name of the run, which may differ from the one that was asked for.

    `waits_for` is the name of the run that had to end first when it was submitted, if there was one.
    """

    def __init__(self, pool: Pool, uid: str, name: str) -> None:
        self.pool, self.uid, self.name = pool, uid, name
        self.waits_for: str | None = None
        self._on_move: Callable[[Command], object] | None = None
        self._moves: list[Command] = []  # that came before anybody listened
        self._changed = threading.Condition()
        self._output: deque[tuple[int, str, str]] = deque(maxlen=KEPT)
        self._outcome: Outcome | None = None

    @property
    def is_over(self) -> bool:
        """True when its outcome is here."""
        return self._outcome is not None

    def command(self, command: Command) -> None:
        """Send a command to the run.

        Raises:
            DispatchError: if the run is over.
        """
        self.pool.ask({"kind": "command", "run": self.uid, **command.plain})

    def interrupt(self) -> None:
        """Stop the run after the step it is in; the ranks stay. A second time, at once."""
        self.pool.ask({"kind": "interrupt", "run": self.uid})

    def listen_for_moves(self, function: Callable[[Command], object]) -> None:
        """Have `function` told when the run shall move, also of what came before."""
        self._on_move = function
        self._tell_of_moves()

    def _tell_of_moves(self) -> None:
        while self._on_move is not None and self._moves:
            with suppress(IndexError):  # another thread was quicker
                self._on_move(self._moves.pop(0))

    def release(self, command: Command) -> None:
        """Have the ranks leave the run, after the same step: this process goes on with it.

        Raises:
            DispatchError: if it has not begun, or is over.
        """
        self.pool.ask({"kind": "release", "run": self.uid, "command": command})

    def note(self, event: str, **data: object) -> None:
        """Record an event that this process knows of.

        Raises:
            DispatchError: if the pool is gone.
        """
        self.pool.ask({"kind": "note", "run": self.uid, "event": event, "data": data})

    def wait(self, timeout: float | None = None, on_output: OnOutput | None = None) -> Outcome:
        """Wait for the end of the run.

        Args:
            timeout: seconds, None for as long as it takes.
            on_output: called here, in the thread that waits, with each piece of what a rank writes: the
                rank, `stdout` or `stderr`, and the text.

        Returns:
            What became of it, finished or stopped.

        Raises:
            RankError: if a rank failed; the message ends with that rank's traceback.
            DispatchError: if the ranks could not be started, another process stopped the pool, or the
                supervisor is gone.
            TimeoutError: if it is not over in time.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            over = self._await_news(end)
            self._show(on_output)
            if over:
                break
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"The run `{self.name}` is not over after {timeout:g} s.")
        assert self._outcome is not None
        return self._judged(self._outcome)

    def hear(self, body: dict[str, Any]) -> None:
        """Take what the supervisor pushes."""
        if body["kind"] == "move":
            self._moves.append(body["command"])
            self._tell_of_moves()
        with self._changed:
            if body["kind"] == "output":
                self._output.append((body["rank"], body["stream"], body["text"]))
            elif body["kind"] == "outcome" and self._outcome is None:
                fields = Outcome.__dataclass_fields__
                self._outcome = Outcome(**{key: value for key, value in body.items() if key in fields})
            self._changed.notify_all()

    def _await_news(self, end: float | None) -> bool:
        with self._changed:
            if not self._output and self._outcome is None:
                left = LOOK if end is None else min(LOOK, end - time.monotonic())
                arrived = self._changed.wait(max(0.0, left))
            else:
                arrived = True
            over = self._outcome is not None
        if not arrived and not self.pool.alive:
            raise DispatchError(
                f"The supervisor of run `{self.name}` (process {self.pool.pid}) is gone, its ranks with it."
                f" The store has the run up to its last step. Its log: {self.pool.log}"
            )
        return over

    def _show(self, on_output: OnOutput | None) -> None:
        while self._output:
            piece = self._output.popleft()
            if on_output is not None:
                on_output(*piece)

    def _judged(self, outcome: Outcome) -> Outcome:
        if outcome.status == "stopped" and outcome.error and outcome.by != os.getpid():
            raise DispatchError(
                f"The run `{self.name}` was stopped, and not by this notebook. {outcome.error} "
                f"`%akid_train --resume {shlex.quote(self.name)}` goes on from its last checkpoint; if "
                "there is none, run the cell again."
            )
        if outcome.status != "failed":
            return outcome
        if outcome.rank is None:
            raise DispatchError(outcome.error)
        raise RankError(f"Rank {outcome.rank} failed in run `{self.name}`: {outcome.error}")

    def ask_again(self) -> None:
        """Ask for the outcome, if it was pushed before we listened."""
        try:
            answer = self.pool.ask({"kind": "watch", "run": self.uid})
        except (DispatchError, WireError):
            return
        if answer.get("outcome"):
            self.hear({"kind": "outcome", **answer["outcome"]})

    def __repr__(self) -> str:
        state = "running" if self._outcome is None else self._outcome.status
        return f"Job({self.name!r}, {state}, {self.pool.size} ranks)"
