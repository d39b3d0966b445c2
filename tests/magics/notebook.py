"""A notebook for tests: cells are run in a real shell, one after another."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from akidlab.magics import load, unload
from akidlab.session import Session

SETUP = """
import numpy as np
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

def make(**told):
    random = np.random.RandomState(0)
    data = random.rand(96, 1, 4, 4).astype('float32'), random.randint(0, 10, 96)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **{'max_steps': 20, 'name': 'tiny', **told})
"""
FOREVER = 10_000_000


class Notebook:
    """Runs cells and keeps what they show."""

    def __init__(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.shell, self.capsys = shell, capsys

    def run(self, cell: str) -> str:
        """Run a cell that works, and give what it showed.

        Raises:
            BaseException: what the cell raised.
        """
        result = self.shell.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error
        return self.capsys.readouterr().out if self.capsys is not None else ""

    def fail(self, cell: str) -> str:
        """Run a cell that fails, and give what it showed."""
        result = self.shell.run_cell(cell, store_history=True)
        assert not result.success
        assert self.capsys is not None
        return self.capsys.readouterr().out

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def complete(self, line: str) -> list[str]:
        """What a tab offers at the end of `line`."""
        with provisionalcompleter():
            return [found.text for found in self.shell.Completer.completions(line, len(line))]

    def complete_in(self, cell: str) -> list[str]:
        """What a tab offers at the end of a cell; it may have several lines."""
        return self.complete(cell)


@contextmanager
def a_shell(folder: Path) -> Iterator[InteractiveShell]:
    """A shell with the magics and a session of its own; the interpreter is left as it was."""
    ours = sys.modules["__main__"]
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=config, ipython_dir=str(folder / "ipython"))
    try:
        load(shell)
        with Session():
            yield shell
        unload(shell)
    finally:
        InteractiveShell.clear_instance()
        shell.restore_sys_module_state()
        sys.modules["__main__"] = ours


def interrupt(kid: object = None) -> None:
    """Press the stop button of the notebook; may be a hook."""
    os.kill(os.getpid(), signal.SIGINT)
