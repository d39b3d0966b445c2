"""The same cell, on two real ranks."""

from __future__ import annotations

import re

import pytest
import torch

from akidlab.errors import DispatchError
from akidlab.kids import checkpoint
from akidlab.messages import Command
from akidlab.wire import send_command
from tests.patience import until
from tests.ranks.conftest import Ranks, cell, family, run_of, under_way

pytestmark = pytest.mark.ranks

FINGERPRINT = """
from akidlab import engines
def fingerprint(kid):
    total = sum(float(p.detach().double().abs().sum()) for p in kid.brain.parameters())
    print(f"rank {kid.engine.rank} of {kid.engine.size}: {total:.12f}")
kid.hooks.on_train_end.append(fingerprint)
"""


def make(source: str) -> object:
    """The kid that a cell makes, in this process."""
    namespace: dict[str, object] = {}
    exec(source, namespace)
    return namespace["kid"]


def test_the_weights_are_equal_on_all_ranks_and_come_back(ranks: Ranks) -> None:
    outcome = ranks.do(cell(20, FINGERPRINT))
    kid = make(cell(20))
    checkpoint.load(kid, outcome.weights)  # type: ignore[arg-type]

    said = [re.fullmatch(rf"rank {n} of 2: (\S+)\n", ranks.said(n)) for n in (0, 1)]
    mine = sum(float(p.detach().double().abs().sum()) for p in kid.brain.parameters())  # type: ignore[attr-defined]
    assert said[0][1] == said[1][1] == f"{mine:.12f}"  # type: ignore[index]
    assert (outcome.status, outcome.step, outcome.kid, int(kid.clock)) == ("finished", 20, "kid", 20)  # type: ignore[attr-defined]


def test_the_curve_is_that_of_one_process(ranks: Ranks) -> None:
    job = ranks.submit(cell(20))
    ranks.wait(job)
    kid = make(cell(20))
    kid.practice()  # type: ignore[attr-defined]

    there, here = run_of(job).scalars("loss"), kid.run.scalars("loss")  # type: ignore[attr-defined]
    assert list(there.steps) == list(here.steps) == list(range(1, 21))
    assert torch.allclose(torch.tensor(there.values), torch.tensor(here.values), atol=1e-4)


def test_the_run_is_recorded_by_the_supervisor(ranks: Ranks) -> None:
    job = ranks.submit(cell(20, "print('good morning')"), overrides={"max_steps": 12})
    ranks.wait(job)
    run = run_of(job)

    assert (run.status, run.step, run.max_steps, run.world_size) == ("finished", 12, 12, 2)
    assert run.events()[0].kind == "started"
    assert sorted((log.rank, log.text) for log in run.logs() if "morning" in log.text) == [
        (0, "good morning"),
        (1, "good morning"),
    ]
    assert (run.folder / "step-12.safetensors").exists()


def test_graph_and_pictures_are_those_of_one_process(ranks: Ranks, launcher: str) -> None:
    job = ranks.submit(cell(20))
    outcome = ranks.wait(job)
    run, kid = run_of(job), make(cell(20))
    checkpoint.load(kid, outcome.weights)  # type: ignore[arg-type]

    assert run.graph().json == kid.brain.graph().json  # type: ignore[attr-defined]
    assert ("horovod" in run.info["made_with"]["versions"]) == (launcher == "horovod")
    assert run.pictures()[:3] == ["filters/conv1", "filters/ip1", "maps/system_in"]
    assert run.picture_steps("maps/relu1")[[0, -1]].tolist() == [1, 20]
    weights = kid.brain["conv1"].weight.detach().numpy()  # type: ignore[attr-defined]
    taken = run.picture("filters/conv1").array
    assert abs(taken - weights[: len(taken), : taken.shape[1]]).max() <= (weights.max() - weights.min()) / 500


def test_a_run_on_ranks_branches_and_repeats_itself_bit_for_bit(ranks: Ranks) -> None:
    often = "kid.val_log_step = 5"
    job = ranks.submit(cell(20, often))
    ranks.wait(job)
    trunk = run_of(job)
    branched = {"parent": trunk.uid, "name": trunk.name, "step": 10}
    options = {"parent": trunk.uid, "branched": branched}
    again = ranks.submit(cell(20, often), options, resume=trunk.at(12).data)
    ranks.wait(again)
    twig = run_of(again)

    assert (twig.branched_at, [one.run.name for one in twig.lineage]) == (10, [trunk.name, twig.name])
    assert twig.scalars("loss", lineage=True).values.tolist() == trunk.scalars("loss").values.tolist()
    assert twig.picture_steps("filters/conv1").min() > 10


