"""`python -m akidlab.dispatch.outpost`: on another host, the eye and the hand of a supervisor.

It is told what to do in lines of JSON over ssh, which the supervisor holds open. When the line ends, nothing
that belongs to the supervisor stays on the host.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from akidlab.dispatch.vitals import Vitals
from akidlab.processes import began, lives

Body = dict[str, Any]
UNHEARD = 30.0  # seconds in which a supervisor looks many times


class Outpost:
    """Does what it is told, a line at a time.

    `letters` puts texts into private files, each for one rank, which takes it away as it reads it; `look`
    says what processes do, and remembers them; `kill` sends a signal to one of them.

    Example:
        >>> list(Outpost().do({"look": [os.getpid()]})["vitals"].values())
        ['works']
    """

    def __init__(self) -> None:
        self._letters: list[Path] = []
        self._born: dict[int, float | None] = {}
        self._vitals = Vitals()

    def do(self, told: Body) -> Body:
        """Do it, and say what came of it."""
        if "letters" in told:
            for path, text in told["letters"].items():
                self._letters.append(write_private(Path(path), text))
            return {"delivered": len(told["letters"])}
        if "kill" in told:
            pid, number = told["kill"]
            if pid in self._born and lives(pid, self._born[pid]):
                os.kill(pid, number)
            return {}
        return {"vitals": {str(pid): self._look(pid) for pid in told["look"]}}

    def leave(self) -> None:
        """Take away what was not read, and end the processes that were looked at."""
        for letter in self._letters:
            letter.unlink(missing_ok=True)
        for pid, born in self._born.items():
            if lives(pid, born):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _look(self, pid: int) -> str:
        if pid not in self._born:
            self._born[pid] = began(pid)
        if self._born[pid] is None or not lives(pid, self._born[pid]):
            return "gone"
        return self._vitals.look(pid)


def write_private(path: Path, text: str) -> Path:
    """Make a file that this user alone can read; one that is there already is somebody else's.

    Raises:
        FileExistsError: if there is one.
    """
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
    return path


def serve(lines: IO[str], answer: Callable[[str], object]) -> None:
    """Take orders until there are no more, or none has come for long: a line may be dead and not know it."""
    outpost, heard = Outpost(), time.monotonic()

    def watch() -> None:
        while time.monotonic() - heard < UNHEARD:
            time.sleep(1.0)
        outpost.leave()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        for line in lines:
            heard = time.monotonic()
            try:
                said = outpost.do(json.loads(line))
            except Exception as error:
                said = {"error": f"{type(error).__name__}: {error}"}
            answer(json.dumps(said) + "\n")
    finally:
        outpost.leave()


def main() -> None:
    """Serve on the standard streams; the end of the line is the only way out."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    def answer(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(line)
            sys.stdout.flush()

    serve(sys.stdin, answer)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
