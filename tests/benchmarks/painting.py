"""The module of the widgets in a blank page of Chromium, and a dashboard behind it: how quick, how large."""

from __future__ import annotations

import gc
import statistics
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psutil

from akidlab.store import Store
from akidlab.widgets import Dashboard, assets
from tests.benchmarks.streams import Line, Stream, Wire, wires, within

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPAINT = 8.0  # milliseconds of 20,000 points
GROWTH = 3.0  # megabytes that a heap may differ by, before and after: a measurement has some noise
CURVES = (
    "loss",
    *(f"metric{i}" for i in range(4)),
    "learning_rate",
)  # each is drawn twice: as it is, and smooth
TENSORS = tuple(f"weights/conv{i}" for i in range(12))
STEPS = 100  # from tick to tick

# The page: times every frame, and what its canvases still had to do; a model that speaks to the Python here.
PAGE = """
async ([source, head, key]) => {
  const frame = window.requestAnimationFrame.bind(window);
  window.frames_ = [];
  window.requestAnimationFrame = draw => frame(at => {
    const begun = performance.now();
    draw(at);
    queueMicrotask(() => {
      const drawn = performance.now();
      if (window.finishes) {
        for (const canvas of document.querySelectorAll('canvas')) {
          if (canvas.width) canvas.getContext('2d').getImageData(0, 0, 1, 1);
        }
      }
      window.frames_.push([drawn - begun, performance.now() - begun]);
    });
  });
  const heard = new Set();
  const bytes = text => new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
  window.deliver = messages => messages.forEach(([content, buffers]) => {
    const given = buffers.map(bytes);
    heard.forEach(hear => hear(content, given));
  });
  const state = { head, _kind: 'dashboard', _key: key, _placed: false };
  const model = {
    get: name => state[name],
    send: content => void window.kernel(content).then(window.deliver),
    on: (name, hear) => name === 'msg:custom' && heard.add(hear),
    off: (name, hear) => heard.delete(hear),
  };
  const module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  module.initialize({ model });
  module.render({ model, el: document.getElementById('here') });
}
"""


class Shown:
    """A dashboard of a stream, shown in a page.

    Args:
        browser: a Chromium.
        stream: what is shown; it may go on.
        made: the comms of the widgets that are made now.
        points: how many observations of a distribution come whole, instead of what the page asks for.
    """

    def __init__(self, browser: Browser, stream: Stream, made: list[Wire], points: int = 0) -> None:
        self.stream, self.made, self.points, self.problems = stream, made, points, list[str]()
        self.dashboard = Dashboard(stream.run)
        self.widget: Any = self.dashboard.widget
        assert self.dashboard._ticker is not None
        self.dashboard._ticker.stop()
        self.page: Page = browser.new_page(viewport={"width": 1500, "height": 1100})
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.set_content("<div id=here style='width: 1200px'></div>")
        self.page.expose_function("kernel", self._kernel)
        self.page.evaluate(PAGE, [assets.source().decode(), self.widget.head, self.widget._key])
        self.tick()

    def tick(self) -> None:
        """A tick of the dashboard; back when the page has drawn it."""
        self.dashboard._tick()
        drawn = self.page.evaluate("() => window.frames_.length")
        self.page.evaluate("messages => window.deliver(messages)", self._messages())
        self.page.wait_for_function("drawn => window.frames_.length > drawn", arg=drawn, polling=5)

    def frames(self, ticks: int, *, finishes: bool) -> tuple[float, float]:
        """Median milliseconds of a frame: of the script, and until its canvases are painted."""
        self.page.evaluate("finishes => { window.finishes = finishes; window.frames_ = []; }", finishes)
        for _ in range(ticks):
            self.stream.go_on(10)
            self.tick()
        found = self.page.evaluate("() => window.frames_")
        assert len(found) <= 1.2 * ticks + 3, f"{len(found)} frames of {ticks} ticks"
        script, painted = zip(*found[2:], strict=True)
        return statistics.median(script), statistics.median(painted)

    def heap(self) -> float:
        """Megabytes that the page holds, after its garbage was collected."""
        session = self.page.context.new_cdp_session(self.page)
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        used = session.send("Runtime.getHeapUsage")["usedSize"]
        session.detach()
        return used / 1e6

    def show(self, tab: str) -> None:
        """Show a tab."""
        self.page.get_by_role("tab", name=tab).click()

    def close(self) -> None:
        """Take the page away."""
        self.page.close()
        self.dashboard.close()

    def _kernel(self, content: dict[str, Any]) -> list[list[Any]]:
        if self.points and content.get("question") == "bands":
            content["asked"]["points"] = self.points
        self.widget._take(content, [])
        return self._messages()

    def _messages(self) -> list[list[Any]]:
        found = []
        for wire in self.made:
            sent, wire.sent = wire.sent, []
            for data, buffers in sent:
                if data.get("method") == "custom":
                    found.append([data["content"], [b64encode(one).decode() for one in buffers]])
        return found


