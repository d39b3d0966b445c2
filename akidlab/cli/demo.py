"""Run a notebook headless, a line for each cell, and leave a page to look at.

python -m akidlab.cli.demo notebooks/00_quickstart.ipynb demo.html
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from akidlab.errors import AkidlabError, DataNotFoundError

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 600  # seconds
PLOTLY = "application/vnd.plotly.v1+json"
READABLE = {"text/html", "image/svg+xml", "image/png"}


class NotebookError(AkidlabError, RuntimeError):
    """A cell of a notebook failed."""


def run_notebook(path: Path, console: Console) -> NotebookNode:
    """Execute a notebook in this Python's kernel, from the folder that it lies in.

    Args:
        path: the notebook; the file is left as it is.
        console: where each cell is told.

    Raises:
        DataNotFoundError: if there is no such notebook.
        NotebookError: with the traceback of the first cell that fails.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert.filters import strip_ansi

    if not path.exists():
        raise DataNotFoundError(f"There is no notebook {path}.")
    notebook = nbformat.read(path, as_version=4)
    cells = [
        index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
    ]
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],  # the kernel's remarks on its transport are not for this reader
        resources={"metadata": {"path": str(path.parent)}},
    )
    with client.setup_kernel():
        for number, index in enumerate(cells, start=1):
            cell = notebook.cells[index]
            title = f"[{number}/{len(cells)}] {_first_line(cell.source)}"
            started = time.monotonic()
            try:
                with console.status(title):
                    client.execute_cell(cell, index, execution_count=number)
            except CellExecutionError as error:
                raise NotebookError(
                    f"Cell {number} of {path} failed:\n{strip_ansi(str(error)).strip()}"
                ) from None
            console.print(f"{title}  ({time.monotonic() - started:.1f} s)", markup=False)
    notebook.metadata["language_info"] = {**notebook.metadata.get("language_info", {}), "name": "python"}
    return notebook


def write_page(notebook: NotebookNode, page: Path, title: str) -> None:
    """Write a notebook as one HTML file that asks nothing of the network."""
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    # The exporter would load MathJax, require.js and the widgets' manager from a CDN.
    loaded = ("mathjax_url", "require_js_url", "jquery_url", "widget_renderer_url")
    _draw_figures(notebook)
    exporter = HTMLExporter(config=Config(HTMLExporter=dict.fromkeys(loaded, "")))
    body, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    body = re.sub(r"https://cdnjs[^\"']*", "", body)  # where the template would find Mermaid
    unfinished = page.with_suffix(".partial")
    unfinished.write_text(body, encoding="utf-8")
    os.replace(unfinished, page)


def _draw_figures(notebook: NotebookNode) -> None:
    """Let a page show the plotly figures that stand alone; the exporter itself passes them over."""
    from akidlab.backends.plotly import page_part

    script = True
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if PLOTLY in data and not READABLE & data.keys():
                data["text/html"] = page_part(data[PLOTLY], script=script)
                script = False


def main(argv: list[str] | None = None) -> int:
    """Run the notebook that the command line names; 0 when every cell did."""
    options = argparse.ArgumentParser(
        prog="python -m akidlab.cli.demo", description=(__doc__ or "").splitlines()[0]
    )
    options.add_argument("notebook", type=Path)
    options.add_argument("page", type=Path, help="the HTML file to write")
    options.add_argument("--runs", type=Path, help="the store (default: a temporary one)")
    chosen = options.parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="akidlab-demo-") as scratch:
        os.environ["AKID_RUNS"] = str((chosen.runs or Path(scratch)).absolute())
        try:
            notebook = run_notebook(chosen.notebook, console)
        except AkidlabError as error:
            print(f"akidlab: {error}", file=sys.stderr)
            return 1
    write_page(notebook, chosen.page, chosen.notebook.stem)
    console.print(f"{chosen.page.absolute()}  ({time.monotonic() - started:.0f} s)", markup=False)
    return 0


def _first_line(source: str) -> str:
    line = source.strip().splitlines()[0]
    return line if len(line) <= 70 else f"{line[:69]}…"


if __name__ == "__main__":
    sys.exit(main())
