"""What two real ranks say of their shares of the data comes to what is true of all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ranks.conftest import Ranks, cell, run_of

pytestmark = pytest.mark.ranks

SHARES = """
import time
from akidlab.messages import Message, Samples

def tell(kid):
    rank, step = kid.engine.rank, kid.step
    for kind in ("mean", "sum", "max", "min", None):
        data = Samples([step], [float(10 * rank + step)], [time.time()], kind, [1 + 2 * rank] if kind else ())
        kid.bus.publish(Message(f"of_{kind}", data, step=step, key="ip1"))

kid.hooks.on_batch_end.append(tell)
"""


def test_numbers_are_merged_as_they_say(ranks: Ranks) -> None:
    job = ranks.submit(cell(30, SHARES))
    ranks.wait(job)
    run, steps = run_of(job), np.arange(1, 31)

    found = {kind: run.scalars(f"of_{kind}/ip1") for kind in ("mean", "sum", "max", "min", None)}
    assert all(series.steps.tolist() == steps.tolist() for series in found.values())
    assert found["mean"].values.tolist() == [7.5 + step for step in steps]  # rank 1 counts thrice
    assert found["sum"].values.tolist() == [10 + 2 * step for step in steps]
    assert found["max"].values.tolist() == [10 + step for step in steps]
    assert found["min"].values.tolist() == found[None].values.tolist() == steps.tolist()


def test_a_rank_that_alone_has_something_to_say_is_heard(ranks: Ranks) -> None:
    job = ranks.submit(
        cell(
            5,
            SHARES.replace("rank, step =", "(rank, step) =").replace(
                "def tell(kid):", "def tell(kid):\n    if kid.engine.rank == 0:\n        return"
            ),
        )
    )
    ranks.wait(job)
    run = run_of(job)

    assert run.scalars("of_mean/ip1").values.tolist() == [10.0 + step for step in range(1, 6)]
    assert "of_None/ip1" not in run.tags()
