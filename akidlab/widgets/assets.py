"""The built half of the widgets: where it lies, which version it is, how a browser gets it."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
BUILD = "npm ci && npm run build (in extensions/widgets), or `make`"


@cache
def source() -> bytes:
    """The whole module of the widgets.

    Raises:
        FileNotFoundError: if it was never built.
    """
    return _read("widgets.js")


@cache
def version() -> str:
    """A name for `source` that changes with it: what a browser has cached stays right."""
    return hashlib.sha256(source()).hexdigest()[:16]


def module() -> str:
    """What a widget carries: a few lines that load `source`, or all of it where no server of ours is near."""
    return source().decode() if far_from_a_server() else _read("loader.js").decode()


def _read(name: str) -> bytes:
    try:
        return (STATIC / name).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The widgets are not built: `{STATIC / name}` is missing. Build them with: {BUILD}."
        ) from None


def far_from_a_server() -> bool:
    """VS Code and Colab start kernels without a Jupyter server that could hand out the module."""
    return any(name in os.environ for name in ("VSCODE_PID", "VSCODE_CWD", "COLAB_RELEASE_TAG"))
