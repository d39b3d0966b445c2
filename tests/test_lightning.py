"""Lightning's Trainer fits, and a callback watches."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

from akidlab.messages import Command
from akidlab.store import runs

lightning = pytest.importorskip("lightning.pytorch")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def batches(size: int = 4) -> torch.utils.data.DataLoader:
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    return torch.utils.data.DataLoader([*zip(x, y, strict=True)], batch_size=size)


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = network()

    def training_step(self, batch, index):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture
def fit(tmp_path):
    """Fits a module that is watched, and gives the callback."""

    def fit(module, data, *topics, callback=None, watch=None, **options):
        from akidlab.lightning import WatchCallback

        callback = callback or WatchCallback(*topics, **(watch or {}))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's own
            trainer = lightning.Trainer(
                callbacks=[callback], logger=False, enable_checkpointing=False, accelerator="cpu",
                enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path, **options,
            )  # fmt: skip
            trainer.fit(module, data)
        return callback

    return fit


def test_a_fit_is_a_run(fit):
    run = fit(Module(), batches(), watch={"every": 5, "name": "lightning"}, max_epochs=3).run

    assert (run.name, run.status, run.step, run.epoch) == ("lightning", "finished", 12, 3)
    assert len(run.scalars("loss")) == 12
    assert "activations/net/linear0" in run.distributions()


def test_batches_that_lightning_gathers_are_one_step(fit):
    class Counting(Module):
        def training_step(self, batch, index):
            return self.net(batch[0]).sum() * 0 + index + 1.0

    run = fit(Counting(), batches(2), "gradients", max_epochs=1, accumulate_grad_batches=2).run

    losses = run.scalars("loss")
    assert (losses.steps.tolist(), losses.values.tolist()) == ([1, 2, 3, 4], [1.5, 3.5, 5.5, 7.5])


def test_the_scaler_of_mixed_precision_is_found(fit):
    from lightning.pytorch.plugins import MixedPrecision

    scaler, scalers = torch.amp.GradScaler("cpu"), []

    class Looking(Module):
        def on_train_batch_end(self, *given):
            scalers.append(callback.watching.watch.exporter.scaler)

    from akidlab.lightning import WatchCallback

    callback = WatchCallback("gradients")
    plugin = MixedPrecision("bf16-mixed", "cpu")
    plugin.scaler = scaler
    fit(Looking(), batches(), callback=callback, plugins=plugin, max_steps=1)

    assert scalers == [scaler]


class GAN(lightning.LightningModule):
    """Two optimisers, by hand."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.judge = nn.Linear(2, 6), nn.Linear(6, 1)

    def training_step(self, batch, index):
        of_generator, of_judge = self.optimizers()
        made = self.generator(torch.randn(len(batch[0]), 2))
        self.descend(of_judge, (self.judge(batch[0]) - self.judge(made.detach())).square().mean())
        self.descend(of_generator, loss := self.judge(made).square().mean())
        self.log("judged", loss)

    def descend(self, optimizer, loss):
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.SGD(part.parameters(), 0.01) for part in (self.generator, self.judge)]


def test_of_several_optimizers_the_first_makes_the_steps_and_there_is_no_false_alarm(fit):
    run = fit(GAN(), batches(), watch={"every": 1}, max_epochs=4).run

    assert (run.status, run.step) == ("finished", 16)
    assert list(run.scalars("judged").steps) == list(range(1, 17))
    assert {"weights/generator", "weights/judge"} <= set(run.distributions())
    assert [finding.data["text"] for finding in run.findings()] == []


def test_a_rank_that_is_not_the_first_watches_nothing(fit, monkeypatch):
    monkeypatch.setattr("lightning.pytorch.Trainer.is_global_zero", False)

    callback = fit(Module(), batches(), max_epochs=1)

    assert (callback.watching, callback.run, len(runs())) == (None, None, 0)


def test_of_several_ranks_single_steps_end_where_they_should(fit, monkeypatch):
    monkeypatch.setattr("lightning.pytorch.Trainer.world_size", 2)  # which one strategy, alone, agrees on
    from akidlab.lightning import WatchCallback

    callback, waited = WatchCallback(every=10), []

    class Asking(Module):
        def training_step(self, batch, index):
            watching = callback.watching
            if self.global_step == index == 0:
                watching.controls.send("step", 3)
                monkeypatch.setattr(watching.controls, "wait", wait)
            return super().training_step(batch, index)

    def wait(seconds):
        waited.append(callback.watching.step)
        return [Command("resume")]

    fit(Asking(), batches(2), callback=callback, max_epochs=4, accumulate_grad_batches=2)

    assert waited == [8]  # asked for after ten batches, five steps


JOB = """
import json, sys, threading, time
import torch
from lightning.pytorch import LightningModule, Trainer
from akidlab.lightning import WatchCallback

callback = WatchCallback(every=5, name="ddp")

class Module(LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(6, 3)

    def training_step(self, batch, index):
        asked = {4: ("rate", 0.01), 9: ("pause", None), 14: ("stop", None)}.get(self.global_step)
        if asked and self.trainer.is_global_zero:
            callback.watching.controls.send(*asked)
            if asked[0] == "pause":
                threading.Thread(target=resume, daemon=True).start()
        return self.net(batch).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

    def on_fit_end(self):
        rate = self.optimizers().param_groups[0]["lr"]
        weights = self.net.weight.detach().flatten().tolist()
        mine = (self.global_step, rate, callback.run and callback.run.name, weights)
        with open(f"{sys.argv[1]}/{self.global_rank}", "w") as file:
            json.dump(mine, file)

def resume():
    while callback.watching.run.status != "paused":
        time.sleep(0.01)
    callback.watching.controls.send("resume")

if __name__ == "__main__":
    trainer = Trainer(
        devices=2, accelerator="cpu", strategy="ddp_fork", max_epochs=2, callbacks=[callback], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(torch.randn(40, 6), batch_size=1))
"""


@pytest.mark.ranks
def test_over_two_processes_the_first_records_and_both_do_what_is_asked(tmp_path):
    (tmp_path / "job.py").write_text(JOB)

    subprocess.run([sys.executable, "job.py", str(tmp_path)], cwd=tmp_path, check=True, timeout=120)

    first, second = (json.loads((tmp_path / str(rank)).read_text()) for rank in range(2))
    (run,) = runs()
    assert (first[:3], second[:3]) == ([15, 0.01, "ddp"], [15, 0.01, None])
    assert first[3] == second[3]
    assert (run.status, len(run.scalars("loss"))) == ("stopped", 15)
    asked = [(event.kind, event.step) for event in run.events() if event.kind != "epoch"]
    assert asked == [
        ("rate", 5), ("pause", 10), ("resume", 10), ("stop", 15)
    ]  # fmt: skip
