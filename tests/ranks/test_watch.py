"""What two real ranks say of their shares of the data comes to what is true of all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cloudpickle
import numpy as np
import psutil
import pytest

from akidlab.dispatch import Job, Task
from akidlab.errors import AskError
from akidlab.messages import PERCENTS, Command
from akidlab.session import ask
from akidlab.session.ask import answer
from akidlab.worker import Assignment
from tests.patience import until
from tests.ranks.conftest import Ranks, cell, run_of, under_way

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


BANDS = """
import numpy as np
from akidlab.messages import PERCENTS, Message, Percentiles

def tell(kid):
    numbers = np.random.RandomState(10 * kid.step + kid.engine.rank).randn(2000).astype("float32")
    values = np.percentile(numbers, PERCENTS).astype("float32")[None]
    sketch = np.quantile(numbers, np.linspace(0, 1, 129)).astype("float32")[None]
    data = Percentiles(["activations/ip1"], values, np.array([numbers.size]), sketch)
    kid.bus.publish(Message("percentiles", data, step=kid.step))

kid.hooks.on_batch_end.append(tell)
"""


def test_distributions_are_those_of_the_data_of_all_ranks(ranks: Ranks) -> None:
    job = ranks.submit(cell(6, BANDS))
    ranks.wait(job)
    bands = run_of(job).percentiles("activations/ip1")

    assert (bands.steps.tolist(), bands.counts.tolist()) == ([1, 2, 3, 4, 5, 6], [4000] * 6)
    for step, values in zip(bands.steps, bands.values, strict=True):
        drawn = [np.random.RandomState(10 * step + rank).randn(2000).astype("float32") for rank in (0, 1)]
        expected = np.percentile(np.concatenate(drawn), PERCENTS)
        assert values[[0, -1]].tolist() == pytest.approx(expected[[0, -1]].tolist())
        assert values == pytest.approx(expected, abs=0.08)


def test_a_rank_that_alone_has_something_to_say_is_heard(ranks: Ranks) -> None:
    alone = SHARES.replace("def tell(kid):", "def tell(kid):\n    if kid.engine.rank == 0:\n        return")
    job = ranks.submit(cell(5, alone))
    ranks.wait(job)
    run = run_of(job)

    assert run.scalars("of_mean/ip1").values.tolist() == [10.0 + step for step in range(1, 6)]
    assert "of_None/ip1" not in run.tags()


@contextmanager
def training(ranks: Ranks) -> Iterator[Job]:
    """A job that goes on until the end of the `with`."""
    job = ranks.submit(cell(1_000_000))
    try:
        under_way(job)
        yield job
    finally:
        job.command(Command("stop"))
        ranks.wait(job)


def test_any_rank_is_asked_and_the_ranks_stay_equal(ranks: Ranks) -> None:
    with training(ranks) as job:
        outs = [ask("rank, ip1.out[:9], ip1.input.shape[1:]", job.uid, rank=rank) for rank in (0, 1)]
        job.command(Command("pause"))
        until(lambda: run_of(job).status == "paused")
        told = answer("step", job.uid, rank=1)
        at = [ask("step, ip1.weight.double().sum(), ip1.out.sum()", job.name, rank=rank) for rank in (0, 1)]

    assert [(rank, out.shape, shape) for rank, out, shape in outs] == [
        (0, (9, 10), outs[0][2]),
        (1, (9, 10), outs[0][2]),
    ]
    assert str(told) == f"{job.name} · rank 1 · step {at[1][0]:,}"
    assert at[0][:2] == at[1][:2]  # the same step, the same weights
    assert at[0][2] != at[1][2]  # of another share of the batch


def test_what_a_rank_cannot_answer_is_said_here(ranks: Ranks) -> None:
    with training(ranks) as job:
        for question, rank, text in (
            ("ip2.out", 1, "There is no block or value `ip2`. Did you mean `ip1`"),
            ("ip1.weight.zero_()", 1, "`zero_` writes; a question only reads"),
            ("step", 2, "This run has the ranks 0 to 1; found rank 2"),
            ("step", -1, "This run has the ranks 0 to 1; found rank -1"),
        ):
            with pytest.raises(AskError, match=text):
                ask(question, job.uid, rank=rank)
        later = ranks.submit(cell(1))
        with pytest.raises(AskError, match="has not begun: it waits for the ranks"):
            ask("step", later.uid)
    ranks.wait(later)

    with pytest.raises(AskError, match="only a live run can be asked"):
        ask("step", job.uid)


WATCHED = """
kid.watch("activations", "weights", "weight_gradients", every=4, exact=True, doctor=False,
          metrics=["mean:activations", "norm:weights"])
