"""Two real ranks do what one process does, whatever started them and whatever carries their gradients."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from akidlab.dispatch.launcher import launcher as find_launcher
from akidlab.store import Store

pytestmark = pytest.mark.ranks

RANKS = Path(__file__).with_name("ranks.py")


@pytest.fixture(scope="module")
def folder(launcher: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(launcher)


@pytest.fixture(scope="module")
def ranks(launcher: str, folder: Path) -> list[dict[str, Any]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "AKID_RUNS": str(folder / "runs")}
    command = find_launcher(launcher).command(2, [str(RANKS), str(folder), launcher])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def alone() -> Any:
    spec = importlib.util.spec_from_file_location("ranks_alone", RANKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", ["plain", "clipped", "accumulated", "adam", "decay", "edited", "hundred"])
def test_two_ranks_follow_the_trajectory_of_one_process(ranks, alone, case):
    wanted = alone.outcome(alone.make("single", case))

    for rank in ranks:
        assert rank[case]["losses"] == pytest.approx(wanted["losses"], abs=1e-5)
        assert rank[case]["weights"] == pytest.approx(wanted["weights"], abs=1e-5)


def test_the_same_run_twice_is_bit_identical(ranks):
    assert len(ranks[0]["hundred"]["losses"]) == 100
    for rank in ranks:
        assert rank["again"] == rank["hundred"]


def test_whatever_carries_the_gradients_the_bits_are_the_same(ranks, launcher):
    for rank in ranks:
        shared, own = rank["by shared"], rank[f"by {launcher}"]
        assert (shared.pop("path")[:6], own.pop("path")) == ("shared", launcher)
        assert shared == own == rank["hundred"]


def test_sparse_gradients_and_those_of_half_the_precision_are_averaged(ranks, alone, launcher):
    expected = alone.kinds("single")

    for rank in ranks:
        for found in (rank["kinds"], rank["kinds by shared"], rank[f"kinds by {launcher}"]):
            assert found == [pytest.approx(values, abs=0.02) for values in expected]


def test_a_loop_of_ones_own_steps_by_the_gradients_of_all_ranks(ranks):
    one, other = (rank["own loop"] for rank in ranks)
    torch.manual_seed(0)
    model = torch.nn.Linear(6, 3)
    assert one["began"] == other["began"] == model.weight.tolist()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(10, 6, generator=generator), torch.randint(0, 3, (10,), generator=generator)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    assert one == other
    assert torch.tensor(one["ended"]).allclose(model.weight, atol=1e-6)
    assert one["error"].startswith("This optimizer was asked to step by a closure")


@pytest.mark.parametrize("case", ["plain", "adam"])
def test_a_validation_over_two_ranks_is_that_of_one_process(ranks, alone, case):
    wanted = alone.outcome(alone.make("single", case))

    for rank in ranks:
        assert rank[case]["validations"] == pytest.approx(wanted["validations"], abs=1e-5)
        assert rank[case]["evals"] == pytest.approx(wanted["evals"], abs=1e-6)


@pytest.mark.parametrize(
    "case", ["plain", "clipped", "accumulated", "adam", "decay", "dropout", "norm", "edited", "different"]
)
def test_ranks_end_with_the_same_weights_and_running_means(ranks, case):
    assert ranks[0][case]["weights"] == ranks[1][case]["weights"]


def test_a_command_to_one_rank_is_obeyed_by_all_at_the_same_step(ranks):
    assert ranks[0]["commands"]["events"] == ranks[1]["commands"]["events"]
    assert ranks[0]["commands"]["events"] == [
        ["rate", 6, 0.05],
        ["pause", 21, None],
        ["resume", 21, None],
        ["stop", 34, None],
    ]
    assert ranks[0]["commands"]["step"] == ranks[1]["commands"]["step"] == 34


def test_resumed_ranks_go_on_bit_for_bit(ranks):
    for rank in ranks:
        assert rank["resumed"]["weights"] == rank["dropout"]["weights"]
        assert rank["resumed"]["losses"] == rank["dropout"]["losses"][13:]


def test_ranks_that_a_script_starts_are_one_run(ranks, folder):
    run = Store(folder / "runs").run("recorded")

    assert [rank["recorded"]["step"] for rank in ranks] == [25, 25]
    assert (run.status, run.world_size, len(run.scalars("loss"))) == ("finished", 2, 25)
    assert (run.folder / "step-25.safetensors").exists()


def test_rank_0_dumps_a_checkpoint_without_asking_the_others(ranks):
    assert ranks[0]["dumped"] > 0


@pytest.mark.parametrize(("when", "step"), [("on_batch_end", 7), ("on_val_log_step", 8)])
def test_an_early_stop_on_one_rank_stops_all_at_the_same_step(ranks, when, step):
    ended = [(rank[f"ended {when}"]["step"], rank[f"ended {when}"]["loss"]) for rank in ranks]

    assert ended == [(step, 0.125), (step, 0.125)]
