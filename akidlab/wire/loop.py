"""The thread that owns a socket: others leave messages for it, and it hands on what comes in."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections import deque

import zmq

log = logging.getLogger(__name__)

QUEUE = 100_000  # messages kept for a slow peer, before they are dropped


class Loop:
    """Owns a zmq context, its sockets and the one thread that touches them.

    Subclasses open their sockets in `_open` and take what arrives in `_take`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._outgoing: deque[list[bytes]] = deque()
        self._wake_lock = threading.Lock()
        self._running = False
        self._linger = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the socket and serve it from a thread; starting twice changes nothing."""
        if self._thread is not None:
            return
        self._context = zmq.Context()
        self._ring, self._bell = socket.socketpair()
        self._ring.setblocking(False)
        self._bell.setblocking(False)
        try:
            self._socket = self._open(self._context)
        except BaseException:
            self._close()
            raise
        self._running = True
        self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, linger: float = 0.5) -> None:
        """Send what is waiting (for `linger` seconds at most) and close; stopping twice changes nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._linger = linger
        self._running = False
        self._wake()
        if thread is not threading.current_thread():
            thread.join()

    def _open(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        """Make the socket, and whatever else belongs to it."""
        raise NotImplementedError

    def _sockets(self) -> list[zmq.Socket[bytes]]:
        return [self._socket]

    def _take(self, source: zmq.Socket[bytes], frames: list[zmq.Frame]) -> None:
        """Take one message that came in from `source`."""
        raise NotImplementedError

    def _post(self, frames: list[bytes]) -> None:
        self._outgoing.append(frames)
        if threading.current_thread() is not self._thread:
            self._wake()

    def _wake(self) -> None:
        with self._wake_lock, contextlib.suppress(OSError):  # full: it is awake; closed: nobody to wake
            self._ring.send(b"!")

    def _serve(self) -> None:
        try:
            self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        poller = zmq.Poller()
        for source in [*self._sockets(), self._bell]:
            poller.register(source, zmq.POLLIN)
        while self._running:
            ready = dict(poller.poll())
            if self._bell.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    self._bell.recv(4096)
            for source in self._sockets():
                self._drain(source)
            self._flush()
        self._flush()

    def _drain(self, source: zmq.Socket[bytes]) -> None:
        for _ in range(1000):  # then let others have their turn
            try:
                frames = source.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                self._take(source, frames)
            except Exception:
                log.exception("%s could not handle a message", self._name)
            self._flush()

    def _flush(self) -> None:
        while self._outgoing:
            try:
                self._socket.send_multipart(self._outgoing.popleft(), zmq.NOBLOCK)
            except zmq.Again:
                log.error("%s dropped a message: its peer does not read", self._name)
            except zmq.ZMQError as error:
                log.error("%s could not send: %s", self._name, error)

    def _close(self) -> None:
        with self._wake_lock:
            self._ring.close()
            self._bell.close()
        self._context.destroy(linger=int(self._linger * 1000))
