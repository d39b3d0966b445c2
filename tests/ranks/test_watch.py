"""What two real ranks say of their shares of the data comes to what is true of all."""

from __future__ import annotations

import numpy as np
import pytest

from akidlab.errors import AskError
from akidlab.messages import PERCENTS, Command
from akidlab.session import ask
from tests.ranks.conftest import Ranks, cell, run_of, under_way, until

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


def test_any_rank_is_asked_and_the_ranks_stay_equal(ranks: Ranks) -> None:
    job = ranks.submit(cell(1_000_000))
    under_way(job)
    outs = [ask("ip1.out", job.uid, rank=rank) for rank in (0, 1)]
    norms = [ask("rank, ip1.weight.norm(), ip1.input.shape[0]", job.uid, rank=rank) for rank in (0, 1)]

    assert [out.shape for out in outs] == [(32, 10), (32, 10)]
    assert [norm[::2] for norm in norms] == [[0, 32], [1, 32]]
    job.command(Command("pause"))
    assert until(lambda: run_of(job).status == "paused")
    at = [ask("step, ip1.weight.double().sum(), ip1.out.sum()", job.name, rank=rank) for rank in (0, 1)]
    assert at[0][:2] == at[1][:2]  # the same step, the same weights
    assert at[0][2] != at[1][2]  # of another share of the batch
    job.command(Command("stop"))
    assert ranks.wait(job).status == "stopped"


def test_what_a_rank_cannot_answer_is_said_here(ranks: Ranks) -> None:
    job = ranks.submit(cell(1_000_000))
    under_way(job)
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
    job.command(Command("stop"))
    ranks.wait(job)
    ranks.wait(later)
    with pytest.raises(AskError, match="only a live run can be asked"):
        ask("step", job.uid)