def lines(browser: Browser, store: Store, quick: bool) -> Iterator[Line]:
    """What is drawn at once and how long that takes; what a long run leaves in memory."""
    yield from repaints(browser, store, 6 if quick else 40)
    yield from memory(browser, store, 2_000 if quick else 100_000)


def repaints(browser: Browser, store: Store, ticks: int) -> Iterator[Line]:
    """A frame of curves and one of bands."""
    stream = Stream(store, 20_000, "painted", CURVES, TENSORS)
    with wires() as made:
        shown = Shown(browser, stream, made, points=190)
        shown.page.wait_for_function(
            "() => [...document.querySelectorAll('[data-chart]')].every(one => one.dataset.points > 1600)",
            polling=50,
        )
        yield from _frames(shown, f"{len(CURVES)} charts of curves", ("[data-chart]", 2), ticks)
        shown.show("Distributions")
        js = "() => document.querySelectorAll('.akid-bands-card').length === 12 &&"
        js += "[...document.querySelectorAll('.akid-bands-card')].every(one => one.dataset.points > 90)"
        shown.page.wait_for_function(js, polling=50)
        yield from _frames(shown, f"{len(TENSORS)} charts of bands", (".akid-bands-card", 9), ticks)
        assert not shown.problems, shown.problems
        shown.close()
    stream.stop()


def _frames(shown: Shown, what: str, charts: tuple[str, int], ticks: int) -> Iterator[Line]:
    script, _ = shown.frames(ticks, finishes=False)
    _, painted = shown.frames(ticks, finishes=True)
    js = "([charts, lines]) => [...document.querySelectorAll(charts)]"
    js += ".reduce((sum, one) => sum + lines * one.dataset.points, 0)"
    drawn = shown.page.evaluate(js, list(charts))
    yield within(f"{what}, {drawn:,} points", script, REPAINT, " ms", ".2f")
    yield Line("... and read back, without a graphics card", f"{painted:.2f} ms")


def memory(browser: Browser, store: Store, steps: int) -> Iterator[Line]:
    """The heap of the page and the memory of the kernel before and after so many steps."""
    stream, process = Stream(store, 30_000, "long", CURVES, TENSORS), psutil.Process()
    with wires() as made:
        shown = Shown(browser, stream, made)
        shown.show("Distributions")

        def go_on(many: int) -> tuple[float, float]:
            for _ in range(many // STEPS):
                stream.go_on(STEPS, looks=5)
                shown.tick()
            gc.collect()
            return shown.heap(), process.memory_info().rss / 1e6

        before = go_on(min(20_000, steps))
        after = go_on(steps)
        assert not shown.problems, shown.problems
        shown.close()
    stream.stop()
    for what, first, last in zip(("the page's heap", "the kernel's memory"), before, after, strict=True):
        yield Line(
            f"{what}, {steps:,} steps more",
            f"{first:.1f} to {last:.1f} MB",
            f"≤ {GROWTH:g} MB more",
            last - first <= GROWTH,
        )
