"""One JupyterLab and one Chromium for all tests of a session; a page of its own for each test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from lab import CHROMIUM, PATIENCE, Lab, Notebook  # noqa: E402  # playwright may be absent

playwright.expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("Chromium is not installed: apt-get install chromium, or set CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def notebook(lab: Lab, browser: object) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook of the given cells; they may use `Hand`."""
    opened: list[Notebook] = []

    def open_(name: str, *cells: str, **options: float) -> Notebook:
        opened.append(Notebook(lab, browser, name, "from hand import Hand", *cells, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for book in opened:
        book.close()
