"""The engine of `torch.distributed`: what ranks say to each other, and how they end when one is gone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from akidlab.dispatch.torch_launcher import TorchLauncher

pytestmark = pytest.mark.ranks

BEGIN = """
import json, os, sys, time
import torch
from akidlab import engines
from akidlab.errors import DispatchError
from akidlab.messages import Command
torch.set_num_threads(1)
engine = engines.get("torch", device="cpu")
rank = engine.rank
def tell(**facts):
    print(json.dumps(facts), flush=True)
"""


def said(source: str, size: int = 2, status: int = 0) -> list[dict[str, Any]]:
    """What each rank tells that runs `source`."""
    command = TorchLauncher().command(size, ["-c", BEGIN + source])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    found = re.findall(r"\[(\d)\]<stdout>:(\{.*)", done.stdout)
    return [json.loads(text) for _, text in sorted(found)]


TALK = """
import psutil
from akidlab.engines.seal import Seal
gradients = [torch.full((3,), 3.0 * rank), torch.full((300, 300), 6.0 * rank)]
loss, flag = engine.average(gradients, torch.tensor(1.5 * rank), rank == 2)
means = [torch.full((2,), float(rank)), torch.tensor([rank])]
engine.average_tensors(means)
brain = torch.nn.BatchNorm1d(2).requires_grad_(False)
brain.weight.fill_(rank + 1.0)
brain.num_batches_tracked.fill_(rank + 5)
engine.setup(brain, None)
engine.barrier()
same = dict(
    mean=[g.unique().tolist() for g in gradients], loss=float(loss), flag=flag,
    flags=engine.any(rank == 1, False), sum=engine.sum({"b": rank, "a": 0.5}), none=engine.sum({}),
    broadcast=engine.broadcast(["x" * 5000 * rank, rank], root=2)[1],
    gather=engine.gather({"rank": rank}),
    long=[len(text) for text in engine.gather("y" * 3000 * rank)],
    agree=[c.value for c in engine.agree([Command("rate", rank / 4)] * rank)],
    brain=[brain.weight.tolist(), int(brain.num_batches_tracked)],
)
addresses = sorted({c.laddr.ip for c in psutil.Process().net_connections()})

ours = engine.joined.seal
if rank == 1:
    engine.joined.seal = Seal(b"not the key of these ranks")
try:
    forged = engine.gather("x")
except DispatchError as error:
    forged = str(error)
engine.joined.seal = ours

settled = [engine.settle(30.0)]
engine.joined.count += rank == 1  # as if one had begun something more
settled.append(engine.settle(30.0))
engine.joined.count -= rank == 1
settled.append(engine.settle(30.0))
if rank == 0:
    engine._add_up(torch.ones(2))  # and waits for what the others never do
settled.append(engine.settle(1.0))
tell(
    rank=[rank, engine.size, str(engine.device)], averaged=[m.tolist() for m in means], same=same,
    addresses=addresses, forged=forged, settled=settled,
)
os._exit(0)
"""


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """What three ranks tell that talk to each other."""
    return said(TALK, size=3)


def test_three_ranks_agree_in_all_that_an_engine_does(told: list[dict[str, Any]]) -> None:
    assert [one["rank"] for one in told] == [[0, 3, "cpu"], [1, 3, "cpu"], [2, 3, "cpu"]]
    assert [one["averaged"] for one in told] == [[[1.0, 1.0], [rank]] for rank in range(3)]
    assert [one["same"] for one in told] == [
        {
            "mean": [[3.0], [6.0]],
            "loss": 1.5,
            "flag": True,
            "flags": [True, False],
            "sum": {"a": 1.5, "b": 3.0},
            "none": {},
            "broadcast": 2,
            "gather": [{"rank": 0}, {"rank": 1}, {"rank": 2}],
            "long": [0, 3000, 6000],
            "agree": [0.25, 0.5, 0.5],
            "brain": [[1.0, 1.0], 5],
        }
    ] * 3


def test_ranks_settle_only_where_all_have_done_the_same(told: list[dict[str, Any]]) -> None:
    assert [one["settled"] for one in told] == [[True, False, True, False]] * 3


def test_ranks_talk_on_loopback_alone(told: list[dict[str, Any]]) -> None:
    assert [one["addresses"] for one in told] == [["127.0.0.1"]] * 3


def test_an_object_that_a_stranger_signed_is_not_opened(told: list[dict[str, Any]]) -> None:
    assert [one["forged"].partition(",")[0] for one in told] == [
        "What arrived from another rank was not sent by it"
    ] * 3


def test_a_rank_whose_partner_is_gone_says_so_and_that_is_never_the_cause() -> None:
    told = said(
        """
engine.barrier()
if rank == 1:
    os._exit(0)
try:
    while True:
        engine.average([torch.ones(5)], torch.ones(()), False)
except DispatchError as error:
    tell(kind=type(error).__name__, text=str(error)[:23], settled=engine.settle(1.0))
os._exit(0)
"""
    )

    assert told == [{"kind": "LostRankError", "text": "Rank 0 lost the others:", "settled": False}]


def test_alone_it_is_one_rank_that_nobody_outside_hears() -> None:
    source = """
import psutil
kept = engine.gather(3), engine.broadcast("x"), engine.sum({"a": 1}), engine.any(True)
loss, flag = engine.average([torch.ones(2)], torch.tensor(2.0), True)
tell(rank=rank, size=engine.size, kept=kept, loss=float(loss), flag=flag,
     addresses=sorted({c.laddr.ip for c in psutil.Process().net_connections()}),
     names=[name for name in os.environ if "IFNAME" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + source], capture_output=True, text=True, timeout=120, check=True
    )

    assert json.loads(done.stdout) == {
        "rank": 0,
        "size": 1,
        "kept": [[3], "x", {"a": 1.0}, [True]],
        "loss": 2.0,
        "flag": True,
        "addresses": ["127.0.0.1"],
        "names": [],
    }


def test_a_script_under_torchrun_is_a_rank_as_well(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(BEGIN + "tell(sum=engine.sum({'rank': rank})['rank'], gather=engine.gather(rank))\n")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, str(script)], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in re.findall(r"\{[^{}]*\}", done.stdout)] == [
        {"sum": 1.0, "gather": [0, 1]}
    ] * 2


PARTING = """
import atexit
from pathlib import Path
def left():
    return sum("gloo" in task.read_text() for task in Path("/proc/self/task").glob("*/comm"))
from akidlab.engines import joining
atexit.register(lambda: tell(before=before, after=left()))
atexit.unregister(joining._part_together)
atexit.register(joining._part_together, engine.joined)
before = left()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have names in /proc")
def test_no_thread_of_gloo_outlives_python():
    for facts in said(PARTING):
        assert facts["before"] > facts["after"] == 0
