"""What it costs to show a run: `python -m tests.benchmarks.widgets`.

In the kernel: processor time and bytes of a repaint, for scalars and for bands, of short and of long runs,
beside plotly's FigureWidget; the first sight of a long run; what twelve band charts that are followed cost a
training in the same process. In Chromium, with the module that is shipped and a dashboard behind it: a
repaint of 20,000 points, and the memory of both after 100,000 steps.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from akidlab.backends import svg
from akidlab.store import Run, Store
from akidlab.widgets import Dashboard
from akidlab.widgets.bands import bands
from akidlab.widgets.follower import Follower
from akidlab.widgets.questions import answer
from tests.benchmarks.streams import (
    SESSION,
    Cost,
    Line,
    Mirrored,
    Stream,
    cost,
    text_size,
    wires,
    within,
)  # fmt: skip

CHARTS, LENGTHS = (1, 12, 50), (1_000, 1_000_000)
TICK, MESSAGES = 20_000, 2  # bytes and messages of a tick
FIRST_SIGHT = 0.5  # seconds of the processor
TRAINING = 1.03  # a training that is followed, over one that is not
STEPS = 100  # from tick to tick


def scalars(stream: Stream, many: int, turns: int) -> Cost:
    """A tick of `many` curves."""
    follower = Follower(Mirrored(stream.run, many))
    follower.delta()

    def repaint() -> int:
        packet = follower.delta()
        content = {"data": {"method": "custom", "content": packet.content}}
        parts = SESSION.serialize(SESSION.msg("comm_msg", content=content))
        return sum(map(len, parts)) + sum(map(len, packet.buffers))

    return cost(repaint, lambda: stream.go_on(STEPS), turns)


def banded(stream: Stream, many: int, turns: int) -> Cost:
    """A repaint of `many` charts of bands that are followed, as the server answers it."""
    run = Mirrored(stream.run, many)
    has = {tag: [stream.step, 0] for tag in run.pulse().distributions}

    def repaint() -> int:
        said = answer(run, "bands", {"names": many, "tags": has, "points": 120}).plain
        for one in said["content"]["bands"]:  # type: ignore[index]
            has[one["tag"]] = [stream.step, 0]
        return text_size(said)

    return cost(repaint, lambda: stream.go_on(STEPS, looks=5), turns)


def figure_widget(steps: int, turns: int) -> Cost | None:
    """Twelve subplots of nine bands as plotly's FigureWidget, each given one more step.

    They show the last so many steps: the steps along the axis stay, and only the values are sent.
    """
    if importlib.util.find_spec("anywidget") is None:
        return None
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    x = np.arange(steps, dtype=np.float32)
    y = np.random.default_rng(0).normal(size=(108, steps + turns + 2)).astype(np.float32)
    figure = make_subplots(3, 4)
    for chart in range(12):
        for line in range(9):
            trace = go.Scatter(x=x, y=y[9 * chart + line, :steps])
            figure.add_trace(trace, row=chart // 4 + 1, col=chart % 4 + 1)
    with wires() as made:
        widget: Any = go.FigureWidget(figure)
        first = 0

        def go_on() -> None:
            nonlocal first
            first += 1

        def repaint() -> int:
            before = sum(wire.bytes for wire in made)
            with widget.batch_update():
                for place, trace in enumerate(widget.data):
                    trace.y = y[place, first : first + steps]
            return sum(wire.bytes for wire in made) - before

        found = cost(repaint, go_on, turns)
        widget.close()
    return found


def ticks(store: Store, turns: int) -> tuple[int, int, int]:
    """The most messages and bytes of a tick of fifty curves; the most bytes of an answer of twelve bands.

    All of it is followed from the first step on, so that the wholes which are sent at times are among them.
    """
    names = tuple(f"metric{i}" for i in range(10)) + tuple(f"norm/conv{i}" for i in range(40))
    tensors = tuple(f"weights/conv{i}" for i in range(12))
    stream = Stream(store, 0, "ticks", names, tensors)
    messages = size = most = 0
    has: dict[str, list[int]] = {}
    with wires() as made:
        dashboard = Dashboard(stream.run)
        widget = _widget(dashboard)
        for _ in range(turns):
            stream.go_on(STEPS, looks=5)
            sent, told = sum(wire.messages for wire in made), sum(wire.bytes for wire in made)
            dashboard._tick()
            messages = max(messages, sum(wire.messages for wire in made) - sent)
            size = max(size, sum(wire.bytes for wire in made) - told)
            said = answer(stream.run, "bands", {"names": 12, "tags": has, "points": 120}).plain
            most = max(most, text_size(said) if has else 0)  # the first is no tick
            has = {tag: [stream.step, 0] for tag in tensors}
        widget.close()
    stream.stop()
    return messages, size, most


def _widget(dashboard: Dashboard) -> Any:
    """Its widget, without the ticker: here it ticks when it is told to."""
    widget = dashboard.widget
    assert dashboard._ticker is not None
    dashboard._ticker.stop()
    return widget


def first_sight(run: Run) -> tuple[float, float]:
    """Processor seconds until a dashboard of a past run has all that its first paint needs; and kilobytes."""
    with wires() as made:
        begun = time.process_time()
        dashboard = Dashboard(Run(Store(run.store.path), run.id, run.uid))
        svg.picture(dashboard.run)
        widget = _widget(dashboard)
        dashboard._tick()
        widget._take({"kind": "sync"}, [])
        asked = {"names": 0, "tags": {tag: [None, 0] for tag in run.distributions()}, "points": 120}
        widget._take({"kind": "ask", "id": "1", "question": "bands", "asked": asked}, [])
        spent = time.process_time() - begun
        dashboard.close()
    return spent, sum(wire.bytes for wire in made) / 1000


def training(folder: Path, turns: int, seconds: float) -> float:
    """The median over turns of the time of a step while twelve charts of bands are followed, over without."""
    import torch

    from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
    from tests.benchmarks.loop import JOBS

    job, usual = JOBS[0], torch.get_num_threads()
    torch.set_num_threads(1)
    sensor = FeedSensor(ArraySource(job.data()), batch_size=job.batch_size)
    kid = Kid(sensor, job.brain(), MomentumKongFu(lr=0.01), max_steps=10**9, skip_validation=True,
              save_chk_point=False, device="cpu")  # fmt: skip
    kid.watch("weights", "biases", "gradients", "updates", "activations", every=10)
    run, paces = kid.open_run("bench", store=Store(folder)), {True: [], False: []}
    reader, begun, steps = _Reader(run), time.perf_counter(), 0

    def turn(kid: Any) -> None:
        nonlocal begun, steps
        steps += 1
        took = time.perf_counter() - begun
        if took >= seconds:
            paces[reader.follows].append(took / steps)
            if len(paces[True]) > turns:
                kid.controls.send("stop")
            reader.follows = not reader.follows
            begun, steps = time.perf_counter(), 0

    kid.hooks.on_batch_end.append(turn)
    with reader:
        kid.practice()
    kid.close_run()
    torch.set_num_threads(usual)
    pairs = list(zip(paces[True][1:], paces[False][1:], strict=False))
    return statistics.median(followed / alone for followed, alone in pairs)


class _Reader(threading.Thread):
    """Follows twelve charts of bands twice a second, in the process that trains."""

    def __init__(self, run: Run) -> None:
        super().__init__(daemon=True)
        self.run_, self.follows, self.over = (
            Run(Store(run.store.path), run.id, run.uid),
            False,
            threading.Event(),
        )
        self.read = 0

    def run(self) -> None:
        has: dict[str, list[int]] = {}
        while not self.over.wait(0.5):
            if self.follows:
                content, buffers = bands(self.run_, {"names": 0, "tags": has, "points": 120})
                text_size({"content": content, "buffers": [buffer.hex() for buffer in buffers]})
                self.read += len(content["bands"])  # type: ignore[arg-type]
                known = self.run_.pulse().distributions
                has = {tag: [known[tag].step or 0, 0] for tag in list(known)[:12]}

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def in_the_kernel(console: Console, store: Store, quick: bool) -> Iterator[Line]:
    """Repaints of short and of long runs, and the first sight of a long one."""
    turns, lengths = (5, (1_000, 50_000)) if quick else (30, LENGTHS)
    sizes: dict[tuple[str, int, int], Cost] = {}
    for length in lengths:
        stream = Stream(store, length, f"steps{length}")
        for many in CHARTS:
            for name, measure in (("curves", scalars), ("bands", banded)):
                found = sizes[name, many, length] = measure(stream, many, turns)
                what, took = (
                    f"{many} {name}, {length:,} steps",
                    f"{found.milliseconds:.2f} ms, {found.bytes:,.0f} B",
                )
                yield Line(what, took, f"≤ {TICK:,} B", found.bytes <= TICK)
        if length == lengths[-1]:
            stream.stop()
            spent, kilobytes = first_sight(stream.run)
            yield within(
                f"first sight of {length:,} steps, {kilobytes:,.0f} kB", spent, FIRST_SIGHT, " s", ".3f"
            )
        else:
            stream.stop()
    growth = max(
        sizes[name, many, lengths[1]].bytes / sizes[name, many, lengths[0]].bytes
        for name in ("curves", "bands")
        for many in CHARTS
    )
    yield within("bytes of a repaint, long run over short", growth, 1.1, digits=".2f")
    if rival := figure_widget(1_000, 3 if quick else 10):
        ours = sizes["bands", 12, 1_000]
        yield Line(
            "12 bands, 1,000 steps, by FigureWidget",
            f"{rival.milliseconds:.2f} ms, {rival.bytes:,.0f} B",
            f"(ours {ours.milliseconds:.2f} ms, {ours.bytes:,.0f} B)",
        )


def report(console: Console, quick: bool = False) -> bool:
    """Print what was found beside its limit; False if a promise was not kept."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs")
        lines += in_the_kernel(console, store, quick)
        messages, size, most = ticks(store, 20 if quick else 70)
        lines.append(within("50 curves, messages of a tick, at most", messages, MESSAGES))
        lines.append(within("50 curves, a tick, at most", size, TICK, " B"))
        lines.append(within("12 bands, an answer, at most", most, TICK, " B"))
        ratio = training(Path(folder) / "kid", *((3, 0.6) if quick else (12, 1.5)))
        lines.append(within("time of a step while 12 bands are followed", ratio, TRAINING, digits=".3f"))
        with _chromium() as page:
            if page is None:
                console.print("No Chromium: what it draws was not measured.")
            else:
                from tests.benchmarks import painting

                lines += painting.lines(page, store, quick)
        store.close()
    table = Table("a repaint of", "found", "limit", "", title="To show a run", title_justify="left")
    for line in lines:
        mark = "" if line.kept is None else "[green]kept[/]" if line.kept else "[red]missed[/]"
        table.add_row(line.what, line.found, line.limit, mark)
    console.print(table)
    return all(line.kept is not False for line in lines)


@contextmanager
def _chromium() -> Iterator[Any]:
    """A browser, None where there is none."""
    import os
    import shutil

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.widgets", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that it runs")
    return 0 if report(Console(), parser.parse_args(arguments).quick) else 1


if __name__ == "__main__":
    sys.exit(main())
