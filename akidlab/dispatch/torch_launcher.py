"""The launcher without Horovod: ranks of `torch.distributed`."""

from __future__ import annotations

import importlib.util
import json
import os
import sys

from akidlab.dispatch.launcher import Launcher
from akidlab.errors import DispatchError


class TorchLauncher(Launcher):
    """Starts ranks by itself, over Gloo on the CPU and NCCL on GPUs.

    Example:
        >>> TorchLauncher().command(2, ["-m", "akidlab.worker"])[1:]
        ['-m', 'akidlab.dispatch.starter', '2', '-m', 'akidlab.worker']
    """

    engine = "torch"
    reaches_hosts = True

    def check(self) -> None:
        if sys.platform == "win32":
            raise DispatchError("Ranks do not run on Windows. Use WSL, or train in the notebook.")
        if importlib.util.find_spec("torch") is None:
            raise DispatchError("torch is not installed here, and the ranks need it: `pip install torch`.")

    def command(self, size: int, worker: list[str]) -> list[str]:
        where = [] if self.hosts is None else ["--hosts", json.dumps(self.hosts.to_plain())]
        return [sys.executable, "-m", "akidlab.dispatch.starter", str(size), *where, *worker]

    def rank(self) -> tuple[int, int]:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
