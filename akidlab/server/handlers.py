"""The handlers: each parses a request, asks the wire or the store in a thread, and answers JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, AuthenticatedFileHandler
from tornado import web

from akidlab.errors import AkidlabError, UnknownNameError, WireError
from akidlab.server.runs import NotLiveError, Runs
from akidlab.widgets.controls import command

T = TypeVar("T")


class _Handler(APIHandler):
    auth_resource = "akidlab"

    def initialize(self, runs: Runs) -> None:  # type: ignore[override]
        self.runs = runs

    async def work(self, function: Callable[..., T], *args: object) -> T:
        """Do something slow beside the event loop; what is not there is a 404, what is silent a 504."""
        try:
            return await asyncio.get_running_loop().run_in_executor(None, function, *args)
        except (UnknownNameError, NotLiveError) as error:
            raise web.HTTPError(404, reason=_line(error)) from error
        except WireError as error:
            raise web.HTTPError(504, reason=_line(error)) from error
        except AkidlabError as error:
            raise web.HTTPError(500, reason=_line(error)) from error

    def answer(self, body: object) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, allow_nan=False))


class CommandHandler(_Handler):
    """POST {action, value, id}: gives the command to the run."""

    @web.authenticated
    @authorized
    async def post(self, uid: str) -> None:
        try:
            asked = command(self.get_json_body() or {})
        except (ValueError, AttributeError) as error:
            raise web.HTTPError(400, reason=_line(error)) from error
        self.answer(await self.work(self.runs.send, uid, asked))


class SeriesHandler(_Handler):
    """GET: the history of a run, for a view that came late while the kernel is busy."""

    @web.authenticated
    @authorized
    async def get(self, uid: str) -> None:
        self.answer(await self.work(self.runs.history, uid))


class QuestionHandler(_Handler):
    """POST {what is wanted}: one of the questions that a browser may ask about a run."""

    @web.authenticated
    @authorized
    async def post(self, uid: str, question: str) -> None:
        try:
            self.answer(await self.work(self.runs.answer, uid, question, self.get_json_body() or {}))
        except ValueError as error:
            raise web.HTTPError(400, reason=_line(error)) from error


class LiveHandler(_Handler):
    """GET: the runs that live on this machine, in whatever process."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.answer({"runs": await self.work(self.runs.live)})


class StaticHandler(AuthenticatedFileHandler):
    """GET: a built module; with `?v=<version>` a browser keeps it for good, else it asks each time."""

    auth_resource = "akidlab"

    def check_xsrf_cookie(self) -> None:
        """Nothing to check: these files are no secret and change nothing.

        A widget's module comes from a blob, so what it imports is asked for without a Referer.
        """

    def compute_etag(self) -> str | None:
        return web.StaticFileHandler.compute_etag(self)

    def get_content_type(self) -> str:
        path: Any = self.absolute_path
        return "text/javascript; charset=utf-8" if path.endswith(".js") else super().get_content_type()


def _line(error: BaseException) -> str:
    """An error in one line of an HTTP status."""
    return " ".join(str(error).split())[:300].encode("ascii", "replace").decode()
