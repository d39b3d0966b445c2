"""Training on ranks: the job on a pool, the kid that its weights come back to, and what the ranks write."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from akidlab import config
from akidlab.errors import DispatchError
from akidlab.messages import Command
from akidlab.store import Run

if TYPE_CHECKING:
    from akidlab.dispatch import Job, Outcome
    from akidlab.kids import Kid


class RanksTraining:
    """One practice on the ranks of a pool, as the cell sees it.

    Args:
        kid: the notebook's kid, which gets the weights.
        job: the task on the pool.
        run: its run in the store, written by the supervisor.
    """

    def __init__(self, kid: Kid, job: Job, run: Run) -> None:
        self.kid, self.job, self.run = kid, job, run
        self.error: BaseException | None = None
        self.has_left = False  # another training goes on with the run
        self.problem: str | None = None
        self._echo = Echo()
        self._joining = threading.Lock()
        self._weights: bytes | None = None
        self._is_over = self._is_abandoned = False
        kid.controls.open(self.send)

    @property
    def is_live(self) -> bool:
        """True until its outcome and its weights are here."""
        return not (self._is_over or (self._is_abandoned and self.job.is_over))

    @property
    def ranks(self) -> int:
        """The number of its processes."""
        return self.job.pool.size

    @property
    def launcher(self) -> str:
        """What started the ranks."""
        return self.job.pool.launcher

    def leave(self, command: Command) -> None:
        """Have the ranks leave the run after the step they are in: somebody else goes on with it."""
        self.job.release(command)

    def state(self) -> bytes:
        """Where the kid stood when they left, as a checkpoint."""
        assert self._weights is not None
        return self._weights

    def note(self, event: str, **data: object) -> None:
        """Record an event."""
        self.job.note(event, **data)

    def send(self, command: Command) -> None:
        """Pass a command to the run."""
        self.job.command(command)

    def start(self) -> None:
        """The pool has the task already; if another run is ahead, say which."""
        self.job.listen_for_moves(self._hear_move)
        if self.job.waits_for is not None and not config.quiet():
            sys.stdout.write(
                f"`{self.job.name}` waits for `{self.job.waits_for}`, which has these ranks first. "
                "Interrupt to wait no longer.\n"
            )

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the outcome, at most `timeout` seconds; True if it is here, and its weights in the kid."""
        if not self._joining.acquire(timeout=-1 if timeout is None else timeout):
            return self._is_over
        try:
            if self._is_over:
                return True
            try:
                self._take_over(self.job.wait(timeout, self._echo))
            except TimeoutError:
                return False
            except Exception as error:  # raised again in the cell
                self.error = error
            self.kid.controls.close()
            self._is_over = True
            return True
        finally:
            self._joining.release()

    def stop(self) -> None:
        """Ask the ranks to stop after the step they are in; they stay."""
        with suppress(DispatchError):  # it is over, as `join` will find
            self.job.interrupt()

    def abandon(self) -> None:
        """Stop them at once, and wait no longer."""
        self._is_abandoned = True
        self.stop()

    def _take_over(self, outcome: Outcome) -> None:
        from akidlab.kids import checkpoint

        self.kid.run = self.run
        if outcome.weights is not None:
            checkpoint.load(self.kid, outcome.weights)
            if outcome.status == "moved":
                self.has_left, self._weights = True, outcome.weights

    def _hear_move(self, command: Command) -> None:
        """Somebody asked the ranks to move the run, and they pass it on; who tells us cannot wait."""
        threading.Thread(target=self._pass_on, args=(command,), name="akidlab-move", daemon=True).start()

    def _pass_on(self, command: Command) -> None:
        try:
            self.kid.controls.send(command)
        except DispatchError as error:
            with suppress(DispatchError):
                self.note("stays", id=command.id, ranks=command.value, text=str(error))


class Echo:
    """Shows what ranks write, each line with its rank, and nothing where outputs may not vary.

    Args:
        out: where to, for each of `stdout` and `stderr`; by default the streams of the cell.
    """

    def __init__(self, out: Callable[[str, str], object] | None = None) -> None:
        self._out = out or (lambda stream, text: getattr(sys, stream).write(text))
        self._is_fresh: dict[tuple[int, str], bool] = {}

    def __call__(self, rank: int, stream: str, text: str) -> None:
        if config.quiet():
            return
        for line in text.splitlines(keepends=True):
            prefix = f"[{rank}] " if self._is_fresh.get((rank, stream), True) else ""
            self._is_fresh[rank, stream] = line.endswith(("\n", "\r"))
            self._out(stream, prefix + line)
