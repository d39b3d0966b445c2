"""akidlab: an interactive deep-learning workbench that runs in a notebook.

Every public name is importable from here and is imported when first asked for, so that `import akidlab`
loads neither torch nor Jupyter.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from akidlab._public import HOMES, PACKAGES
from akidlab.errors import AkidlabError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"
__all__ = ["AkidlabError", *HOMES, "load_ipython_extension", "unload_ipython_extension"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name == "AKID_DATA_PATH":
        from akidlab.config import data_path

        return str(data_path())
    if name in HOMES:
        value = getattr(importlib.import_module(HOMES[name]), name)
        globals()[name] = value
        return value
    if name in PACKAGES:
        return importlib.import_module(f"akidlab.{name}")
    raise AttributeError(f"module `akidlab` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted({*__all__, *PACKAGES, "AKID_DATA_PATH", *(name for name in globals() if name[:2] == "__")})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let `%load_ext akidlab` bring in the magics."""
    from akidlab.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again."""
    from akidlab.magics import unload

    unload(shell)
