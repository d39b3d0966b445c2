"""A step that is not finite is made by no rank, and the rank that knows says where."""

from __future__ import annotations

import re

import pytest

from tests.ranks.conftest import Ranks, cell, run_of

pytestmark = pytest.mark.ranks

SPOIL = """
def spoil(kid):
    inner = kid.sensor.next
    def spoilt():
        batch = inner()
        if kid.step == 6 and kid.engine.rank == 1:
            batch[0] = batch[0].clone()
            batch[0].view(-1)[5] = float("nan")
        return batch
    kid.sensor.next = spoilt
kid.setup()
spoil(kid)
def tell(kid):
    total = sum(float(p.detach().double().abs().sum()) for p in kid.brain.parameters())
    print(f"{int(kid.clock)} {total:.12f}")
kid.hooks.on_train_end.append(tell)
"""


@pytest.mark.parametrize(("shown", "times"), [(True, 0), (False, 1)])
def test_ranks_write_what_no_dashboard_shows(ranks: Ranks, shown: bool, times: int) -> None:
    job = ranks.submit(cell(20, SPOIL), overrides={"shown": shown})
    ranks.wait(job)

    (finding,) = run_of(job).findings()
    assert (ranks.said(0) + ranks.said(1)).count(str(finding.data["text"])) == times


def test_all_ranks_stop_at_the_same_step_and_the_one_that_knows_tells(ranks: Ranks) -> None:
    job = ranks.submit(cell(20, SPOIL))
    ranks.wait(job)
    run = run_of(job)

    first, second = (re.findall(r"^\d+ [\d.]+$", ranks.said(rank), re.MULTILINE) for rank in (0, 1))
    assert first == second
    assert (first[0].split()[0], run.status) == ("6", "stopped")
    assert "The loss is NaN at step 7. The batch itself holds 1 NaN" in str(run.error)
    assert str(run.error).endswith("It was found on rank 1.")


FIND = """
from akidlab.guards import Finding

def find(kid):
    if kid.step == 6 and kid.engine.rank == 0:
        Finding("activation_not_finite", "ip1", 6, "`ip1` emits NaN.", "error").publish(kid.bus)
kid.hooks.on_batch_end.append(find)
kid.hooks.on_train_end.append(lambda kid: print(int(kid.clock)))
"""


def test_all_ranks_stop_at_what_one_of_them_found(ranks: Ranks) -> None:
    job = ranks.submit(cell(20, FIND))
    ranks.wait(job)
    run = run_of(job)

    assert [re.findall(r"^\d+$", ranks.said(rank), re.MULTILINE) for rank in (0, 1)] == [["6"], ["6"]]
    assert (run.status, run.error) == ("stopped", "`ip1` emits NaN. It was found on rank 0.")
