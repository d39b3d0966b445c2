"""A real JupyterLab, and a notebook open in it in Chromium."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.serving import port_of

# How quick it is is for the benchmarks, on a machine that does nothing else.
PATIENCE = 60_000  # ms
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# What JupyterLab says about itself; and a failed request, which is itself looked at.
_NOT_OURS = (
    "favicon",
    "jupyterlab_news",
    "/lab/api/news",
    "LSP",
    "lsp",
    "ResizeObserver",
    "Failed to load resource",
)
_NORMAL_404 = ("/api/workspaces", "/lab/api/workspaces")
_STATUS = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"


class Lab:
    """JupyterLab as a process, with folders of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = secrets.token_hex(8)
        private = {
            "AKID_RUNS": root / "akid_runs",
            "AKIDLAB_RUNTIME": root / "runtime",
            "HOME": root / "home",
            "JUPYTER_CONFIG_DIR": root / "config",
            "JUPYTER_RUNTIME_DIR": root / "jupyter",
            "JUPYTERLAB_WORKSPACES_DIR": root / "workspaces",
            "JUPYTERLAB_SETTINGS_DIR": root / "settings",
            "IPYTHONDIR": root / "ipython",
        }
        (root / "home").mkdir()
        self.env = os.environ | {name: str(path) for name, path in private.items()}
        self.env |= {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
        self.env.pop("AKIDLAB_QUIET", None)
        news = root / "settings" / "@jupyterlab" / "apputils-extension"
        news.mkdir(parents=True)
        (news / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}'
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0"]
        command += [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"]
        command += ["--allow-root", "--expose-app-in-browser"]
        self.log = (self.root / "server.log").open("w")
        self.process = subprocess.Popen(
            command, cwd=self.root, env=self.env, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.address = f"http://127.0.0.1:{port_of(self.process, self.root)}"
        urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=60).close()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Notebook:
    """A notebook open in JupyterLab."""

    def __init__(
        self, lab: Lab, browser: Browser, name: str, *cells: str, width: int = 1500, scale: float = 1
    ) -> None:
        self.lab, self.path = lab, lab.root / f"{name}.ipynb"
        self.path.write_text(json.dumps(_notebook(cells)))
        self._open(browser, width, scale)

    @classmethod
    def of(cls, lab: Lab, browser: Browser, source: Path, width: int = 1500) -> Notebook:
        """A copy of a notebook that lies elsewhere."""
        self = cls.__new__(cls)
        self.lab, self.path = lab, lab.root / source.name
        shutil.copy(source, self.path)
        self._open(browser, width)
        return self

    def _open(self, browser: Browser, width: int, scale: float = 1) -> None:
        self.problems: list[str] = []
        size: Any = {"width": width, "height": 1000}
        self.page: Page = browser.new_page(viewport=size, device_scale_factor=scale)
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("response", self._see)
        self.page.goto(
            f"{self.lab.address}/lab/workspaces/{self.path.stem}/tree/{self.path.name}?token={self.lab.token}"
        )
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=3 * PATIENCE)
        self.page.wait_for_function(f"() => {_STATUS} === 'idle'", timeout=2 * PATIENCE)

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not any(word in message.text for word in _NOT_OURS):
            self.problems.append(message.text)

    def _see(self, response: Any) -> None:
        if response.status >= 400 and not any(word in response.url for word in _NOT_OURS + _NORMAL_404):
            self.problems.append(f"{response.status} {response.url}")

    def do(self, command: str, arguments: str = "{}") -> Any:
        """Run a command of JupyterLab, without waiting for what it starts."""
        return self.page.evaluate(f"void window.jupyterapp.commands.execute('{command}', {arguments})")

    def run_all(self) -> None:
        self.do("notebook:run-all-cells")

    @property
    def is_busy(self) -> bool:
        """True while a cell runs. (The kernel's status says idle whenever a subshell has answered a comm.)"""
        return self.page.locator(".jp-InputPrompt", has_text="[*]").count() > 0

    def wait_until_done(self, timeout: float = 120) -> None:
        """Until every cell has run."""
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code').every(cell => cell.model.executionCount)""",
            timeout=timeout * 1000,
        )

    def saved(self) -> dict[str, Any]:
        """The notebook as it is on disk after saving."""
        self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")  # until it is done
        return json.loads(self.path.read_text())

    def shut_down(self) -> None:
        """End the kernel, and wait until it has."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def close(self) -> None:
        self.page.evaluate("window.jupyterapp.shell.currentWidget?.sessionContext?.shutdown()")
        self.page.close()


def _notebook(cells: tuple[str, ...]) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    return {
        "cells": [code | {"id": f"cell-{i}", "source": source} for i, source in enumerate(cells)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
