"""A real Jupyter server with akidlab's routes, in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.serving import port_of


class Server:
    """A Jupyter server under a base URL that is not the default."""

    def __init__(self, root: Path) -> None:
        self.root, self.token = root, secrets.token_hex(8)
        (root / "home").mkdir()
        self.env = os.environ | {
            "HOME": str(root / "home"),
            "JUPYTER_CONFIG_DIR": str(root / "config"),
            "JUPYTER_RUNTIME_DIR": str(root / "jupyter"),
            "AKIDLAB_RUNTIME": str(root / "runtime"),
        }
        command = [sys.executable, "-m", "jupyter_server", "--port=0"]
        command += ["--ServerApp.base_url=/hub/ada/", f"--IdentityProvider.token={self.token}"]
        command += [f"--ServerApp.root_dir={root}", "--allow-root", "--no-browser"]
        command += ["--ServerApp.jpserver_extensions={'akidlab.server': True}"]
        self.log = (root / "server.log").open("w")
        self.process = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        self.address = f"http://127.0.0.1:{port_of(self.process, self.root)}/hub/ada/"
        self.ask("api/status")

    def ask(
        self, path: str, body: object = None, *, token: bool = True, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """The status, the body and the headers of the answer."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | (headers or {})
        sent |= {"Authorization": f"token {self.token}"} if token else {}
        request = urllib.request.Request(self.address + path, data, sent)
        try:
            with _opener.open(request, timeout=PATIENCE) as answer:
                return answer.status, _body(answer), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _body(error), dict(error.headers)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _body(answer: Any) -> Any:
    raw = answer.read()
    return json.loads(raw) if "json" in answer.headers.get("Content-Type", "") else raw


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server; runs of this test are found by it."""
    monkeypatch.setenv("AKIDLAB_RUNTIME", _server.env["AKIDLAB_RUNTIME"])
    return _server
