"""What a rank has done before its first cell, and what it costs while it waits: real ranks."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from tests.ranks.conftest import Ranks, cell, run_of

pytestmark = [pytest.mark.ranks, pytest.mark.skipif(sys.platform != "linux", reason="as measured on Linux")]

IDLING = 3.0  # seconds
LATE = """
import sys
wanted = {"torch._dynamo", "sympy", "akidlab.kids", "akidlab.metrics", "sklearn.datasets", "cloudpickle"}
print("missing", sorted(wanted - set(sys.modules)))
known = set(sys.modules)
kid.hooks.on_batch_end.append(lambda kid: known and print("late", sorted(set(sys.modules) - known)))
"""


def test_a_rank_has_imported_what_its_first_steps_need(ranks: Ranks) -> None:
    ranks.do(cell(2, LATE))

    assert ranks.said(0) == ranks.said(1) == "missing []\nlate []\nlate []\n"


def test_a_rank_that_waits_costs_next_to_nothing(ranks: Ranks) -> None:
    found = [psutil.Process(pid) for pid in ranks.pids()]
    before = [sum(rank.cpu_times()[:2]) for rank in found]
    began = time.monotonic()
    time.sleep(IDLING)  # it is a rate that is asked for
    share = [
        (sum(rank.cpu_times()[:2]) - spent) / (time.monotonic() - began)
        for rank, spent in zip(found, before, strict=True)
    ]

    assert max(share) < 0.05, share


def test_a_run_records_how_its_gradients_were_averaged_and_a_second_one_does_not_measure_again(
    ranks: Ranks,
) -> None:
    jobs = []
    for _ in range(2):
        jobs.append(ranks.submit(cell(40)))
        ranks.wait(jobs[-1])
    first, second = ([event.data for event in run_of(job).events("reduction")] for job in jobs)

    assert first[0]["path"] in first[0]["ms"]
    assert set(first[0]["ms"]) >= {"shared"}
    assert second[0]["ms"] == first[0]["ms"]
    assert second[0]["step"] == 1
