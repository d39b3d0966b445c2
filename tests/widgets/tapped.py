"""A comm that keeps what is sent instead of a browser, and a way to write samples now."""

from __future__ import annotations

import json
from typing import Any

import comm

from akidlab.messages import Message, Samples
from akidlab.store import Recorder


class Wire(comm.base_comm.BaseComm):
    """Every message of every comm, as (type, data, buffers)."""

    sent: list[tuple[str, dict[str, Any], list[bytes]]] = []  # noqa: RUF012  # cleared for each test

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        Wire.sent.append((msg_type, data or {}, list(buffers or [])))


def custom() -> list[tuple[dict[str, Any], list[bytes]]]:
    """The custom messages that went to the browser."""
    found = [(data, buffers) for kind, data, buffers in Wire.sent if kind == "comm_msg"]
    return [(data["content"], buffers) for data, buffers in found if data.get("method") == "custom"]


def size(content: dict[str, Any], buffers: list[bytes]) -> int:
    """Bytes of one message."""
    return len(json.dumps(content)) + sum(map(len, buffers))


def scalar(recorder: Recorder, tag: str, steps: list[int], values: list[float]) -> None:
    """Write samples of one scalar now."""
    recorder.hear(Message(tag, Samples(steps, values, [0.0] * len(steps)), step=steps[-1]))
    recorder.flush()
