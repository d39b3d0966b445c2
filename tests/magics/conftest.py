"""A notebook for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.magics.notebook import SETUP, Notebook, a_shell


@pytest.fixture
def notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    with a_shell(tmp_path) as shell:
        notebook = Notebook(shell, capsys)
        notebook.run(SETUP)
        yield notebook
