"""Where things lie: what the environment says, and the defaults when it is silent."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from akidlab.errors import WireError


def data_path() -> Path:
    """The folder of data sets: `AKID_DATA_PATH`, else `data` here."""
    return Path(os.environ.get("AKID_DATA_PATH") or "data")


def runs_path() -> Path:
    """The folder of the store and the checkpoints: `AKID_RUNS`, else `akid_runs` here."""
    return Path(os.environ.get("AKID_RUNS") or "akid_runs").absolute()


def cache_path() -> Path:
    """The folder for what is expensive to make (the Horovod wheel): outlives checkouts."""
    base = os.environ.get("AKIDLAB_CACHE")
    return (
        Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "akidlab"
    )


def runtime_path() -> Path:
    """The folder of connection files, made readable for this user alone.

    Raises:
        WireError: if it belongs to another user, who could put files there that lead us astray.
    """
    base = os.environ.get("AKIDLAB_RUNTIME")
    folder = (
        Path(base)
        if base
        else Path(os.environ.get("XDG_RUNTIME_DIR") or Path.home() / ".local/share") / "akidlab"
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform != "win32":
        state = folder.stat()
        if state.st_uid != os.getuid():
            raise WireError(
                f"The folder of connection files `{folder}` belongs to another user (number {state.st_uid}). "
                "Set AKIDLAB_RUNTIME to a folder of yours."
            )
        if stat.S_IMODE(state.st_mode) & 0o077:
            folder.chmod(0o700)
    return folder


def quiet() -> bool:
    """True when nothing that varies may be shown (`AKIDLAB_QUIET`): notebooks under test."""
    return os.environ.get("AKIDLAB_QUIET", "") not in ("", "0")
