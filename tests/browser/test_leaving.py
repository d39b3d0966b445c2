"""What is closed leaves nothing in the page: no observer, no listener, no timer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab import Notebook
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Notebook]

# Keeps what the module of the widgets begins and does not end.
TAP = """() => {
  const alive = (window.akidAlive = new Map());
  const ours = () => new Error().stack.match(/widgets\\.js.*/g)?.slice(0, 3).join();
  for (const name of ['ResizeObserver', 'IntersectionObserver', 'MutationObserver']) {
    const { observe, disconnect } = window[name].prototype;
    Object.assign(window[name].prototype, {
      observe(...args) {
        const at = !args[1]?.attributes && ours(); // one watches the theme, for all that ever come
        at && alive.set(this, `${name} ${at}`);
        return observe.apply(this, args);
      },
      disconnect() {
        alive.delete(this);
        return disconnect.apply(this);
      }
    });
  }
  for (const target of [window, document, document.body]) {
    const { addEventListener, removeEventListener } = target;
    target.addEventListener = function (type, slot, options) {
      const at = ours();
      at && alive.set(slot, `${type} ${at}`);
      return addEventListener.call(this, type, slot, options);
    };
    target.removeEventListener = function (type, slot, options) {
      alive.delete(slot);
      return removeEventListener.call(this, type, slot, options);
    };
  }
  const { setTimeout, clearTimeout } = window;
  window.akidTimers = 0;
  window.setTimeout = (slot, ...rest) => {
    const at = ours();
    const id = setTimeout((...args) => (alive.delete(`timer ${id}`), slot(...args)), ...rest);
    at && (window.akidTimers++, alive.set(`timer ${id}`, `timer ${at}`));
    return id;
  };
  window.clearTimeout = id => (alive.delete(`timer ${id}`), clearTimeout(id));
}"""
MAKE = """
import akidlab
from akidlab import *
from akidlab.widgets import Dashboard
from akidlab.widgets.graph import GraphView
from akidlab.models.brains import OneLayerBrain
hand = Hand('leaves', steps=300, pace=0, layers=3, tensors=3, ranks=2)
hand.train()
kids = [Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(lr), max_steps=5) for lr in (.1, .01)]
for kid in kids:
    kid.practice()
boards = [Dashboard(hand.run), akidlab.compare(*kids), Observer(kids[0]).explore()]
boards += [Brain(name='new').edit((4,)), GraphView(kids[0].brain)]
"""
CLOSE = "for board in boards: board.close()"


def left(page: Page) -> list[str]:
    """What goes on, and where it was begun."""
    told = page.evaluate("() => [...window.akidAlive.values()]")
    return [what for what in told if not what.startswith(("scroll", "dppxchange"))]  # uPlot's, once for all


def tabs(page: Page, of: str) -> None:
    """Show all tabs of a widget, one after the other."""
    heads = page.locator(of).get_by_role("tab")
    for at in range(heads.count()):
        if heads.nth(at).is_visible():
            heads.nth(at).click()
            expect(heads.nth(at)).to_have_attribute("aria-selected", "true")
            page.wait_for_timeout(100)


def test_a_widget_that_is_closed_leaves_nothing(notebook: Open) -> None:
    shows = [f"boards[{at}]" for at in range(5)]
    book = notebook("leaves", MAKE, *shows, CLOSE)
    page = book.page
    page.evaluate(TAP)
    for _ in range(2 + len(shows)):
        book.do("notebook:run-cell-and-select-next")
    for seen in (
        "[data-chart=loss] canvas", ".akid-compare canvas", ".akid-explorer [data-picture=conv1] canvas",
        ".akid-builder .akid-kind", ".akid-graph-widget [data-node=conv1]",
    ):  # fmt: skip
        expect(page.locator(seen).first).to_be_visible()
    tabs(page, ".akid-dash[aria-label^='Dashboard']")
    tabs(page, ".akid-compare")
    assert len(left(page)) > 10

    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 7")
    book.do("notebook:run-cell")  # which closes them
    expect(page.locator(".akid-dash")).to_have_count(0)
    for _ in range(200):
        if not left(page):
            break
        page.wait_for_timeout(100)
    begun = page.evaluate("() => window.akidTimers")
    page.wait_for_timeout(3000)
    assert page.evaluate("() => window.akidTimers") == begun
    assert left(page) == []
    assert book.problems == []
