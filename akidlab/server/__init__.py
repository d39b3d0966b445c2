"""The Jupyter server's part: hands buttons to live runs, histories to late listeners, modules to browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["_jupyter_server_extension_points"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "akidlab.server"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    from akidlab.server.routes import routes

    app.web_app.add_handlers(".*$", routes(app.web_app.settings["base_url"]))
