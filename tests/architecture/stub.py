"""The root's type stub, made from its table of names: `python -m tests.architecture.stub` writes it."""

from __future__ import annotations

from pathlib import Path

import akidlab
from akidlab._public import HOMES, PACKAGES

_ACTS = ("load_ipython_extension", "unload_ipython_extension")
PATH = Path(akidlab.__file__).with_suffix(".pyi")


def text() -> str:
    """What the stub must say, so that editors and type checkers see through the lazy root."""
    homes: dict[str, list[str]] = {}
    for name, home in HOMES.items():
        homes.setdefault(home, []).append(name)
    lines = ["# ruff: noqa: I001 - written by `python -m tests.architecture.stub`", ""]
    lines += ["from IPython.core.interactiveshell import InteractiveShell", ""]
    lines += [f"from akidlab import {name} as {name}" for name in sorted(PACKAGES)]
    for home in sorted([*homes, "akidlab.errors"]):
        names = homes.get(home, ["AkidlabError"])
        lines += [f"from {home} import {name} as {name}" for name in sorted(names)]
    lines += ["", "__version__: str", "AKID_DATA_PATH: str", ""]
    lines += [f"def {act}(shell: InteractiveShell) -> None: ..." for act in _ACTS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
