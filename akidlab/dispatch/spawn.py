"""Spawning: how a supervisor comes to life beside its kernel, and how it goes with all its ranks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import psutil

from akidlab.config import runtime_path
from akidlab.dispatch.elastic import Elastic
from akidlab.dispatch.hosts import Hosts
from akidlab.errors import DispatchError
from akidlab.wire import Connection

OPENING = 30.0  # seconds for a supervisor to say where it listens; it takes a fraction of one
CLOSING = 15.0  # seconds for a supervisor to leave; it takes one


def spawn(
    np: int,
    folder: Path,
    launcher: str,
    idle: float,
    patience: float,
    env: Mapping[str, str],
    variables: str,
    hosts: Hosts | None = None,
    elastic: Elastic | None = None,
) -> Connection:
    """Start a supervisor in a session of its own, and wait until it says where it listens.

    Raises:
        DispatchError: if it does not, with what it wrote.
    """
    uid = uuid.uuid4().hex
    command = [sys.executable, "-u", "-m", "akidlab.dispatch.supervisor", uid, str(np)]
    command += ["--launcher", launcher, "--idle", str(idle), "--patience", str(patience)]
    command += [] if hosts is None else ["--hosts", json.dumps(hosts.to_plain())]
    command += [] if elastic is None else ["--elastic", json.dumps(elastic.to_plain())]
    log = runtime_path() / f"pool-{uid}.log"
    _forget_the_dead()
    with os.fdopen(os.open(log, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **env, "AKIDLAB_POOL_VARIABLES": variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="akidlab-reap", daemon=True).start()  # leaves no zombie
    return _await_connection(process, runtime_path() / f"pool-{uid}.json", log)


def _await_connection(process: subprocess.Popen[bytes], path: Path, log: Path) -> Connection:
    end = time.monotonic() + OPENING
    while not path.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            said = log.read_text(errors="replace").strip()[-3000:] or "(nothing)"
            raise DispatchError(f"The supervisor of the pool did not start. It said:\n{said}")
        time.sleep(0.005)
    return Connection.read(path)


def wait_gone(connection: Connection) -> None:
    """Wait for a supervisor and its ranks to leave; whatever does not is killed."""
    try:
        tree = [psutil.Process(connection.pid), *psutil.Process(connection.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    end = time.monotonic() + CLOSING
    while connection.is_live and time.monotonic() < end:
        time.sleep(0.01)
    for process in tree:  # only what did not leave by itself
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _forget_the_dead() -> None:
    """Drop what killed supervisors left: the environment of their ranks at once, their logs after a day."""
    for left in [*runtime_path().glob("pool-*.env"), *runtime_path().glob("pool-*.log")]:
        with contextlib.suppress(OSError):
            is_old = left.suffix == ".env" or time.time() - left.stat().st_mtime > 86400
            if is_old and not left.with_suffix(".json").exists():
                left.unlink()
