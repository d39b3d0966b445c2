"""The `akidlab` command: what it prints, and the status it ends with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import akidlab
from akidlab.cli import main
from akidlab.dispatch.toolchain import TorchBuild
from akidlab.store import Store


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["version"])

    assert (status, capsys.readouterr().out) == (0, f"akidlab {akidlab.__version__}\n")


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "akidlab.cli", "version"], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"akidlab {akidlab.__version__}\n", "")


def test_the_installed_version_is_the_version() -> None:
    from importlib.metadata import version

    assert version("akidlab") == akidlab.__version__


@pytest.mark.parametrize("arguments", [[], ["doktor"], ["install-horovod", "--nccl", "perhaps"]])
def test_what_the_command_does_not_know_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: akidlab" in capsys.readouterr().err


def test_the_runs_of_a_project_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "runs")
    store.create("digits", status="finished")
    store.create("digits", status="failed")

    status = main(["runs", str(tmp_path / "runs")])

    out = capsys.readouterr().out
    assert status == 0
    assert "digits-2" in out
    assert "finished" in out
    assert "failed" in out


def test_a_project_without_runs_says_so_and_stays_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["runs", str(tmp_path / "none")])

    assert (status, capsys.readouterr().out) == (0, f"No runs in {tmp_path / 'none'}.\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(TorchBuild.installed().cuda is not None, reason="this torch has CUDA")
def test_an_error_of_ours_is_a_sentence_and_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["install-horovod", "--nccl", "on"])

    assert status == 1
    assert capsys.readouterr().err.startswith("akidlab: NCCL needs a torch built with CUDA")


def test_a_pipe_that_closes_early_is_no_traceback(tmp_path: Path) -> None:
    Store(tmp_path).create("digits")
    command = f"{sys.executable} -m akidlab.cli runs {tmp_path} | true"

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)

    assert "Traceback" not in done.stderr
