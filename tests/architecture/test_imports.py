"""What loads what: the root is light, and the towers meet in messages."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import akidlab

ROOT = Path(akidlab.__file__).parent
LEARNING = {
    "blocks", "engines", "jokers", "kids", "kongfus", "models", "observers", "ops", "parallel", "sensors",
    "sources",
}  # fmt: skip
LAB = {"backends", "cli", "dispatch", "magics", "server", "session", "store", "widgets"}
JUPYTER = {"IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyter_server", "jupyterlab"}
HEAVY = {*JUPYTER, "torch", "zmq", "plotly", "numpy"}


@pytest.mark.parametrize("module", ["akidlab", "akidlab.cli"])
def test_importing_the_root_or_the_command_loads_nothing_heavy(module: str) -> None:
    assert _loaded_by(module) & HEAVY == set()


def test_importing_the_root_takes_less_than_a_tenth_of_a_second_of_cpu() -> None:
    code = "import time; start = time.process_time(); import akidlab; print(time.process_time() - start)"

    assert min(float(_fresh(code)) for _ in range(3)) < 0.1


def test_the_lab_tower_and_the_floor_load_no_torch() -> None:
    assert _loading({"atlas", "messages", "wire", "worker", *LAB}, {"torch"}) == {}


def test_the_learning_tower_and_the_floor_load_no_jupyter() -> None:
    assert _loading({"messages", "wire", "store", "worker", *LEARNING}, JUPYTER) == {}


def test_the_towers_do_not_import_each_other_at_module_level() -> None:
    crossings = [
        f"{path.relative_to(ROOT)} imports akidlab.{target}"
        for path in ROOT.rglob("*.py")
        for target in _imported_at_module_level(path)
        if (home := path.relative_to(ROOT).parts[0].removesuffix(".py"))
        and ((home in LEARNING and target in LAB) or (home in LAB and target in LEARNING))
    ]

    assert crossings == []


def _fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _loaded_by(module: str) -> set[str]:
    return set(json.loads(_fresh(f"import {module}, json, sys; print(json.dumps(list(sys.modules)))")))


def _loading(packages: set[str], unwanted: set[str]) -> dict[str, list[str]]:
    """Each of our packages that loads something unwanted, with what it loads, in a fresh interpreter."""
    code = f"""
import importlib, json, sys
unwanted, found = {sorted(unwanted)}, {{}}
for package in {sorted(packages)}:
    before = set(sys.modules)
    importlib.import_module("akidlab." + package)
    if new := [name for name in unwanted if name in sys.modules and name not in before]:
        found[package] = new
print(json.dumps(found))
"""
    return json.loads(_fresh(code))


def _imported_at_module_level(path: Path) -> Iterator[str]:
    """The packages of akidlab that are loaded as soon as this file is."""
    for node in _at_module_level(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "akidlab":
            names = [f"akidlab.{alias.name}" for alias in node.names]
        else:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[1] for name in names if name.startswith("akidlab."))


def _at_module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _at_module_level(node.orelse)
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            yield from _at_module_level([*node.body, *getattr(node, "orelse", [])])
        else:
            yield node
