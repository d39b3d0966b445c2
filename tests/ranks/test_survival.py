"""A run outlives its ranks: killed, stopped, stuck, it goes on by itself as if nothing had been."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import torch

from akidlab.dispatch import Job, Outcome
from akidlab.errors import RankError
from akidlab.kids import checkpoint
from akidlab.messages import Command
from akidlab.store import Run
from tests.ranks.conftest import NUMBER, Ranks, cell, run_of, until

pytestmark = pytest.mark.ranks

STEPS = 150
DRAWN = NUMBER + cell(STEPS).replace(
    "from akidlab.models.brains import OneLayerBrain",
    "from akidlab import Brain, DropoutLayer, InnerProductLayer, SoftmaxWithLossLayer\n"
    "brain = Brain().attach(\n"
    "    InnerProductLayer(out_channel_num=16, name='ip1'), DropoutLayer(keep_prob=0.5, name='drop'),\n"
    "    InnerProductLayer(out_channel_num=10, name='ip2'),\n"
    "    SoftmaxWithLossLayer(\n"
    "        class_num=10, inputs=[{'name': 'ip2'}, {'name': 'system_in', 'idxs': [1]}], name='loss'\n"
    "    ),\n"
    ")",
).replace("OneLayerBrain()", "brain")
ONCE = """
import os, pathlib, time
def once(name):
    try:
        pathlib.Path(FOLDER, name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
"""
SLOWLY = """
import time
kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.01))
"""


@pytest.fixture
def once(tmp_path: Path) -> str:
    """What lets a cell do something the first time only."""
    return ONCE.replace("FOLDER", repr(str(tmp_path)))


@pytest.fixture
def undisturbed(ranks: Ranks) -> Outcome:
    """What the cell comes to when nothing happens."""
    return ranks.do(DRAWN)


def past(job: Job, step: int) -> Run:
    """The run of a job, once it is past a step."""
    run = run_of(job)
    until(lambda: run.step > step or not run.is_live)
    assert run.is_live, run.look()
    return run


def weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    assert outcome.weights is not None
    return checkpoint.read(outcome.weights)[0]


def check_nothing_was_lost(run: Run, outcome: Outcome, undisturbed: Outcome) -> None:
    """Each step was recorded once, and the weights, the optimiser and the generators are the same."""
    assert (outcome.status, run.status) == ("finished", "finished")
    assert run.scalars("loss").steps.tolist() == list(range(1, STEPS + 1))
    expected, found = weights(undisturbed), weights(outcome)
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def commits_of(run: Run) -> list[Path]:
    return list(Path("/dev/shm").glob(f"akidlab-*-{run.uid}"))


def test_a_run_goes_on_when_a_rank_is_killed(ranks: Ranks, undisturbed: Outcome) -> None:
    job = ranks.submit(DRAWN + SLOWLY, options={"commit_every": 20})
    run = past(job, 45)
    os.kill(ranks.pids()[1], signal.SIGKILL)
    outcome = ranks.wait(job)

    check_nothing_was_lost(run, outcome, undisturbed)
    (lost,), (resumed,) = run.events("rank_lost"), run.events("resumed")
    assert re.match(r"Rank 1 \(process \d+\) was killed by SIGKILL", str(lost.data["why"]))
    assert resumed.step in range(40, STEPS, 20)
    assert 0 <= int(str(resumed.data["steps_lost"])) <= 40  # the last commit may not have been heard of yet
    assert "Resumed at step" in ranks.said(1)
    assert commits_of(run) == []


def test_a_stopped_rank_is_found_and_replaced(ranks: Ranks, undisturbed: Outcome) -> None:
    job = ranks.submit(DRAWN + SLOWLY, options={"commit_every": 20})
    run = past(job, 45)
    os.kill(ranks.pids()[0], signal.SIGSTOP)
    outcome = ranks.wait(job)

    check_nothing_was_lost(run, outcome, undisturbed)
    said = ranks.said(0)
    assert "Rank 0 is stopped (SIGSTOP)." in said
    waits = r"Rank 1, step \d+, waits in `(average|sum)`, the collective number \d+, at\n(?s:.)*, in \1\n"
    assert re.search(waits, said), said
    assert re.findall(r"Rank 0 is (\w+)\.", said) == ["interrupted", "terminated", "killed"]


STUCK = """
def stuck(kid):
    if number == 1 and kid.step == 33 and once("stuck"):
        time.sleep(600)
kid.hooks.on_batch_end.append(stuck)
"""
MISMATCHED = """
def more(kid):
    if number == 1 and kid.step == 33 and once("more"):
        kid.engine.sum({"mine": 1.0})
kid.hooks.on_batch_end.append(more)
"""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (STUCK, r"Rank 1 does not come: rank 0 waits in `average`\.(?s:.)*, in stuck\n"),
        (
            MISMATCHED,
            r"different .*rank 0 waits in `average`.* rank 1 waits in `sum`(?s:.)*, in more\n"
            r"|collective mismatch",
        ),
    ],
    ids=["stuck", "mismatched"],
)
def test_a_rank_that_hangs_is_named_and_replaced(
    ranks: Ranks, undisturbed: Outcome, once: str, fault: str, told: str
) -> None:
    job = ranks.submit(once + DRAWN + fault, options={"commit_every": 20, "patience": 8.0})
    outcome = ranks.wait(job)

    check_nothing_was_lost(run_of(job), outcome, undisturbed)
    output = "".join(text for _, _, text in ranks.output)
    assert re.search(told, output), output
    assert len(run_of(job).events("rank_lost")) == 1
    if "collective mismatch" not in output:  # which Gloo found by itself, and aborted
        assert "is interrupted" in output
        assert len(run_of(job).events("warning")) == 1


def test_a_rank_that_is_lost_again_and_again_ends_the_run_with_its_last_lines(ranks: Ranks) -> None:
    kill = "if number == 1:\n    os.write(2, b'farewell\\n')\n    os.kill(os.getpid(), 9)\n"
    with pytest.raises(RankError, match=r"(?s)Rank 1 .* was killed by SIGKILL.*farewell.*after 1 restarts"):
        ranks.wait(ranks.submit(NUMBER + kill, options={"max_restarts": 1}, needs_kid=False))


def test_what_was_asked_outlives_a_lost_rank(ranks: Ranks) -> None:
    job = ranks.submit(DRAWN.replace(f"max_steps={STEPS}", "max_steps=1_000_000") + SLOWLY)
    run = past(job, 5)
    job.command(Command("rate", 0.001))
    job.command(Command("pause"))
    until(lambda: run.status == "paused")
    os.kill(ranks.pids()[1], signal.SIGKILL)
    until(lambda: len(run.events("pause")) == 2 and run.status == "paused")
    step = run.step
    job.command(Command("step", 3))
    until(lambda: run.step == step + 3)
    job.command(Command("stop"))
    outcome = ranks.wait(job)

    assert outcome.status == "stopped"
    assert run.events("resumed")
    assert run.scalars("learning_rate").values[-1] == 0.001


def test_not_enough_memory_is_told_with_advice(ranks: Ranks) -> None:
    with pytest.raises(
        RankError, match=r"(?s)OutOfMemoryError.*There was not enough memory\. A smaller `batch_size`"
    ):
        ranks.do("import torch\nraise torch.OutOfMemoryError('CUDA out of memory.')")