"""


def test_what_is_watched_on_two_ranks_is_what_one_process_sees(ranks: Ranks) -> None:
    job = ranks.submit(cell(12, WATCHED))
    ranks.wait(job)
    there = run_of(job)
    namespace: dict[str, Any] = {}
    exec(cell(12, WATCHED), namespace)
    namespace["kid"].practice()
    here = namespace["kid"].run

    assert there.distributions() == here.distributions()
    assert sorted(there.tags()) == sorted(here.tags())
    for tag in here.distributions():
        merged, alone = there.percentiles(tag), here.percentiles(tag)
        spread = float(np.ptp(alone.values[-1]))
        assert merged.steps.tolist() == alone.steps.tolist() == [1, 4, 8, 12]
        assert merged.values[:, [0, -1]] == pytest.approx(alone.values[:, [0, -1]], abs=1e-4 * spread)
        assert merged.values == pytest.approx(alone.values, abs=0.05 * spread)
        assert merged.counts.tolist() == alone.counts.tolist()
    for tag in ("activations_mean/ip1", "weights_norm2/ip1"):
        assert there.scalars(tag).steps.tolist() == here.scalars(tag).steps.tolist()
        assert there.scalars(tag).values == pytest.approx(here.scalars(tag).values, rel=1e-3, abs=1e-5)


def test_a_budget_has_both_ranks_look_at_the_same_steps(ranks: Ranks) -> None:
    job = ranks.submit(
        cell(400, 'kid.watch("activations", every=1, budget=0.005)\nkid.skip_validation = True')
    )
    ranks.wait(job)
    run = run_of(job)

    bands = run.percentiles("activations/ip1")
    assert run.scalars("observation_every").values.max() > 1
    assert len(bands) < 400
    assert set(bands.counts.tolist()) == {64 * 10}  # of the whole batch, at each step


def test_tensorboard_files_are_written_by_the_supervisor(ranks: Ranks) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    source = cloudpickle.dumps(Assignment(cell(20, "kid.watch(every=10)"), "<cell 1>"))
    job = ranks.pool.submit(Task("run", os.environ["AKID_RUNS"], source, options={"tensorboard": True}))
    ranks.wait(job)

    found = EventAccumulator(str(run_of(job).folder / "tensorboard")).Reload()
    assert [event.step for event in found.Scalars("loss")] == list(range(1, 21))
    assert "activations/ip1" in found.Tags()["histograms"]


def test_ranks_in_a_pause_rest(ranks: Ranks) -> None:
    with training(ranks) as job:
        job.command(Command("pause"))
        until(lambda: run_of(job).status == "paused")
        processes = [psutil.Process(pid) for pid in ranks.pids()]

        # ranks that wait in a collective would take a core, or two; on a busy machine one waits for the other
        until(lambda: share_of_a_core(processes) < 0.4)


def share_of_a_core(processes: list[psutil.Process]) -> float:
    """What they take of it together, for half a second."""
    before, begin = [process.cpu_times() for process in processes], time.monotonic()
    time.sleep(0.5)
    used = sum(sum(p.cpu_times()[:2]) - sum(then[:2]) for p, then in zip(processes, before, strict=True))
    return used / (time.monotonic() - begin)
