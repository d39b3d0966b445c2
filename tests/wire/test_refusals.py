"""A listener refuses strangers, replays and noise, says so, and goes on for those who may call."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import zmq

from akidlab.messages import Command
from akidlab.wire import Dialer, Listener, Peer, encode
from akidlab.wire.channel import Body
from akidlab.wire.refusals import Refusals
from tests.patience import until

FRAMES = 10_000
PLAIN = [None, True, 0, -1, 2**80, 1.5, "run", b"\0", [], {}, (1, 2), Command("stop"), {"kind": "hello"}]


class Counter:
    """Answers with what it was asked, and counts."""

    def __init__(self) -> None:
        self.heard: list[Body] = []

    def __call__(self, request: Body, peer: Peer) -> Body:
        self.heard.append(request)
        return {"echo": request}


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def listener(counter: Counter, caplog: pytest.LogCaptureFixture) -> Iterator[Listener]:
    caplog.set_level(logging.WARNING, logger="akidlab.wire.channel")
    with Listener(counter, kind="run", uid="a1") as listener:
        yield listener


def _port(listener: Listener) -> int:
    return int(listener.connection.address.rpartition(":")[2])


def _serves(listener: Listener) -> bool:
    with Dialer(listener.connection) as dialer:
        return dialer.ask({"n": 1}, timeout=60) == {"echo": {"n": 1}}


def test_ten_thousand_random_frames_of_one_who_holds_the_key_change_nothing(
    listener: Listener, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(0)

    def frame() -> bytes:
        if chance.random() < 0.3:
            return encode(chance.choice(PLAIN))
        return chance.randbytes(chance.choice([0, 1, 2, 8, 40, 400]))

    with Dialer(listener.connection) as dialer:
        for _ in range(FRAMES):
            sort = chance.choice([b"ask", b"tell", frame()])
            dialer._post([sort, *(frame() for _ in range(chance.choice([0, 1, 2, 2, 2, 3, 9])))])

        assert dialer.ask({"n": 2}, timeout=60) == {"echo": {"n": 2}}
    assert all(isinstance(request, dict) for request in counter.heard)
    assert listener.refusals.count > FRAMES / 2
    assert 0 < len(caplog.records) < 100, "the log tells of them, and is not filled by them"


def test_noise_of_those_who_speak_no_zmq_changes_nothing(listener: Listener, counter: Counter) -> None:
    chance = random.Random(0)
    greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\0NULL" + b"\0" * 48
    for turn in range(300):
        with closing(socket.create_connection(("127.0.0.1", _port(listener)))) as line, suppress(OSError):
            line.sendall((greeting[: chance.randrange(65)] if turn % 2 else b"") + os.urandom(500))

    assert _serves(listener)
    assert counter.heard == [{"n": 1}]


@pytest.mark.parametrize("keys", ["none", "others", "only the server's"])
def test_a_stranger_is_turned_away_and_the_log_says_so(
    listener: Listener, counter: Counter, caplog: pytest.LogCaptureFixture, keys: str
) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.linger = 0
        if keys != "none":
            stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
            server, _ = zmq.curve_keypair()
            known = listener.connection.server_key.encode()
            stranger.curve_serverkey = server if keys == "others" else known
        stranger.connect(listener.connection.address)
        stranger.send_multipart([b"ask", b"1", encode({"n": 0})])

        until(lambda: "turned a caller away" in caplog.text)
        assert stranger.poll(0) == 0
    assert _serves(listener)
    assert counter.heard == [{"n": 1}]


class Wiretap:
    """Stands between a dialer and a listener, and keeps every byte that the dialer sends."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.said = bytearray()
        self.upward: socket.socket | None = None
        self.line: socket.socket | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            self.line, _ = self.server.accept()
            self.upward = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._pass_on, args=(self.upward, self.line, None), daemon=True).start()
            self._pass_on(self.line, self.upward, self.said)

    def _pass_on(self, source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                if kept is not None:
                    kept += data

    def close(self) -> None:
        for line in (self.server, self.line, self.upward):
            if line is not None:
                line.close()


@pytest.fixture
def tap(listener: Listener) -> Iterator[Wiretap]:
    tap = Wiretap(_port(listener))
    yield tap
    tap.close()


def _tapped(listener: Listener, tap: Wiretap) -> Dialer:
    return Dialer(replace(listener.connection, address=f"tcp://127.0.0.1:{tap.port}"))


def test_what_was_overheard_cannot_be_read(listener: Listener, tap: Wiretap) -> None:
    with _tapped(listener, tap) as dialer:
        dialer.ask({"secret": "cauliflower"}, timeout=60)

    assert len(tap.said) > 200
    assert b"cauliflower" not in tap.said


def test_what_was_overheard_is_refused_when_it_is_said_again(
    listener: Listener, counter: Counter, tap: Wiretap
) -> None:
    with _tapped(listener, tap) as dialer:
        dialer.ask({"stop": 1}, timeout=60)
    with closing(socket.create_connection(("127.0.0.1", _port(listener)))) as line, suppress(OSError):
        line.settimeout(60)
        line.sendall(bytes(tap.said))
        while line.recv(65536):  # the listener hangs up
            pass

    assert _serves(listener)
    assert counter.heard == [{"stop": 1}, {"n": 1}]


def test_a_message_said_twice_on_the_same_line_counts_once(
    listener: Listener, counter: Counter, tap: Wiretap
) -> None:
    with _tapped(listener, tap) as dialer:
        dialer.ask({"n": 0}, timeout=60)
        before = len(tap.said)
        dialer.ask({"stop": 1}, timeout=60)
        again = bytes(tap.said[before:])
        assert len(again) > 20
        assert tap.upward is not None
        with suppress(OSError):
            tap.upward.sendall(again)

    assert _serves(listener)
    assert [request for request in counter.heard if "stop" in request] == [{"stop": 1}]


def test_refusals_are_told_at_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(logging.getLogger("akidlab.wire.channel"), "door")
    for _ in range(500):
        refusals.note("turned a caller away")
        refusals.note("refused a request")
    refusals._said.clear()  # ten seconds later
    refusals.note("turned a caller away")

    assert [record.getMessage() for record in caplog.records] == [
        "door turned a caller away",
        "door refused a request",
        "door turned a caller away (500 times)",
    ]
