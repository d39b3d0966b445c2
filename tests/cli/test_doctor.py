"""`akidlab doctor`: each problem is named with what to do about it, and the status tells."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from akidlab import registry
from akidlab.cli import inspections
from akidlab.cli.doctor import show
from akidlab.cli.findings import FAULT, GOOD, NOTE, Finding
from akidlab.dispatch.horovod_wheel import HOROVOD
from akidlab.dispatch.toolchain import TorchBuild
from akidlab.dispatch.torch_launcher import TorchLauncher
from akidlab.errors import DispatchError


def test_findings_are_printed_in_lines_that_can_be_searched() -> None:
    out = io.StringIO()
    findings = [Finding("torch", "2.13.0"), Finding("Horovod", "not installed", FAULT, "Run `x`.")]

    status = show(findings, Console(file=out, soft_wrap=True))

    assert status == 1
    assert out.getvalue().splitlines() == [
        "ok     torch           2.13.0",
        "FIX    Horovod         not installed",
        "                       -> Run `x`.",
        "",
        "1 to fix: see the lines marked FIX.",
    ]


def test_a_note_is_nothing_to_fix() -> None:
    out = io.StringIO()

    status = show([Finding("node", "none", NOTE)], Console(file=out))

    assert status == 0
    assert "Everything is in order." in out.getvalue()


def test_on_a_terminal_a_long_line_stays_in_its_column() -> None:
    out = io.StringIO()

    terminal = Console(file=out, force_terminal=True, width=60, color_system=None, soft_wrap=True)

    show([Finding("packages", "word " * 40)], terminal)

    lines = [line for line in out.getvalue().splitlines() if "word" in line]
    assert len(lines) > 1
    assert all(line.startswith(" " * 23) for line in lines[1:])


def test_the_command_looks_at_this_machine_and_its_status_counts_the_faults() -> None:
    done = subprocess.run([sys.executable, "-m", "akidlab.cli", "doctor"], capture_output=True, text=True)

    assert done.returncode == (1 if "\nFIX " in done.stdout else 0)
    assert done.stderr == ""
    for name in (
        "torch",
        "devices",
        "Horovod",
        "torch ranks",
        "server part",
        "front end",
        "AKID_RUNS",
        "disk",
    ):
        assert f"  {name} " in done.stdout


def test_a_horovod_that_was_built_for_another_torch_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / f"horovod-{HOROVOD}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: horovod\nVersion: {HOROVOD}\n")
    (tmp_path / "horovod").mkdir()
    (tmp_path / "horovod/metadata.json").write_text('{"pytorch": "2.1.0"}')
    monkeypatch.syspath_prepend(str(tmp_path))

    finding = inspections.horovod_here()

    assert finding == Finding(
        "Horovod",
        f"{HOROVOD}, built for torch 2.1.0, but torch is {TorchBuild.installed().version}",
        FAULT,
        "Run `akidlab install-horovod`.",
    )


def test_ranks_without_horovod_are_tried() -> None:
    finding = inspections.torch_ranks_here()

    assert (finding.name, finding.level) == ("torch ranks", GOOD)
    assert finding.text.startswith("torch.distributed, with gloo")


def test_a_torch_whose_ranks_cannot_talk_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "nowhere0")
    finding = inspections.torch_ranks_here()

    assert finding.level == FAULT
    assert "torch.distributed does not work here: " in finding.text
    assert "nowhere0" in finding.text


def test_the_launcher_of_another_package_is_asked_whether_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(TorchLauncher):
        def check(self) -> None:
            raise DispatchError("The cluster is away.")

    monkeypatch.setattr(registry, "names", lambda group: ["horovod", "mine", "torch"])
    monkeypatch.setattr(inspections, "launcher", lambda name: {"mine": Mine()}[name])

    assert inspections.other_launchers() == [
        Finding("launcher", "`mine` is not usable", NOTE, "The cluster is away.")
    ]


def test_a_server_extension_that_the_user_disabled_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    said = '{"ServerApp": {"jpserver_extensions": {"akidlab.server": %s}}}'
    (tmp_path / "jupyter_server_config.json").write_text(said % "false")
    disabled = inspections.server_extension()
    (tmp_path / "jupyter_server_config.json").write_text(said % "true")
    enabled = inspections.server_extension()

    assert (disabled.level, enabled.level) == (FAULT, GOOD)
    assert "jupyter server extension enable akidlab.server" in disabled.remedy


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    finding = inspections.folder("AKID_RUNS", tmp_path / "file" / "runs")

    assert finding.level == FAULT
    assert finding.remedy == "Set AKID_RUNS to a folder that can be written."


def test_a_disk_that_is_nearly_full_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspections, "_SMALL_DISK", 10**30)

    assert inspections.disk().level == FAULT


def test_a_library_that_crashes_does_not_take_the_doctor_along() -> None:
    says, trouble = inspections._ask("import os; os.kill(os.getpid(), 9)")

    assert (says, trouble) == (None, "it ended with status -9")
