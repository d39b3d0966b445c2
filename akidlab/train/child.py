"""The child: a process that trains one instance, and the line on which it hears from who started it.

It is handed its work on the standard input and answers on the standard output; what the template writes goes
to the standard error. When the line breaks, whoever started it is gone: it stops, saved, and can be resumed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO, Any

from akidlab.train.work import ABANDONED, Work

GRACE = 10.0  # seconds for the step it is in, when nobody is there any more


class Line:
    """To the tuner and back, through two pipes.

    Args:
        inlet: where the tuner speaks.
        outlet: where it listens.
    """

    def __init__(self, inlet: IO[bytes], outlet: IO[bytes]) -> None:
        self._inlet, self._outlet = inlet, outlet
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def receive_work(self) -> Work:
        """What is to be done; from then on the line is watched."""
        work: Work = pickle.load(self._inlet)  # from the very process that started us
        threading.Thread(target=self._read, name="akidlab-line", daemon=True).start()
        return work

    def consult(self, step: int, values: Mapping[str, float]) -> bool:
        """Ask whether it is worth going on."""
        said = json.dumps({"step": step, "values": dict(values)})
        with contextlib.suppress(BrokenPipeError):  # `_read` notices, too
            self._outlet.write(said.encode() + b"\n")
            self._outlet.flush()
        return bool(self._answers.get()["go"])

    def _read(self) -> None:
        for line in self._inlet:
            self._answers.put(json.loads(line))
        self._answers.put({"go": True})
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(GRACE)
        with contextlib.suppress(OSError):
            os.killpg(os.getpgrp(), signal.SIGKILL)  # with whatever it started
        os._exit(ABANDONED)


def main() -> None:
    """Do the work that comes in, and end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 1
    try:
        line = Line(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))  # never closed: a thread reads it
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)  # a template that asks for input gets none, instead of our line
        os.dup2(2, 1)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        code = _work(line)
    except KeyboardInterrupt:  # it came on the way in or out
        code = 130
    finally:
        _leave(code)


def _work(line: Line) -> int:
    work = line.receive_work()
    from akidlab.train.perform import perform

    return perform(work, line.consult if work.consults else None)


def _leave(code: int) -> None:
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()  # processes of sensors, pending rows
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # a forked process must not return into the one that it was forked from


if __name__ == "__main__":
    main()
