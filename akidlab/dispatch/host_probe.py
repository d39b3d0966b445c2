"""What a host has, told as JSON. Another host is asked by sending it this very file: it needs Python only.

`python host_probe.py FOLDER DATA RUNS`: the folder of the notebook, that of the data sets, that of the store.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys

SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}
MOST = 5000  # files of a project that are looked at
TOKEN = ".akidlab-shared"  # lies in a folder for a moment: who sees it there shares the folder


def look(folder: str, data: str, runs: str) -> dict:
    """What this host has.

    Example:
        >>> sorted(look(".", "data", "akid_runs"))
        ['akidlab', 'code', 'cores', 'data', 'horovod', 'python', 'runs', 'shared', 'torch']
    """
    return {
        "python": platform.python_version(),
        "torch": version("torch"),
        "horovod": version("horovod"),
        "akidlab": version("akidlab") and f"{version('akidlab')} ({code_of(package())})",
        "code": code_of(folder),
        "shared": token_in(folder),
        "data": os.path.isdir(os.path.join(folder, data)),
        "runs": token_in(runs),
        "cores": os.cpu_count() or 1,
    }


def version(package: str):
    """The version that is installed, None if there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def package() -> str:
    """Where akidlab is."""
    found = importlib.util.find_spec("akidlab")
    return os.path.dirname(found.origin) if found and found.origin else ""


def code_of(folder: str):
    """A short name for all Python files of a folder, the same where they are the same; None without one."""
    if not os.path.isdir(folder):
        return None
    found, count = hashlib.sha256(), 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        if "pyvenv.cfg" in files:
            folders[:] = []
            continue
        for name in sorted(files):
            path = os.path.join(place, name)  # which may lead nowhere: editors lock a file with such a link
            if name.endswith(".py") and count < MOST and os.access(path, os.R_OK):
                count += 1
                found.update(os.path.relpath(path, folder).encode() + b"\0")
                with open(path, "rb") as file:
                    found.update(hashlib.sha256(file.read()).digest())
    return found.hexdigest()[:8]


def token_in(folder: str):
    """What the token says that lies there."""
    try:
        with open(os.path.join(folder, TOKEN)) as file:
            return file.read(64)
    except OSError:
        return None


if __name__ == "__main__":
    print(json.dumps(look(*sys.argv[1:4])))
