"""`python -m akidlab.worker.cradle FD`: imports everything once; ranks are born from it by forking.

Imports take seconds, for each rank and at each start. Nothing here may start a thread, compute, or touch a
GPU: what is forked afterwards would inherit the halves of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import traceback

from akidlab.worker.warm import PACKAGES

MOST = 1 << 20  # bytes of an order
BORN = b"."  # what the cradle says when there is a child
_HIGH = 512  # descriptors from here on are nobody's


class Cradle:
    """Waits for orders, each from a process that stands for a rank, and for the end of the ranks.

    Args:
        listener: where the orders come.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Give birth until the supervisor, which holds the other end of our standard input, is gone."""
        bell, ringer = socket.socketpair()
        for end in (bell, ringer):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(ringer.fileno(), warn_on_full_buffer=False)
        for file in (0, bell, self._listener):
            self._selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    return self._leave()
                if key.fileobj is bell:
                    with contextlib.suppress(BlockingIOError):
                        bell.recv(4096)
                    self._bury()
                elif key.fileobj is self._listener:
                    self._take_order()
                else:  # who stands for a rank is gone
                    self._selector.unregister(key.fileobj)
                    if key.data in self._children:
                        os.kill(key.data, signal.SIGKILL)

    def _take_order(self) -> None:
        line, _ = self._listener.accept()
        try:
            order, files = _read(line)
        except (OSError, ValueError):  # who asked is gone, or asks for something else
            line.close()
            return
        child = os.fork()
        if child == 0:
            self._be_born(line, order, files)
        for file in files:
            os.close(file)
        self._children[child] = line
        with contextlib.suppress(OSError):
            line.sendall(BORN)
        self._selector.register(line, selectors.EVENT_READ, child)

    def _be_born(self, line: socket.socket, order: dict[str, object], files: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for open_here in (line, self._listener, *self._children.values()):
            open_here.close()
        be(order, files)

    def _bury(self) -> None:
        """Tell how children ended to those who stand for them."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                child, status = found
                line = self._children.pop(child)
                with contextlib.suppress(OSError):
                    line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(line)
                line.close()

    def _leave(self) -> None:
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def be(order: dict[str, object], files: list[int]) -> None:
    """Be the rank that was ordered: with its files, its environment, its folder; does not return."""
    from akidlab.worker.__main__ import live

    numbers: list[int] = order["files"]  # type: ignore[assignment]
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, _HIGH) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(high, numbers, strict=True):
        os.dup2(file, number, inheritable=number <= 2)
        os.close(file)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[arg-type]
    os.chdir(str(order["folder"]))
    status = 1
    try:
        live(order["arguments"])  # type: ignore[arg-type]
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def stand_for(path: str, arguments: list[str]) -> None:
    """Have the cradle at `path` make the rank that this process was started to be, and end as it ends.

    Returns only if there is no cradle; then this process is the rank itself.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(path)
            numbers = [1, 2, *_inherited(line.fileno())]
            order = {
                "arguments": arguments,
                "environment": dict(os.environ),
                "folder": os.getcwd(),
                "files": numbers,
            }
            data = json.dumps(order).encode()
            socket.send_fds(line, [struct.pack("<I", len(data))], numbers)
            line.sendall(data)
            if line.recv(len(BORN)) != BORN:  # it could not import, say: we shall see why
                return
        except OSError:
            return
        said = line.recv(64)
    status = int(said or -signal.SIGKILL)  # a cradle that died took the rank with it
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _read(line: socket.socket) -> tuple[dict[str, object], list[int]]:
    line.settimeout(10.0)
    head, files, _, _ = socket.recv_fds(line, 4, 64)
    if len(head) < 4:
        raise ValueError("The order broke off.")
    (left,) = struct.unpack("<I", head)
    if left > MOST:
        raise ValueError(f"An order has at most {MOST} bytes, found {left}.")
    parts: list[bytes] = []
    while left:
        part = line.recv(left)
        if not part:
            raise ValueError("The order broke off.")
        parts.append(part)
        left -= len(part)
    line.settimeout(None)
    return json.loads(b"".join(parts)), list(files)


def _inherited(own: int) -> list[int]:
    """Files that we were given beyond the standard ones: a launcher may pass one on."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        with contextlib.suppress(OSError):
            if number > 2 and number != own and os.get_inheritable(number):
                found.append(number)
    return found


def warm() -> None:
    """Import what a rank needs, and have torch import what it imports late."""
    from torch import nn, optim

    for package in ("akidlab.worker.rank", "akidlab.engines", *PACKAGES):
        importlib.import_module(package)
    with contextlib.suppress(ImportError):
        importlib.import_module("horovod.torch")
    optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1, momentum=0.9, fused=True)
    gc.collect()
    gc.freeze()  # pages that collections do not write to stay shared with the ranks


def main(file: int) -> None:
    """Serve on a socket that is bound already: who comes before we are warm waits."""
    with socket.socket(fileno=file) as listener:
        place = listener.getsockname()
        warm()
        Cradle(listener).serve()
    with contextlib.suppress(OSError):  # a supervisor that was killed removes nothing
        os.unlink(place)
        os.rmdir(os.path.dirname(place))


if __name__ == "__main__":
    main(int(sys.argv[1]))
