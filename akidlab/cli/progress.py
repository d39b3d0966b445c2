"""How a long command shows that it is alive: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Tells one long step of a command.

    Args:
        what: what is being done, for instance `compiling Horovod`.
        console: where to write; the standard output unless given.
        pause: seconds between two lines where there is no terminal.

    Example:
        >>> with Progress("compiling") as progress:
        ...     progress.advance(0.5)
        compiling  50 %  (0 s)
    """

    def __init__(self, what: str, *, console: Console | None = None, pause: float = 15.0) -> None:
        self.what = what
        self.pause = pause
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._started = time.monotonic()
        self._shown = float("-inf")
        self._share = 0.0
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def say(self, text: str) -> None:
        """Write a sentence, above the bar if there is one."""
        (self._bar.console if self._bar else self.console).print(text, markup=False)

    def advance(self, share: float) -> None:
        """Show that `share` of the step is done, 0 to 1."""
        if share == self._share:
            return
        if self._share == 0.0:
            self._started = time.monotonic()
        self._share = share
        if self.console.is_terminal:
            self._draw(share)
        else:
            self._write(share)

    def _draw(self, share: float) -> None:
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
            self._bar = Bar(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console)
            self._bar.add_task(self.what, total=1.0)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=share)
        if share >= 1.0:
            self._close()

    def _write(self, share: float) -> None:
        now = time.monotonic()
        if now - self._shown < self.pause and share < 1.0:
            return
        self._shown = now
        self.console.print(f"{self.what} {100 * share:3.0f} %  ({now - self._started:.0f} s)")

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
