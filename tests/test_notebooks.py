"""The notebooks are committed as run: they read without a kernel, and say nothing about who ran them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def outputs(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text())["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_every_cell_was_run_from_top_to_bottom(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]

    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for output in outputs(path) if output["output_type"] == "error"]


def test_what_it_shows_reads_without_a_kernel_and_is_small(path: Path) -> None:
    shown = [output["data"] for output in outputs(path) if "data" in output]

    assert not [data for data in shown if VIEW in data]
    assert any("image/svg+xml" in data for data in shown)
    assert path.stat().st_size < 300_000


def test_it_speaks_of_no_machine(path: Path) -> None:
    text = path.read_text()

    assert not [
        folder for folder in ("/home/", "/root/", "/tmp/", "/Users/", str(FOLDER.parent)) if folder in text
    ]
    assert "widgets" not in json.loads(text)["metadata"]
