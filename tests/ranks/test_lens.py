"""A rank that lags, or drifts, is flagged with its number; ranks that are well are not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from akidlab.dispatch import Job, Pool
from akidlab.messages import Command
from akidlab.store import Run
from tests.patience import until
from tests.ranks.conftest import NUMBER, Ranks, cell, run_of, under_way

pytestmark = pytest.mark.ranks

DRIFT = """
import torch

def drift(kid):
    if kid.engine.rank == 1 and kid.step == 20:
        with torch.no_grad():
            next(kid.brain.parameters()).view(-1)[3] += 1e-3

kid.hooks.on_batch_end.append(drift)
"""


def flagged(job: Job, kind: str) -> list[tuple[int, int]]:
    """The rank and the step of each such event."""
    return [(event.data["rank"], event.step) for event in run_of(job).events(kind)]


def test_a_rank_whose_weights_differ_is_flagged_within_ten_steps(ranks: Ranks) -> None:
    job = ranks.submit(cell(60, DRIFT))
    ranks.wait(job)
    run = run_of(job)

    [(rank, step)] = flagged(job, "rank_drifts")
    assert rank == 1
    assert 20 < step <= 30
    [event] = run.events("rank_drifts")
    assert (event.data["reference"], event.data["where"], event.data["equal"]) == (0, ["conv1.weight"], 16)
    assert "Rank 1 drifts: its weights differ from those of rank 0 since" in run.warnings[0]
    assert "Rank 1 drifts" in ranks.said(1)
    assert [row["drifts"] for row in run.ranks] == [0, step]
    assert run.ranks[0]["checksum"] != run.ranks[1]["checksum"]


LAG = """
import time

def lag(kid):
    if kid.engine.rank == 1 and kid.step >= 20:
        time.sleep(0.05)

kid.hooks.on_batch_end.append(lag)
"""


def test_a_rank_that_sleeps_is_flagged_within_ten_steps(ranks: Ranks) -> None:
    job = ranks.submit(cell(40, LAG))
    ranks.wait(job)
    run = run_of(job)

    [(rank, step)] = flagged(job, "rank_lags")
    assert rank == 1
    assert 20 < step <= 30
    [event] = run.events("rank_lags")
    assert event.data["by"] > 1.5
    assert event.data["seconds"] - event.data["others"] == pytest.approx(0.05, rel=0.5)
    assert "Rank 1 lags" in ranks.said(1)
    assert run.ranks[1]["lags"] > 1.5
    own, wait = (run.scalars(f"ranks/{name}/0") for name in ("own_ms", "wait_ms"))
    assert wait.values[-1] > own.values[-1]  # rank 0 does little but wait


def test_what_is_measured_of_each_rank_is_kept_apart_from_metrics(ranks: Ranks) -> None:
    job = ranks.submit(cell(50))
    ranks.wait(job)
    run = run_of(job)

    assert not any(tag.startswith("ranks") for tag in run.tags())
    measured = {name: [run.scalars(f"ranks/{name}/{rank}").last for rank in (0, 1)] for name in NAMES}
    assert measured["bytes"] == [4 * 2122, 4 * 2122]  # of the parameters
    assert measured["step_ms"] == pytest.approx(np.add(measured["own_ms"], measured["wait_ms"]).tolist())
    assert measured["gradient_norm"][0] != measured["gradient_norm"][1]  # of each one's share
    assert (run.step, run.epoch) == (50, 50 * 64 // 1437)
    rows = run.ranks
    assert [row["pid"] for row in rows] == ranks.pids()
    assert [row["state"] for row in rows] == ["finished", "finished"]
    assert rows[0]["checksum"] == rows[1]["checksum"]


NAMES = ("step_ms", "own_ms", "wait_ms", "bytes", "gradient_norm")


def test_a_timeline_shows_every_step_of_every_rank(ranks: Ranks) -> None:
    job = ranks.submit(cell(1_000_000))
    try:
        run = under_way(job)
        job.command(Command("timeline", 20))
        until(lambda: run.events("timeline"))
    finally:
        job.command(Command("stop"))
        ranks.wait(job)
    [event] = run.events("timeline")
    events = json.loads((run.folder / event.data["file"]).read_text())["traceEvents"]
    averages = [bar for bar in events if bar["name"] == "average"]

    assert event.data["last"] - event.data["first"] in (18, 19)
    for rank in (0, 1):
        steps = [bar["args"]["step"] for bar in averages if bar["pid"] == rank]
        assert steps == list(range(event.data["first"], event.data["last"] + 1))
    assert all(bar["dur"] >= 0 and bar["ts"] >= 0 for bar in averages)
    assert {bar["name"] for bar in events} >= {"process_name", "own work", "average"}
    together = [[bar["ts"] + bar["dur"] for bar in averages if bar["pid"] == rank] for rank in (0, 1)]
    assert (
        np.median(np.abs(np.subtract(*together))) < 50_000
    )  # microseconds: they leave at about the same time


def test_what_a_rank_wrote_is_found_by_rank_and_level(ranks: Ranks) -> None:
    says = "\nimport sys\nprint('out of', number)\nprint('beware of', number, file=sys.stderr)\n"
    job = ranks.submit(cell(5, NUMBER + says))
    ranks.wait(job)
    run = run_of(job)

    assert [line.text for line in run.logs(rank=1, levels=["info"])] == ["out of 1"]
    assert [line.text for line in run.logs(rank=0, levels=["warning"])] == ["beware of 0"]
    lines = run.logs()
    assert run.logs(before=lines[-1].id) == lines[:-1]


@pytest.fixture(scope="module")
def three(launcher: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranks]:
    folder = tmp_path_factory.mktemp(f"three-{launcher}")
    env = {"OMP_NUM_THREADS": "1", "HOROVOD_TIMELINE": "DYNAMIC", "AKIDLAB_REDUCTION": launcher}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
        pool = Pool.start(3, project=folder, launcher=launcher, env=env)
    yield Ranks(pool, folder / "runtime")
    pool.stop()


def well(run: Run) -> None:
    """Nobody was flagged."""
    assert [event.data["text"] for kind in ("rank_lags", "rank_drifts") for event in run.events(kind)] == []


def test_ranks_that_are_well_are_not_flagged_also_where_there_are_fewer_cores(
    ranks: Ranks, three: Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [ranks.submit(cell(200))]  # all five at the same time
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(three.runtime))
    three.pool.wait_ready()
    jobs.append(three.submit(cell(200)))
    three.wait(jobs[1])
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(ranks.runtime))
    ranks.wait(jobs[0])

    for job in jobs:
        run = run_of(job)
        assert run.step == 200
        well(run)
    assert len({row["checksum"] for row in run_of(jobs[1]).ranks}) == 1


def test_of_three_ranks_the_one_that_is_alone_drifts(three: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(three.runtime))
    job = three.submit(cell(40, DRIFT.replace("rank == 1", "rank == 0")))
    three.wait(job)

    [(rank, step)] = flagged(job, "rank_drifts")
    assert rank == 0
    assert 20 < step <= 30


def test_horovods_own_timeline_is_there_where_it_was_asked_for_at_the_start(
    three: Ranks, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(three.runtime))
    job = three.submit(cell(1_000_000))
    try:
        run = under_way(job)
        job.command(Command("timeline", 100))
        until(lambda: run.events("timeline"))
    finally:
        job.command(Command("stop"))
        three.wait(job)
    [event] = run.events("timeline")

    assert ("engine" in event.data) is (launcher == "horovod")
    if launcher == "horovod":
        assert (run.folder / event.data["engine"]).read_text().startswith("[")
