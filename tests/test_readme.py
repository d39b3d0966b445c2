"""What README.md promises: its cells run one after another, and what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.magics.notebook import a_shell

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CELLS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_cells_run_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    with a_shell(tmp_path) as shell:
        for cell in CELLS:
            shell.run_cell(cell.replace("max_steps=500", "max_steps=50")).raise_error()
        kid, squash = shell.user_ns["kid"], shell.user_ns["Squash"]

    assert type(kid.brain["squash"]) is squash
    assert int(kid.clock) == 50 + 60 + 60
    assert (tmp_path / "digits.pt2").stat().st_size > 0


def test_what_it_points_at_is_there() -> None:
    paths = re.findall(r"\]\((?!http|#)([^)]+)\)", README)

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_names_every_package_and_every_notebook() -> None:
    packages = {path.parent.name for path in (ROOT / "akidlab").glob("*/__init__.py")}
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}

    assert sorted(name for name in packages if f"(akidlab/{name})" not in README) == []
    assert sorted(name for name in notebooks if f"(notebooks/{name})" not in README) == []


def test_it_says_how_to_reach_the_command() -> None:
    assert README.index(".venv/bin/activate") < README.index("`akidlab doctor`")
