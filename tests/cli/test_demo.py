"""A notebook run headless leaves a page; a cell that fails is named."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from akidlab.cli.demo import main


def _notebook(folder: Path, *cells: str) -> Path:
    path = folder / "notebook.ipynb"
    cell_nodes = [v4.new_markdown_cell("# Idea"), *map(v4.new_code_cell, cells)]
    nbformat.write(v4.new_notebook(cells=cell_nodes), path)
    return path


def test_a_notebook_becomes_a_page_that_asks_nothing_of_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = _notebook(tmp_path, "import sys", "print('six by', 3 * 3)")
    before = notebook.read_bytes()

    status = main([str(notebook), str(tmp_path / "demo.html")])

    page = (tmp_path / "demo.html").read_text()
    assert status == 0
    assert "six by 9" in page
    assert re.findall(r"""(?:src|href)=["']https?://[^"']+""", page) == []
    assert re.findall(r"https?://(?:cdn|unpkg)[^\s\"']+", page) == []
    assert notebook.read_bytes() == before
    assert "[1/2] import sys  (" in capsys.readouterr().out


def test_a_figure_is_alive_in_the_page_and_its_script_is_there_once(tmp_path: Path) -> None:
    draw = "import plotly.graph_objects as go; go.Figure(go.Scatter(y=[3, 1, 2], name='{}'))"
    notebook = _notebook(tmp_path, draw.format("first"), draw.format("second"))

    status = main([str(notebook), str(tmp_path / "demo.html")])

    page = (tmp_path / "demo.html").read_text()
    assert status == 0
    assert page.count("Plotly.newPlot(") == 2
    assert 4_000_000 < len(page) < 7_000_000


def test_a_cell_that_fails_is_named_with_its_error_and_no_page_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([str(_notebook(tmp_path, "x = 1", "x / 0")), str(tmp_path / "demo.html")])

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("akidlab: Cell 2 of ")
    assert "ZeroDivisionError: division by zero" in said
    assert not (tmp_path / "demo.html").exists()


def test_a_notebook_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([str(tmp_path / "none.ipynb"), str(tmp_path / "demo.html")])

    assert (status, capsys.readouterr().err) == (1, f"akidlab: There is no notebook {tmp_path}/none.ipynb.\n")
