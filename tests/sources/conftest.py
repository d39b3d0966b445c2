"""A real web server on loopback, and the real MNIST where it is."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from akidlab.config import data_path


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; of files whose name begins with `torn` it sends the first half."""

    def log_message(self, *args: object) -> None:
        """Nothing: a test's output is its own."""

    def copyfile(self, source, outputfile) -> None:
        content = source.read()
        torn = self.path.startswith("/torn")
        outputfile.write(content[: len(content) // 2] if torn else content)


class Web:
    """A folder that is served at `url`, with what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Handler, directory=str(folder))
        )
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def put(self, name: str, content: bytes) -> str:
        """Serve `content`; gives its address."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)
        return self.url + name


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "web").mkdir()
    served = Web(tmp_path / "web")
    served.thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    served.thread.join()


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nobody listens, and nobody else may."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The folder of the real MNIST."""
    folder = data_path().absolute() / "mnist"
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("the real MNIST is not there: set AKID_DATA_PATH to the folder that holds `mnist/`")
    return folder
