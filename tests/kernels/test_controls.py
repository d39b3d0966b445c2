"""The buttons work while a cell trains, and what it prints is its own, on every ipykernel."""

from __future__ import annotations

import re
import time

from akidlab import Run, runs
from tests.kernels.jupyter import Cell, Kernel
from tests.patience import until


def press(kernel: Kernel, run: Run, action: str, value: float | None = None) -> None:
    """A button of the dashboard: it goes to the Jupyter server, whatever the kernel is doing."""
    body = {"action": action, "value": value, "id": f"{action}{time.monotonic()}"}
    kernel.server.ask(f"akidlab/api/runs/{run.uid}/commands", body)


def training(kernel: Kernel, name: str, options: str = "") -> tuple[Cell, Run]:
    """A cell that trains, and its run once it has made steps."""
    cell = kernel.send(f"%%akid_train --name {name} {options}\nkid = make()")
    until(lambda: cell.reply is not None or (name in runs() and runs()[name].step > 0))
    assert cell.reply is None or options, cell.reply
    return cell, runs()[name]


def test_pause_rate_step_resume_and_stop_reach_a_busy_kernel(kernel: Kernel) -> None:
    cell, run = training(kernel, f"busy-{kernel.id}")
    press(kernel, run, "pause")
    until(lambda: run.status == "paused")
    at = run.step
    press(kernel, run, "rate", 0.5)
    until(lambda: run.events("rate"))
    press(kernel, run, "step", 3)
    until(lambda: run.step == at + 3 and run.status == "paused")
    press(kernel, run, "resume")
    until(lambda: run.step > at + 20)
    assert cell.reply is None
    press(kernel, run, "stop")
    cell.well()

    assert run.status == "stopped"
    assert run.scalars("learning_rate").last == 0.5
    acts = [event.kind for event in run.events() if event.kind in ("pause", "rate", "step", "resume", "stop")]
    assert acts == ["pause", "rate", "step", "resume", "stop"]
    assert re.search(r"hook at \d+", cell.printed)
    assert "stopped" in cell.printed


def test_the_notebook_keeps_a_picture_that_needs_no_kernel(kernel: Kernel) -> None:
    cell = kernel.run(f"%%akid_train --name still-{kernel.id}\nkid = make(max_steps=30)")
    (shown,) = cell.of("display_data")
    until(lambda: cell.of("update_display_data"))
    left = cell.of("update_display_data")[-1]["content"]

    assert "application/vnd.jupyter.widget-view+json" in shown["content"]["data"]
    assert left["transient"] == shown["content"]["transient"]
    assert {"image/svg+xml", "text/plain"} < set(left["data"])
    assert "application/vnd.jupyter.widget-view+json" not in left["data"]


def test_an_interrupt_stops_the_training_and_the_cell_is_done_without_an_error(kernel: Kernel) -> None:
    cell, run = training(kernel, f"interrupted-{kernel.id}")
    kernel.interrupt()
    cell.well()

    assert run.status == "stopped"
    assert "train it again and it goes on" in cell.printed
    assert kernel.run("print(kid.validate()[0] > 0)").printed == "True\n"


def test_what_a_training_in_the_background_prints_stays_with_its_cell(kernel: Kernel) -> None:
    cell, run = training(kernel, f"background-{kernel.id}", "--background")
    cell.well()
    before = len(re.findall("hook at", cell.printed))
    other = kernel.run("at = kid.step\nwhile kid.step < at + 20:\n    time.sleep(0.01)\nprint('other')")
    until(lambda: len(re.findall("hook at", cell.printed)) > before)
    press(kernel, run, "stop")
    until(lambda: run.status == "stopped")

    assert other.printed == "other\n"


def test_the_kernel_completes_options_kids_and_runs(kernel: Kernel) -> None:
    kernel.run(f"%%akid_train --name done-{kernel.id} --no-dashboard\nkid = make(max_steps=3)")

    assert kernel.complete("%akid_train --st") == ["--steps"]
    assert kernel.complete("%%akid_train ki") == ["kid"]
    assert kernel.complete(f"%akid_train --resume done-{kernel.id[:8]}") == [f"done-{kernel.id}"]
