"""A channel: one process listens, others dial; both prove who they are with keys from a private file."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import zmq
from zmq.utils import z85

from akidlab.errors import WireError
from akidlab.wire.codec import decode, encode
from akidlab.wire.connection import Connection
from akidlab.wire.loop import QUEUE, Loop
from akidlab.wire.refusals import FAILED, Refusals

log = logging.getLogger(__name__)

Body = dict[str, object]
ASK, ANSWER, TELL = b"ask", b"answer", b"tell"
_ZAP = "inproc://zeromq.zap.01"  # where libzmq asks whether a caller may come in (ZeroMQ RFC 27)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who called: the same for every message of one caller, and a way to tell it something later."""

    identity: bytes
    listener: Listener

    def send(self, body: Body) -> None:
        """Push `body` to the caller; from any thread. One that hung up hears nothing."""
        self.listener._post([self.identity, TELL, b"", encode(body)])


class Listener(Loop):
    """Answers whoever holds the key of its connection file.

    Args:
        handler: takes a request and its peer, and gives the answer (`None` stands for `{"ok": True}`), in
            the listener's thread: be quick. What it raises is answered as `{"ok": False, "error", "type"}`.
        kind: what listens, for instance `run`.
        uid: which one.
        info: plain values for the connection file.
        address: where to listen: loopback, unless other hosts are to reach us.

    Example:
        >>> with Listener(lambda request, peer: {"twice": 2 * request["n"]}, kind="doc", uid="1") as listener:
        ...     with Dialer(listener.connection) as dialer:
        ...         dialer.ask({"n": 21})
        {'twice': 42}
    """

    def __init__(
        self,
        handler: Callable[[Body, Peer], Body | None],
        *,
        kind: str,
        uid: str,
        info: Body | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        super().__init__(f"akidlab-{kind}-{uid[:8]}")
        self.handler = handler
        self.kind, self.uid, self.info, self.address = kind, uid, info or {}, address
        self.connection: Connection
        self.refusals = Refusals(log, self._name)

    def __enter__(self) -> Listener:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, linger: float = 0.5) -> None:
        """Take the connection file away, then stop listening."""
        if self._thread is not None:
            self.connection.remove()
        super().stop(linger)

    def _open(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        server_public, server_secret = zmq.curve_keypair()
        client_public, client_secret = zmq.curve_keypair()
        self._guest = z85.decode(client_public)
        self._door = context.socket(zmq.REP)
        self._door.bind(_ZAP)
        router = context.socket(zmq.ROUTER)
        router.curve_server = True
        router.curve_secretkey = server_secret
        router.zap_domain = b"akidlab"
        router.set_hwm(QUEUE)
        self._gate = router.get_monitor_socket(FAILED)
        port = router.bind_to_random_port(f"tcp://{self.address}")
        self.connection = Connection(
            self.kind,
            self.uid,
            f"tcp://{self.address}:{port}",
            server_public.decode(),
            client_public.decode(),
            client_secret.decode(),
            info=self.info,
        )
        self.connection.write()
        return router

    def _sockets(self) -> list[zmq.Socket[bytes]]:
        return [self._door, self._gate, self._socket]

    def _take(self, source: zmq.Socket[bytes], frames: list[zmq.Frame]) -> None:
        if source is self._door:
            self._admit([frame.bytes for frame in frames])
        elif source is self._gate:
            self.refusals.hear([frame.bytes for frame in frames])
        elif len(frames) != 4:
            self.refusals.note("ignored a message that has not four frames")
        else:
            identity, sort, number, body = frames
            answer = self._answer(identity.bytes, body.buffer)
            if sort.bytes == ASK:
                self._post([identity.bytes, ANSWER, number.bytes, answer])

    def _admit(self, frames: list[bytes]) -> None:
        version, request, _domain, _address, _identity, mechanism, *credentials = frames
        known = mechanism == b"CURVE" and credentials == [self._guest]
        verdict = [b"200", b"OK", b"akidlab"] if known else [b"400", b"the key is not known here", b""]
        if not known:
            self.refusals.note("turned a caller away: wrong key")
        self._door.send_multipart([version, request, *verdict, b""])

    def _answer(self, identity: bytes, body: memoryview) -> bytes:
        try:
            request = decode(body)
            if not isinstance(request, dict):
                raise WireError(f"A request is a dict, found a {type(request).__name__}.")
            answer = self.handler(request, Peer(identity, self))
            return encode({"ok": True} if answer is None else answer)
        except Exception as error:
            malformed = isinstance(error, WireError)
            self.refusals.note(f"refused a request ({type(error).__name__})", None if malformed else error)
            return encode({"ok": False, "error": str(error) or repr(error), "type": type(error).__name__})


class Dialer(Loop):
    """Asks, and hears from, the process behind a connection; safe to use from several threads.

    Args:
        connection: whom to call.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(f"akidlab-dial-{connection.kind}-{connection.uid[:8]}")
        self.connection = connection
        self._numbers = itertools.count()
        self._waiting: dict[bytes, tuple[threading.Event, list[object]]] = {}
        self._callback: Callable[[Body], None] | None = None
        self._unheard: list[Body] = []
        self._hear_lock = threading.Lock()

    def __enter__(self) -> Dialer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, body: Body, timeout: float = 5.0) -> Body:
        """The answer to `body`.

        Raises:
            WireError: if none comes within `timeout` seconds, or we have hung up.
        """
        if self._thread is None:
            raise WireError(f"This end of `{self.connection.kind}` {self.connection.uid} has hung up.")
        number = next(self._numbers).to_bytes(8, "big")
        arrived, answer = self._waiting[number] = threading.Event(), []
        try:
            self._post([ASK, number, encode(body)])
            if not arrived.wait(timeout):
                raise WireError(
                    f"`{self.connection.kind}` {self.connection.uid} did not answer within {timeout:g} s. "
                    "It may have ended, be very busy, or refuse this key."
                )
        finally:
            del self._waiting[number]
        if not isinstance(answer[0], dict):
            raise WireError(f"An answer is a dict, found a {type(answer[0]).__name__}.")
        return answer[0]

    def send(self, body: Body) -> None:
        """Tell `body` and await nothing."""
        self._post([TELL, b"", encode(body)])

    def listen(self, callback: Callable[[Body], None]) -> None:
        """Call `callback` with whatever is pushed (what came before first), in the dialer's thread."""
        with self._hear_lock:
            self._callback = callback
            unheard, self._unheard = self._unheard, []
            for body in unheard:
                callback(body)

    def _open(self, context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
        dealer = context.socket(zmq.DEALER)
        dealer.curve_serverkey = self.connection.server_key.encode()
        dealer.curve_publickey = self.connection.client_public.encode()
        dealer.curve_secretkey = self.connection.client_secret.encode()
        dealer.set_hwm(QUEUE)
        dealer.connect(self.connection.address)
        return dealer

    def _take(self, source: zmq.Socket[bytes], frames: list[zmq.Frame]) -> None:
        sort, number, data = frames
        body = decode(data.buffer)
        if sort.bytes == ANSWER:
            arrived, answer = self._waiting.get(number.bytes, (threading.Event(), []))
            answer.append(body)
            arrived.set()
        elif isinstance(body, dict):
            self._hear(body)

    def _hear(self, body: Body) -> None:
        with self._hear_lock:
            if self._callback is None:
                self._unheard.append(body)
            else:
                self._callback(body)
