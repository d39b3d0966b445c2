"""`%%akid_train --manifest`: the cell as a program for a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from akidlab.errors import DispatchError, MagicError
from akidlab.store import Store
from tests.magics.notebook import Notebook

ABOVE = """
import numpy as np
from akidlab import ArraySource, Block, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

rates = {"slow": 0.01, "fast": 0.1}

class Clipped(MomentumKongFu):
    pass

def data(count=96):
    random = np.random.RandomState(0)
    return random.rand(count, 1, 4, 4).astype("float32"), random.randint(0, 10, count)

def sensor(): return FeedSensor(ArraySource(data(), data(16)), batch_size=batch)
"""
CELL = """%%akid_train -np 2 --manifest cluster --steps 7 --name tiny
batch = 16
kid = Kid(sensor(), OneLayerBrain(), Clipped(rates["fast"]))
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_cell_is_written_down_with_all_that_it_needs_and_runs_without_the_notebook(
    notebook: Notebook,
) -> None:
    notebook.run(ABOVE)

    said = notebook.run(CELL)

    assert "cluster/mpijob.yaml" in said.splitlines()
    assert "kid" not in notebook.shell.user_ns
    command = [
        sys.executable,
        "-m",
        "akidlab.cli",
        "run",
        "cluster/train.py",
        "--name",
        "tiny",
        "--steps",
        "7",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert (Store().run("tiny").status, Store().run("tiny").step) == ("finished", 7)


def test_the_program_reads_as_one_would_write_it(notebook: Notebook) -> None:
    notebook.run(ABOVE)

    notebook.run(CELL)

    lines = Path("cluster/train.py").read_text().splitlines()
    assert "from akidlab import ArraySource" in lines
    assert "import numpy as np" in lines
    assert "rates = {'slow': 0.01, 'fast': 0.1}" in lines
    assert lines.index("class Clipped(MomentumKongFu):") < lines.index(
        "# %%akid_train -np 2 --manifest cluster --steps 7 --name tiny"
    )


def test_what_cannot_be_written_down_is_told_name_by_name(notebook: Notebook) -> None:
    notebook.run("values, api_token = np.ones(3), 'abc'\nrate = lambda: 0.1\nfine = (1, 'two', None)")

    with pytest.raises(MagicError, match="Nothing was written") as raised:
        notebook.run("%%akid_train --manifest cluster\nkid = make(values, api_token, rate, fine)")

    assert "`values`: a `numpy.ndarray`" in str(raised.value)
    assert "`api_token`: by its name a secret" in str(raised.value)
    assert "`rate`: its source is not known" in str(raised.value)
    assert "`fine`" not in str(raised.value)
    assert not Path("cluster").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "%%akid_train --manifest cluster --resume tiny\nkid = make()",
            "`resume` does not go into a manifest",
        ),
        ("%%akid_train --manifest cluster --watch all\nkid = make()", "`watch` does not go into a manifest"),
        ("%%akid_train --manifest cluster --steps 2 --epochs 3\nkid = make()", "not both"),
        ("%%akid_train --manifest cluster\n!ls\nkid = make()", "only a notebook"),
        ("%%akid_train --manifest cluster\nkid = = make()", "not Python"),
        ("%akid_train kid --manifest cluster", "the cell that makes the kid"),
    ],
)
def test_what_a_manifest_cannot_hold_is_refused(notebook: Notebook, line: str, told: str) -> None:
    with pytest.raises(MagicError, match=told):
        notebook.run(line)


def test_a_name_that_kubernetes_does_not_take_is_told(notebook: Notebook) -> None:
    with pytest.raises(DispatchError, match="lower-case letters"):
        notebook.run("%%akid_train --manifest cluster --name Tiny_1\nkid = make()")


def test_one_file_is_written_where_one_is_named(notebook: Notebook, tmp_path: Path) -> None:
    said = notebook.run("%%akid_train --manifest digits.yaml\nkid = make()")

    assert said.splitlines() == ["digits.yaml", "Then: kubectl apply -f digits.yaml"]
    assert "name: digits" in (tmp_path / "digits.yaml").read_text()
