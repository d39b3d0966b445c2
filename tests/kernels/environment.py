"""One environment for each ipykernel: its own ipykernel above, everything else from the environment here."""

from __future__ import annotations

import fcntl
import json
import platform
import shutil
import site
import subprocess
import sys
from pathlib import Path

from akidlab import config

VERSIONS = ("6.31.0", "7.2.0", "7.3.0", "7.4.0")
_BESIDE = {"6.31.0": ["nest-asyncio"], "7.2.0": ["nest-asyncio"]}  # later ones need what is here already
_MINUTES = 5


class NoPackagesError(Exception):
    """The package index cannot be reached."""


def python_of(version: str) -> Path:
    """The interpreter of the environment for `version`, made if need be; several processes may ask at once.

    Raises:
        NoPackagesError: if pip cannot fetch the version.
    """
    here = f"{version}-py{platform.python_version()}"
    folder = config.cache_path() / "kernels" / here
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder / "complete.json"
    with (folder.parent / f"{here}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(stamp):
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, version)
            stamp.write_text(json.dumps({"beneath": _beneath()}))
    return folder / "bin" / "python"


def _is_complete(stamp: Path) -> bool:
    return stamp.exists() and json.loads(stamp.read_text()) == {"beneath": _beneath()}


def _make(folder: Path, version: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    wanted = [f"ipykernel=={version}", *_BESIDE.get(version, [])]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(packages),
        *wanted,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MINUTES * 60)
    except subprocess.TimeoutExpired:
        shutil.rmtree(folder)
        raise NoPackagesError(f"pip did not fetch ipykernel {version} in {_MINUTES} minutes.") from None
    if done.returncode:
        shutil.rmtree(folder)
        raise NoPackagesError(f"pip cannot fetch ipykernel {version}: {done.stderr.strip().splitlines()[-1]}")
    lines = [f"import site; site.addsitedir({path!r})" for path in _beneath()]
    (packages / "beneath.pth").write_text("\n".join(lines) + "\n")


def _beneath() -> list[str]:
    """The packages of the environment here, and akidlab as it lies here."""
    return [*site.getsitepackages(), str(Path(__file__).parents[2])]
