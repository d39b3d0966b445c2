"""A supervisor at work shrugs off whatever reaches its sockets, and the run ends as if nothing had been."""

from __future__ import annotations

import random
import socket
from contextlib import closing

import pytest
from safetensors.numpy import load

from akidlab.errors import DispatchError, StoreError
from akidlab.messages import Command
from akidlab.wire import Connection, Dialer, encode
from tests.ranks.conftest import Ranks, cell, under_way

KINDS = ["hello", "beat", "messages", "output", "answer", "report", "settled", "describe", "attach", "submit"]
KINDS += ["cell", "cell_held", "cell_begun", "cell_beat", "cell_part", "cell_done"]
KINDS += ["watch", "command", "ask", "interrupt", "look", "_tick", "__class__", "", None, 7]
FIELDS = ["run", "rank", "pid", "born", "host", "step", "pace", "stack", "text", "stream", "messages", "id"]
FIELDS += ["cell", "ranks", "number", "names", "source", "waiting", "collective", "data", "collectives"]
FIELDS += ["status", "raised", "clean", "task", "command", "action", "value", "question", "ok"]
SLOW = "import time\nkid.hooks.on_batch_end.append(lambda kid: time.sleep(0.03))\n"


def _noise(chance: random.Random, generation: int, uid: str) -> bytes:
    """A message that is nearly one of ours: the right kind, fields that are missing, foreign, too many."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(60))
    values = [None, -1, 0, 1, 99, 2**70, 0.5, float("nan"), "", uid, b"\x80", [], {}, [{}], Command("stop")]
    body = {name: chance.choice(values) for name in chance.sample(FIELDS, chance.randrange(len(FIELDS)))}
    body["kind"] = chance.choice(KINDS)
    if chance.random() < 0.5:
        body["generation"] = chance.choice([generation, generation, generation + 1, None, "x"])
    if body["kind"] in ("interrupt", "command"):  # who holds the key may end a run: that is no noise
        body["run"] = "nobody's"
    return encode(body)


def test_ten_thousand_random_messages_change_nothing_of_a_run(ranks: Ranks) -> None:
    undisturbed = ranks.do(cell(60))
    pids = ranks.pids()
    chance, generation = random.Random(0), ranks.pool.describe()["generation"]
    job = ranks.submit(cell(60, SLOW))
    under_way(job)

    with Dialer(ranks.pool.connection) as dialer:
        for _ in range(10_000):
            sort = chance.choice([b"ask", b"tell"])
            dialer._post([sort, chance.randbytes(8), _noise(chance, generation, job.uid)])
        told = dialer.ask({"kind": "describe"}, timeout=60)
    outcome = ranks.wait(job)

    assert told["state"] == "busy"
    assert (outcome.status, outcome.step) == ("finished", 60)
    assert _same(outcome.weights, undisturbed.weights)
    assert ranks.pids() == pids
    assert ranks.pool.log.stat().st_size < 1_000_000


def test_nobody_speaks_for_a_rank_but_the_rank(ranks: Ranks) -> None:
    generation = ranks.pool.describe()["generation"]
    report = {"kind": "report", "generation": generation, "rank": 1, "run": "x", "status": "finished"}

    with Dialer(ranks.pool.connection) as dialer:
        answers = [dialer.ask(report), dialer.ask({**report, "kind": "hello", "pid": 1, "host": "here"})]

    assert [answer["ok"] for answer in answers] == [False, False]
    assert "who is not that rank" in str(answers[0]["error"])
    assert "expected one of 2, and once" in str(answers[1]["error"])


def test_the_sockets_of_a_run_listen_on_loopback_alone_and_their_files_are_private(ranks: Ranks) -> None:
    job = ranks.submit(cell(60, SLOW))
    under_way(job)

    for path in (ranks.pool.connection.path, ranks.runtime / f"run-{job.uid}.json"):
        assert Connection.read(path).address.startswith("tcp://127.0.0.1:")
        assert path.stat().st_mode & 0o777 == 0o600
        port = int(Connection.read(path).address.rpartition(":")[2])
        with closing(socket.create_connection(("127.0.0.1", port))) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert ranks.wait(job).status == "finished"


def test_a_task_that_is_none_is_refused(ranks: Ranks) -> None:
    for task in (None, {}, {"name": 3}, {"name": "a", "store": "/dev/null/runs", "payload": b""}):
        with pytest.raises((DispatchError, StoreError)):
            ranks.pool.ask({"kind": "submit", "task": task})

    assert ranks.do(cell(3)).status == "finished"


def _same(these: bytes | None, those: bytes | None) -> bool:
    assert these is not None
    assert those is not None
    mine, theirs = load(these), load(those)
    return mine.keys() == theirs.keys() and all((mine[name] == theirs[name]).all() for name in mine)
