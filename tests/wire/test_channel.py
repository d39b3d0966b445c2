"""Listeners and dialers on real sockets."""

from __future__ import annotations

import dataclasses
import gc
import os
import threading
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
import zmq

from akidlab.errors import WireError
from akidlab.messages import Command
from akidlab.wire import Dialer, Listener, Peer, send_command
from akidlab.wire.channel import Body
from tests.patience import PATIENCE, until


class Echo:
    """Answers with what it was asked, and remembers who called."""

    def __init__(self) -> None:
        self.heard: list[Body] = []
        self.peers: list[Peer] = []

    def __call__(self, request: Body, peer: Peer) -> Body | None:
        self.heard.append(request)
        self.peers.append(peer)
        if request.get("fail"):
            raise ValueError("it was to fail")
        return request.get("answer", {"echo": request})  # type: ignore[return-value]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def listener(echo: Echo) -> Iterator[Listener]:
    with Listener(echo, kind="run", uid="a1", info={"name": "first"}) as listener:
        yield listener


def test_a_question_is_answered(listener: Listener) -> None:
    with Dialer(listener.connection) as dialer:
        assert dialer.ask({"n": 1, "x": (2, 3)}) == {"echo": {"n": 1, "x": (2, 3)}}


def test_no_answer_stands_for_yes(listener: Listener) -> None:
    with Dialer(listener.connection) as dialer:
        assert dialer.ask({"answer": None}) == {"ok": True}


def test_an_error_of_the_handler_is_the_answer_and_the_listener_goes_on(listener: Listener) -> None:
    with Dialer(listener.connection) as dialer:
        assert dialer.ask({"fail": True}) == {"ok": False, "error": "it was to fail", "type": "ValueError"}
        assert dialer.ask({"n": 2}) == {"echo": {"n": 2}}


def test_many_threads_may_ask_at_once(listener: Listener) -> None:
    answers: dict[int, Body] = {}

    def ask(n: int) -> None:
        for k in range(20):
            answers[100 * n + k] = dialer.ask({"n": 100 * n + k})

    with Dialer(listener.connection) as dialer:
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

    assert len(answers) == 80
    assert all(answer == {"echo": {"n": n}} for n, answer in answers.items())


def test_the_listener_can_tell_its_peer_something_later(listener: Listener, echo: Echo) -> None:
    told: list[Body] = []
    with Dialer(listener.connection) as dialer:
        dialer.ask({})
        for n in range(100):
            echo.peers[0].send({"n": n})
        dialer.listen(told.append)

        until(lambda: len(told) == 100)
    assert [body["n"] for body in told] == list(range(100))


def test_what_is_told_needs_no_answer_and_arrives_before_the_dialer_closes(
    listener: Listener, echo: Echo
) -> None:
    with Dialer(listener.connection) as dialer:
        for n in range(100):
            dialer.send({"n": n})

    until(lambda: len(echo.heard) == 100)
    assert [request["n"] for request in echo.heard] == list(range(100))


def test_weights_of_tens_of_megabytes_go_in_one_message(listener: Listener, echo: Echo) -> None:
    weights = os.urandom(1 << 20) * 40
    with Dialer(listener.connection) as dialer:
        answer = dialer.ask({"weights": weights, "answer": {"array": np.arange(3)}}, timeout=PATIENCE)

    assert echo.heard[0]["weights"] == weights
    assert list(answer["array"]) == [0, 1, 2]  # type: ignore[call-overload]


def test_silence_is_an_error_after_the_time_out(listener: Listener) -> None:
    gone = dataclasses.replace(listener.connection, address="tcp://127.0.0.1:9")
    with Dialer(gone) as dialer, pytest.raises(WireError, match=r"did not answer within 0\.1 s"):
        dialer.ask({}, timeout=0.1)


def test_a_caller_with_a_wrong_key_is_turned_away(listener: Listener, echo: Echo) -> None:
    public, secret = zmq.curve_keypair()
    stranger = dataclasses.replace(
        listener.connection, client_public=public.decode(), client_secret=secret.decode()
    )
    with Dialer(stranger) as dialer, pytest.raises(WireError, match="or refuse this key"):
        dialer.ask({}, timeout=0.3)
    with Dialer(listener.connection) as dialer:
        dialer.ask({"n": 1})

    assert echo.heard == [{"n": 1}]


def test_a_caller_without_a_key_is_turned_away(listener: Listener, echo: Echo) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(listener.connection.address)
        socket.send_multipart([b"ask", b"1", b"\x80"])

        assert socket.poll(300) == 0
    assert echo.heard == []


@pytest.mark.parametrize(
    "frames", [[b""], [b"ask", b"1", b"\xc1"], [b"ask", b"1", b"\x01"], [b"tell", b"", b"\xc1"], [b"a"] * 9]
)
def test_a_malformed_message_does_not_kill_the_listener(listener: Listener, frames: list[bytes]) -> None:
    with Dialer(listener.connection) as dialer:
        dialer._post(frames)

        assert dialer.ask({"n": 1}) == {"echo": {"n": 1}}


def test_nothing_is_left_when_both_have_stopped() -> None:
    def left() -> tuple[set[threading.Thread], int]:
        return set(threading.enumerate()), psutil.Process().num_fds()

    gc.collect()
    threads, files = left()
    for _ in range(5):
        with Listener(Echo(), kind="run", uid="a1") as listener, Dialer(listener.connection) as dialer:
            dialer.ask({})

    def nothing() -> bool:  # what others left open may be closed meanwhile
        now, open_now = left()
        return now <= threads and open_now <= files

    until(nothing)
    assert not listener.connection.path.exists()


def test_starting_and_stopping_twice_changes_nothing(listener: Listener) -> None:
    listener.start()
    listener.stop()
    listener.stop()

    assert not listener.connection.path.exists()


def test_a_command_reaches_a_run_by_its_uid(listener: Listener, echo: Echo) -> None:
    send_command("a1", Command("rate", 0.5, id="c1"))

    assert echo.heard == [{"kind": "command", "action": "rate", "value": 0.5, "id": "c1"}]


def test_a_command_to_no_run_says_so() -> None:
    with pytest.raises(WireError, match=r"Nothing listens under `run-b2.json`"):
        send_command("b2", Command("stop"))


def test_a_run_of_another_machine_is_named_and_its_file_left_alone(listener: Listener) -> None:
    path = dataclasses.replace(listener.connection, host="elsewhere", pid=0).write()

    with pytest.raises(WireError, match="Run a1 is on elsewhere, and listens to that machine alone"):
        send_command("a1", Command("stop"))
    assert path.exists()


def test_who_has_hung_up_asks_nothing(listener: Listener) -> None:
    with Dialer(listener.connection) as dialer:
        pass

    with pytest.raises(WireError, match="This end of `run` a1 has hung up"):
        dialer.ask({"n": 1})


def test_a_uid_is_not_a_path() -> None:
    with pytest.raises(WireError, match="is not the uid of a run"):
        send_command("../pool-a1", Command("stop"))