def test_the_second_task_finds_the_same_processes(ranks: Ranks) -> None:
    before = ranks.pids()
    ranks.do(cell(1))
    ranks.do(cell(1))

    assert ranks.pids() == before  # how soon it begins, the benchmarks measure


def test_a_second_run_of_the_same_name_gets_its_own(ranks: Ranks) -> None:
    first, second = ranks.submit(cell(1)), ranks.submit(cell(1))
    ranks.wait(first)
    ranks.wait(second)

    assert (first.name, second.name) == ("run", "run-2")


def test_nothing_of_a_task_is_found_by_the_next(ranks: Ranks) -> None:
    ranks.do(cell(1, "secret = 'mine'\nimport random; random.seed(5)"))
    ranks.do(
        "import gc, random, __main__\n"
        "from akidlab import Kid\n"
        "gc.collect()\n"
        "kids = [x for x in gc.get_objects() if isinstance(x, Kid)]\n"
        "print(len(kids), 'secret' in globals(), __main__.__dict__ is globals(), random.random())",
        needs_kid=False,
    )

    assert ranks.said(0) == ranks.said(1) == "0 False True 0.8444218515250481\n"


def test_a_checkpoint_can_be_brought_along(ranks: Ranks) -> None:
    weights = ranks.do(cell(10)).weights
    job = ranks.submit(cell(15), resume=weights)
    outcome = ranks.wait(job)

    assert outcome.step == 15
    assert list(run_of(job).scalars("loss").steps) == [11, 12, 13, 14, 15]


def test_commands_reach_the_run_by_its_uid(ranks: Ranks) -> None:
    job = ranks.submit(cell(1_000_000))
    run = under_way(job)
    send_command(job.uid, Command("rate", 0.01))
    job.command(Command("pause"))
    until(lambda: run.status == "paused")
    send_command(job.uid, Command("stop"))
    outcome = ranks.wait(job)

    assert [(e.kind, e.data.get("value")) for e in run.events() if e.kind in ("rate", "pause", "stop")] == [
        ("rate", 0.01),
        ("pause", None),
        ("stop", None),
    ]
    assert (outcome.status, run.status, outcome.weights is not None) == ("stopped", "stopped", True)


def test_secrets_are_on_no_command_line_but_reach_the_ranks(ranks: Ranks) -> None:
    ranks.do("import os; print(os.environ['SECRET_OF_MINE'])", needs_kid=False)
    lines = " ".join(" ".join(process.cmdline()) for process in family(ranks.pool.pid))

    assert ranks.said(1) == "cauliflower\n"
    assert "akidlab.worker" in lines
    assert "cauliflower" not in lines
    assert ranks.pool.connection.client_secret not in lines


def test_a_module_that_was_edited_is_read_again(ranks: Ranks) -> None:
    module = ranks.pool.project / "mine.py"
    for answer in ("first", "second, longer"):
        module.write_text(f"answer = {answer!r}")
        ranks.do("import mine; print(mine.answer)", needs_kid=False)

        assert ranks.said(0) == f"{answer}\n"


def test_a_pool_of_this_project_is_found_again(ranks: Ranks, launcher: str) -> None:
    env = {"OMP_NUM_THREADS": "1", "SECRET_OF_MINE": "cauliflower"}
    again = ranks.pool.start(2, project=ranks.pool.project, launcher=launcher, env=env)
    found = type(ranks.pool).find(ranks.pool.project)

    assert {pool.pid for pool in [again, *found]} == {ranks.pool.pid}
    assert type(ranks.pool).find("/nowhere") == []
    for pool in [again, *found]:
        pool.close()


def test_a_cell_without_a_kid_says_how_to_end_it(ranks: Ranks) -> None:
    with pytest.raises(DispatchError, match=r"The cell made no Kid. End it with `kid = Kid\("):
        ranks.do("x = 1")


def test_several_kids_must_be_told_apart(ranks: Ranks) -> None:
    with pytest.raises(DispatchError, match="There are several kids: `kid`, `other`"):
        ranks.do(cell(1, "import copy\nother = Kid(kid.sensor, kid.brain, kid.kongfu, max_steps=1)"))
