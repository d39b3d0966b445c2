"""The cradle of a pool: a process that has imported everything, from which ranks are born in no time."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


class Cradle:
    """Starts `python -m akidlab.worker.cradle`, and ends it.

    Its socket lies in a private folder; ranks learn of it from their environment. Where there is none (on
    systems without `/proc`, or if it cannot import), a rank imports for itself.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Have it live; what ranks need in their environment to find it."""
        if sys.platform != "linux":
            return {}
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._folder = Path(tempfile.mkdtemp(prefix="akidlab-"))
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.bind(str(self._folder / "cradle"))
                listener.listen(64)
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "akidlab.worker.cradle", str(listener.fileno())],
                    env={**os.environ, **environment},
                    stdin=subprocess.PIPE,  # which it holds until we are gone
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                )
        return {"AKIDLAB_CRADLE": str(self._folder and self._folder / "cradle")}

    def stop(self) -> None:
        """End it; ranks that it made end, too."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2.0)
            process.kill()
            process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
