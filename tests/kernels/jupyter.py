"""A real Jupyter server, and kernels that it starts: cells go in, messages come out."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

from tests.patience import PATIENCE, until
from tests.serving import port_of, whole


class Server:
    """A Jupyter server with akidlab's routes, under a base URL that is not the default.

    Args:
        root: a folder for everything of it.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.token = root, secrets.token_hex(8)
        private = {
            "AKID_RUNS": "akid_runs", "AKIDLAB_RUNTIME": "runtime", "HOME": "home", "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "jupyter", "JUPYTER_DATA_DIR": "share",
        }  # fmt: skip
        self.env = os.environ | {name: str(root / folder) for name, folder in private.items()}
        self.env |= {"OMP_NUM_THREADS": "1"}
        (root / "home").mkdir()
        command = [sys.executable, "-m", "jupyter_server", "--port=0", "--no-browser", "--allow-root"]
        command += ["--ServerApp.base_url=/hub/ada/", f"--IdentityProvider.token={self.token}"]
        command += [f"--ServerApp.root_dir={root}"]
        command += ["--ServerApp.jpserver_extensions={'akidlab.server': True}"]
        self.log = (root / "server.log").open("w")
        self.process = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        """Until it answers."""
        self.address = f"http://127.0.0.1:{port_of(self.process, self.root)}/hub/ada/"
        self.ask("api/status")

    def ask(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """What a GET, or with a body a POST, is answered with."""
        headers = {"Content-Type": "application/json", "Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found = answer.read()
        return json.loads(found) if found else None

    def add_kernel(self, name: str, python: Path) -> None:
        """Let it start kernels of this interpreter."""
        folder = self.root / "share" / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": name, "language": "python"})
        )

    def kernel(self, name: str = "python3") -> Kernel:
        """A new kernel."""
        return Kernel(self, name)

    def stop(self) -> None:
        """End it, and its kernels with it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@dataclass
class Cell:
    """A cell that was sent, and what came back so far."""

    id: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] | None = None

    @property
    def printed(self) -> str:
        """What it printed."""
        return "".join(m["content"]["text"] for m in self.of("stream"))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Its messages of this kind."""
        return [message for message in self.messages if message["msg_type"] == kind]

    def wait(self) -> Cell:
        """Until it is done."""
        until(lambda: self.reply is not None and self._is_idle(), 2 * PATIENCE)
        return self

    def well(self) -> Cell:
        """Wait, and see that it went well."""
        self.wait()
        assert self.reply is not None
        assert self.reply["status"] == "ok", "\n".join(self.reply.get("traceback", []))
        return self

    def _is_idle(self) -> bool:
        return any(m["content"]["execution_state"] == "idle" for m in self.of("status"))


class Kernel:
    """A kernel of the server; the buttons of its notebook are the server's routes."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.id = server.ask("api/kernels", {"name": name})["id"]
        self.cells: dict[str, Cell] = {}
        file = server.root / "jupyter" / f"kernel-{self.id}.json"
        until(lambda: whole(file))
        found = whole(file)
        self._session = Session(key=found["key"].encode(), signature_scheme=found["signature_scheme"])
        self._context = zmq.Context()
        self._shell = self._context.socket(zmq.DEALER)
        self._iopub = self._context.socket(zmq.SUB)
        self._iopub.subscribe(b"")
        for channel, socket_ in (("shell", self._shell), ("iopub", self._iopub)):
            socket_.connect(f"tcp://{found['ip']}:{found[f'{channel}_port']}")
        self._lock = threading.Lock()  # a zmq socket is used by one thread at a time
        self._is_open = True
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        until(self._is_heard)

    def send(self, code: str) -> Cell:
        """Send a cell and return at once."""
        return self._request("execute_request", code=code, silent=False, stop_on_error=False)

    def run(self, code: str) -> Cell:
        """Run a cell that goes well."""
        return self.send(code).well()

    def complete(self, code: str) -> list[str]:
        """What a tab offers at the end of `code`."""
        cell = self._request("complete_request", code=code, cursor_pos=len(code))
        until(lambda: cell.reply is not None)
        assert cell.reply is not None
        return cell.reply["matches"]

    def interrupt(self) -> None:
        """The notebook's stop button."""
        self.server.ask(f"api/kernels/{self.id}/interrupt", {})

    def close(self) -> None:
        """Shut it down."""
        self._is_open = False
        self._listener.join()
        self._context.destroy(linger=0)
        self.server.ask(f"api/kernels/{self.id}", method="DELETE")

    def _request(self, kind: str, **content: object) -> Cell:
        with self._lock:
            id = self._session.send(self._shell, kind, content)["header"]["msg_id"]
        return self.cells.setdefault(id, Cell(id))

    def _is_heard(self) -> bool:
        """Until the kernel answers, and what it publishes arrives."""
        cell = self._request("kernel_info_request")
        time.sleep(0.2)
        return cell.reply is not None and bool(cell.messages)

    def _listen(self) -> None:
        while self._is_open:
            with self._lock:
                arrived = [self._receive(socket_) for socket_ in (self._shell, self._iopub)]
            if not any(arrived):
                time.sleep(0.005)

    def _receive(self, socket_: zmq.Socket[bytes]) -> bool:
        _, message = self._session.recv(socket_, zmq.NOBLOCK)
        if message is None:
            return False
        id = message["parent_header"].get("msg_id", "")
        cell = self.cells.setdefault(id, Cell(id))
        if socket_ is self._shell:
            cell.reply = message["content"]
        else:
            cell.messages.append(message)
        return True
