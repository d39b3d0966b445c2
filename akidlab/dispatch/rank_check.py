"""Two real ranks under `horovodrun`, which must agree on a sum: the proof that Horovod works here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

from akidlab.dispatch.toolchain import scripts_path
from akidlab.errors import InstallError

RANKS = 2
_ON_EACH_RANK = """\
import torch
import horovod.torch as hvd

hvd.init()
share = torch.arange(4.0) * (hvd.rank() + 1)
total = hvd.allreduce(share, op=hvd.Sum).tolist()
assert hvd.size() == 2 and total == [0.0, 3.0, 6.0, 9.0], f"{hvd.size()} ranks summed to {total}"
print("agreed")
"""


def check_ranks(timeout: float = 120.0) -> None:
    """Launch two ranks and let them add up four numbers.

    Args:
        timeout: seconds after which two ranks that do not answer are ended.

    Raises:
        InstallError: with what the ranks said.
    """
    command = [
        str(scripts_path() / "horovodrun"),
        "-np",
        str(RANKS),
        "--gloo",
        sys.executable,
        "-c",
        _ON_EACH_RANK,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise InstallError(
            f"There is no {command[0]}: Horovod is not installed here. Run `akidlab install-horovod`."
        ) from None
    with process:
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            said, _ = process.communicate()
            raise InstallError(_explain(f"did not agree within {timeout:g} s", said)) from None
        except BaseException:
            _end(process)
            raise
    if process.returncode != 0 or said.count("agreed") != RANKS:
        raise InstallError(_explain(f"ended with status {process.returncode}", said))


def _end(process: subprocess.Popen[str]) -> None:
    """Let `horovodrun` take its ranks along; then nothing is left to chance."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _explain(what: str, said: str) -> str:
    lines = "\n".join(f"  {line}" for line in said.strip().splitlines()[-15:]) or "  (nothing)"
    return (
        f"Horovod is installed, but two ranks on this machine {what}. They said:\n{lines}\n"
        "Horovod's ranks talk over the loopback interface and the name of this host: see that no firewall "
        "stands between them, then run `akidlab install-horovod --force`."
    )
