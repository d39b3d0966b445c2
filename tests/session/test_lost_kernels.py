"""A run outlives the kernel that began it, and another kernel takes it over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from jupyter_client.manager import KernelManager

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu, Pool, Run, Store, attach
from akidlab.errors import DispatchError
from akidlab.messages.command import ACTIONS
from akidlab.models.brains import OneLayerBrain
from tests.patience import PATIENCE, until

pytestmark = [pytest.mark.ranks, pytest.mark.timeout(300)]

STEPS = 600
CELL = """{magic} --name digits --background
import os, time
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(
    FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1),
    max_steps={steps}, val_log_step=200, save_chk_point=False,
)
kid.hooks.on_batch_end.append(lambda kid: os.path.exists("hurry") or time.sleep(0.1))
"""
VIEW = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """A real ipykernel in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager()
        self._manager.start_kernel(cwd=str(folder))
        self.pid: int = self._manager.provisioner.pid  # type: ignore[union-attr]
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(PATIENCE)
        self.run("%load_ext akidlab\nimport akidlab")

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell that goes well, and give the content of its outputs."""
        shown: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(
            code, timeout=PATIENCE, output_hook=lambda message: shown.append(message["content"])
        )
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"]["traceback"])
        return shown

    def value(self, code: str) -> str:
        """What a cell that prints one line prints."""
        return "".join(content.get("text", "") for content in self.run(f"print({code})")).strip()

    def kill(self) -> None:
        """As `kill -9` does it, from outside."""
        os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Kernel]]:
    """Starts kernels in the folder of the test; in the end nothing of them is left."""
    for name, value in {"OMP_NUM_THREADS": "1", "IPYTHONDIR": str(tmp_path / "ipython")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)
    started: list[Kernel] = []

    def start() -> Kernel:
        started.append(Kernel(tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.close()
    for pool in Pool.find(tmp_path):
        pool.stop()


def under_way() -> Run:
    """The run that was begun, once it has made some steps."""
    until(lambda: "digits" in Store().runs() and Store().run("digits").step > 5)
    return Store().run("digits")


def test_a_run_on_ranks_outlives_its_kernel_and_another_one_takes_it_over(
    kernel: Callable[[], Kernel], launcher: str, tmp_path: Path
) -> None:
    first = kernel()
    first.run(CELL.format(magic=f"%%akid_train -np 2 --launcher {launcher}", steps=STEPS))
    run = under_way()
    (pool,) = Pool.find(tmp_path)
    first.kill()
    killed = time.monotonic()
    second = kernel()
    until(lambda: time.monotonic() > killed + 6.0)  # an idle pool without a kernel would have left by now
    assert (run.status, pool.describe()["owners"], "digits" in second.value("akidlab.runs()")) == (
        "running",
        [],
        True,
    )

    shown = second.run("run = %akid_runs --attach\nrun")
    assert any(VIEW in content.get("data", {}) for content in shown)
    assert pool.describe()["owners"] == [second.pid]
    second.run("run.send('pause')")
    until(lambda: run.status == "paused")
    held = run.step + 3
    second.run("run.send('rate', 0.05); run.send('step', 3)")
    until(lambda: run.step == held and run.status == "paused")
    norm = "akidlab.ask('ip1.weight.norm()', 'digits')"
    assert second.value(f"abs(float(run.weights()['ip1.weight'].norm()) - {norm}) < 1e-5") == "True"
    assert (run.folder / f"step-{held}.safetensors").exists()
    (tmp_path / "hurry").touch()
    second.run("run.send('resume')")
    assert second.value("run.wait(60).status") == "finished"

    assert list(run.scalars("loss").steps) == list(range(1, STEPS + 1))
    acts = [event.kind for event in run.events() if event.kind in ACTIONS]
    assert acts == ["pause", "rate", "step", "save", "resume"]
    assert run.scalars("learning_rate").last == 0.05
    kid = Kid(
        FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1), max_steps=STEPS
    )
    assert attach("digits").load_into(kid).step == STEPS
    assert (pool.alive, set(pool.describe()["owners"])) == (True, {second.pid})
    pool.close()


def test_a_run_in_a_kernel_is_taken_over_by_nobody_but_its_last_checkpoint_is_there(
    kernel: Callable[[], Kernel],
) -> None:
    first = kernel()
    first.run(CELL.format(magic="%%akid_train", steps=10_000_000))
    run, attached = under_way(), attach()
    attached.send("pause")
    until(lambda: run.status == "paused")
    weights = attached.weights()
    first.kill()

    with pytest.raises(
        DispatchError, match=rf"`digits` was lost at step {run.step}: its process \({first.pid}\)"
    ):
        attached.wait(PATIENCE)
    left = attached.weights()
    assert left.keys() == weights.keys()
    assert all(torch.equal(left[name], weights[name]) for name in left)
