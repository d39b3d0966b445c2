"""The nursery: a process that has loaded torch and akidlab, and forks a child for each instance.

A fresh interpreter needs seconds for torch, each time; a fork needs milliseconds. It never computes, so it
has no threads and no accelerator that a fork could not take along.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys

PACKAGES = (
    *("akidlab.train.child", "akidlab.train.perform", "akidlab.sources", "akidlab.sensors"),
    *("akidlab.models.brains", "sklearn.datasets"),
)
LARGEST = 2**17  # bytes of a message


def main(descriptor: int) -> None:
    """Serve whoever holds the other end of the socket `descriptor`, until that is closed."""
    with socket.socket(fileno=descriptor) as line:
        _load()
        woken, bell = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(bell, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        children: dict[int, int] = {}
        while True:
            ready, _, _ = select.select([line, woken], [], [])
            if woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 4096)
            _bury(line, children)
            if line in ready:
                request, descriptors, _, _ = socket.recv_fds(line, LARGEST, 3)
                if not request:  # closed: the children notice, too
                    os._exit(0)  # to take torch down in order would take a second
                pid = os.fork()
                if pid == 0:
                    _become_child(line, woken, bell, descriptors, json.loads(request)["environment"])
                children[pid] = json.loads(request)["number"]
                for taken in descriptors:
                    os.close(taken)
                _say(line, {"number": children[pid], "pid": pid})


def _load() -> None:
    import importlib

    import torch

    for package in PACKAGES:
        importlib.import_module(package)
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # the first one imports much more


def _bury(line: socket.socket, children: dict[int, int]) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in children:
            _say(line, {"number": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _say(line: socket.socket, said: dict[str, int]) -> None:
    with contextlib.suppress(OSError):  # it will be found closed
        line.send(json.dumps(said).encode())


def _become_child(
    line: socket.socket, woken: int, bell: int, descriptors: list[int], environment: dict[str, str]
) -> None:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line.close()
        os.close(woken)
        os.close(bell)
        os.setsid()
        for number, taken in enumerate(descriptors):
            os.dup2(taken, number)
            os.close(taken)
        os.environ.update(environment)
        from akidlab.train.child import main as live

        live()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
