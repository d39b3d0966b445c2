"""The routes, each under the server's base URL."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

from akidlab.server.handlers import (
    CommandHandler,
    LiveHandler,
    QuestionHandler,
    SeriesHandler,
    StaticHandler,
)
from akidlab.server.runs import Runs
from akidlab.widgets import assets

_UID = "([A-Za-z0-9]{1,64})"


def routes(base_url: str) -> list[tuple[Any, ...]]:
    """All routes of akidlab, for a server whose addresses begin with `base_url`."""

    def at(path: str) -> str:
        return url_path_join(base_url, "akidlab", path)

    runs = {"runs": Runs()}
    return [
        (at(f"api/runs/{_UID}/commands"), CommandHandler, runs),
        (at(f"api/runs/{_UID}/series"), SeriesHandler, runs),
        (at(f"api/runs/{_UID}/questions/([a-z_]{{1,40}})"), QuestionHandler, runs),
        (at("api/live"), LiveHandler, runs),
        (at(r"static/(plotly\.min\.js)"), StaticHandler, {"path": str(_plotly())}),
        (at(r"static/([A-Za-z0-9_.-]+)"), StaticHandler, {"path": str(assets.STATIC)}),
    ]


def _plotly() -> Path:
    """Where the plotly package keeps its JavaScript; found without importing it."""
    spec = importlib.util.find_spec("plotly")
    return Path((spec and spec.origin) or "").parent / "package_data"
