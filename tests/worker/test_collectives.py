"""Which collective a rank is in."""

from __future__ import annotations

import threading

from akidlab import engines
from akidlab.worker.collectives import Collectives


def test_it_tells_the_last_one_and_how_many_there_were() -> None:
    engine = engines.get("single")
    collectives = Collectives(engine)
    engine.sum({"a": 1.0})
    engine.broadcast(3)

    assert collectives.describe() == {"collective": "broadcast", "number": 2, "waiting": None}


def test_it_tells_how_long_a_rank_waits_in_it() -> None:
    engine, entered, leave = engines.get("single"), threading.Event(), threading.Event()
    engine.barrier = lambda: (entered.set(), leave.wait(60))  # type: ignore[method-assign, assignment, return-value]
    collectives = Collectives(engine)
    waiting = threading.Thread(target=lambda: engine.barrier())
    waiting.start()
    assert entered.wait(60)
    told = collectives.describe()
    leave.set()
    waiting.join()

    assert (told["collective"], told["number"]) == ("barrier", 1)
    assert told["waiting"] >= 0.0
    assert collectives.describe()["waiting"] is None
