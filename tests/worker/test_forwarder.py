"""What a rank says and writes, on its way to the supervisor."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from akidlab.messages import Event, Message, Samples
from akidlab.wire import encode
from akidlab.worker.forwarder import Forwarder


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def forwarder(sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Forwarder:
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # it takes the streams over; this puts them back
    monkeypatch.setattr(sys, "stderr", sys.stderr)

    def tell(body: dict[str, Any]) -> None:
        encode(body)
        sent.append(body)

    forwarder = Forwarder(tell)
    forwarder.run = "r1"
    return forwarder


def test_messages_and_output_go_in_batches(forwarder: Forwarder, sent: list[dict[str, Any]]) -> None:
    forwarder.start()
    print("one")
    print("two", file=sys.stderr)
    messages = [Message("loss", Samples([n], [0.5], [1.0])) for n in range(3)]
    for message in messages:
        forwarder.hear(message)
    forwarder.stop()

    assert [body for body in sent if body["kind"] == "output"] == [
        {"kind": "output", "run": "r1", "stream": "stdout", "text": "one\n"},
        {"kind": "output", "run": "r1", "stream": "stderr", "text": "two\n"},
    ]
    assert [message for body in sent for message in body.get("messages", [])] == messages


def test_a_tensor_stays_and_the_other_messages_go(forwarder: Forwarder, sent: list[dict[str, Any]]) -> None:
    plain = Message("loss", 0.5)
    forwarder.hear(Message("activation", [torch.zeros(2)]))
    forwarder.hear(plain)
    forwarder.flush()

    assert [body["messages"] for body in sent] == [[plain]]


def test_other_ranks_send_only_what_they_say_of_their_share(sent: list[dict[str, Any]]) -> None:
    forwarder = Forwarder(sent.append, rank=1)
    share = Message("accuracy", Samples([1], [0.5], [1.0], merge="mean", weights=[32]))
    for message in (Message("loss", Samples([1], [0.5], [1.0])), Message("event", Event("started")), share):
        forwarder.hear(message)
    forwarder.flush()

    assert [body["messages"] for body in sent] == [[share]]


def test_a_raw_tensor_is_not_even_kept(forwarder: Forwarder) -> None:
    forwarder.hear(Message("weights", torch.zeros(2)))
    forwarder.hear(Message("weights", torch.nn.Parameter(torch.zeros(2))))

    assert not forwarder._messages
