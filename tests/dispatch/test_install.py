"""Building Horovod: what is missing is said, what was built is kept, two ranks prove it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from akidlab.dispatch import toolchain
from akidlab.dispatch.horovod_wheel import HOROVOD, build_environment, build_wheel, percent, write_compiler
from akidlab.dispatch.install import (
    InstalledHorovod,
    WheelKey,
    building,
    cached_wheel,
    install_horovod,
    keep_wheel,
    wheels_path,
)
from akidlab.dispatch.rank_check import check_ranks
from akidlab.dispatch.toolchain import Cuda, Toolchain, TorchBuild
from akidlab.errors import InstallError
from tests.patience import PATIENCE, until
from tests.processes import offspring

KEY = WheelKey("0.28.1", "2.13.0+cpu", "cp311", "linux-x86_64-glibc2.36", "gloo")
NEEDS_HOROVOD = pytest.mark.skipif(
    InstalledHorovod.find() is None, reason="Horovod is not installed: run `akidlab install-horovod`"
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_CACHE", str(tmp_path / "cache"))


def _command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "akidlab.cli", "install-horovod", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


def test_a_machine_without_a_compiler_is_told_what_to_install(tmp_path: Path) -> None:
    done = _command("--force", PATH=str(tmp_path), CXX="")

    assert done.returncode == 1
    assert "Horovod is compiled on this machine, and that needs:" in done.stderr
    assert "- a C++ compiler (g++): " in done.stderr
    assert "- make: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cmake_of_a_newer_generation_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cmake").write_text("#!/bin/sh\necho cmake version 4.1.0\n")
    (tmp_path / "cmake").chmod(0o755)
    monkeypatch.setattr(toolchain, "scripts_path", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InstallError, match=r"cmake, at least 3.13 and before 4: `.*pip install 'cmake<4'`"):
        Toolchain.find()


def test_the_cmake_of_an_environment_that_is_not_activated_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cmake").write_text("#!/bin/sh\necho cmake version 3.31.10\n")
    (tmp_path / "cmake").chmod(0o755)
    monkeypatch.setattr(toolchain, "scripts_path", lambda: tmp_path)

    assert toolchain.find_cmake() == str(tmp_path / "cmake")


@pytest.mark.skipif(TorchBuild.installed().cuda is not None, reason="this torch has CUDA")
def test_nccl_without_cuda_is_refused_with_the_reason() -> None:
    done = _command("--nccl", "on")

    assert done.returncode == 1
    assert f"torch {TorchBuild.installed().version} is a build for the CPU" in done.stderr


def test_cards_can_be_named_where_none_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOROVOD_BUILD_CUDA_CC_LIST", "90,80")

    assert toolchain._capabilities() == (80, 90)


def test_a_choice_of_nccl_that_is_none_is_refused() -> None:
    with pytest.raises(InstallError, match="`--nccl` is `auto`, `on` or `off`, not `maybe`"):
        install_horovod(nccl="maybe")


def test_a_build_with_nccl_names_the_cards_and_finds_the_library_under_its_plain_name(tmp_path: Path) -> None:
    cuda = Cuda(Path("/opt/cuda"), Path("/opt/nccl/include"), Path("/opt/nccl/lib/libnccl.so.2"), (80, 90))

    built = build_environment(tmp_path, Toolchain("g++", "make", "cmake"), cuda)

    assert built["HOROVOD_GPU_OPERATIONS"] == "NCCL"
    assert built["HOROVOD_BUILD_CUDA_CC_LIST"] == "80,90"
    assert os.readlink(Path(built["HOROVOD_NCCL_LIB"]) / "libnccl.so") == "/opt/nccl/lib/libnccl.so.2"


@pytest.mark.skipif(toolchain.find_compiler() is None, reason="there is no C++ compiler here")
def test_the_compiler_is_told_c20_last_and_given_cstdint(tmp_path: Path) -> None:
    compiler = toolchain.find_compiler()
    assert compiler is not None
    source = tmp_path / "here and there.cc"
    source.write_text("static_assert(__cplusplus >= 202002L); std::uint8_t byte = 7;\n")

    wrapper = write_compiler(tmp_path, compiler)
    done = subprocess.run(
        [str(wrapper), "-std=c++14", "-fsyntax-only", str(source)], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(toolchain.find_compiler() is None, reason="there is no C++ compiler here")
def test_the_compiler_is_told_nothing_when_nvcc_calls_it(tmp_path: Path) -> None:
    compiler = toolchain.find_compiler()
    assert compiler is not None
    source = tmp_path / "kernel.cc"
    source.write_text("static_assert(__cplusplus == 201402L);\n")

    wrapper = write_compiler(tmp_path, compiler)
    command = [str(wrapper), "-std=c++14", "-D__CUDACC__", "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("  [  2%] Building CXX object gloo.dir/algorithm.cc.o", 0.02),
        ("[100%] Built target pytorch", 1.0),
        ("copying horovod/torch/mpi_ops.py", None),
    ],
)
def test_the_share_that_is_compiled_is_read_from_make(line: str, share: float | None) -> None:
    assert percent(line) == share


def test_a_build_that_fails_says_why_and_where_the_log_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    log = tmp_path / "build.log"

    with pytest.raises(InstallError, match="No matching distribution found for horovod") as caught:
        build_wheel(tmp_path, Toolchain("g++", "make", "cmake"), log=log)
    assert str(log) in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(WheelKey)])
def test_a_wheel_is_used_again_only_where_everything_is_the_same(field: str) -> None:
    other = dataclasses.replace(KEY, **{field: "other"})

    keep_wheel(KEY, _built())

    assert cached_wheel(KEY) is not None
    assert cached_wheel(other) is None


def test_the_key_tells_builds_of_torch_and_cards_apart() -> None:
    cuda = Cuda(Path(), Path(), Path(), (80, 90))
    keys = {
        str(WheelKey.here(TorchBuild("2.13.0+cpu", None))),
        str(WheelKey.here(TorchBuild("2.13.0+cu130", "13.0"))),
        str(WheelKey.here(TorchBuild("2.13.0+cu130", "13.0"), cuda)),
        str(WheelKey.here(TorchBuild("2.13.0", None))),
        str(WheelKey.here(TorchBuild("2.13.0", "13.0"))),
    }

    assert len(keys) == 4  # 2.13.0 with CUDA 13.0 is 2.13.0+cu130
    assert all(f"cp{sys.version_info[0]}{sys.version_info[1]}" in key for key in keys)


def test_a_kept_wheel_has_a_record_and_nothing_is_left_beside_it() -> None:
    wheel = keep_wheel(KEY, _built(), seconds=85.1)

    record = json.loads((wheel.parent / "record.json").read_text())
    assert record["torch"] == "2.13.0+cpu"
    assert record["seconds"] == 85.1
    assert cached_wheel(KEY) == wheel
    assert [path.name for path in wheels_path().iterdir()] == [str(KEY)]


def test_a_wheel_that_was_built_anew_replaces_the_one_before() -> None:
    keep_wheel(KEY, _built(b"old"))

    wheel = keep_wheel(KEY, _built(b"new"))

    assert wheel.read_bytes() == b"new"
    assert cached_wheel(KEY) == wheel


def test_a_torn_wheel_is_not_used() -> None:
    wheel = keep_wheel(KEY, _built())

    wheel.write_bytes(b"hal")

    assert cached_wheel(KEY) is None


def test_a_second_build_waits_for_the_first_and_says_so() -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with building(KEY, say=lambda text: (order.append(text), waiting.set())):
            order.append("second")

    thread = threading.Thread(target=second)
    with building(KEY):
        thread.start()
        assert waiting.wait(PATIENCE)
        order.append("first")
    thread.join(PATIENCE)

    assert order == [
        "Another process is building Horovod for the same torch; waiting for it ...",
        "first",
        "second",
    ]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AKIDLAB_CACHE", str(tmp_path / "file"))

    with (
        pytest.raises(InstallError, match=r"cannot be written \(Not a directory\). Set AKIDLAB_CACHE"),
        building(KEY),
    ):
        pass


def test_what_is_installed_is_read_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend_installed(tmp_path, version=HOROVOD, torch="2.12.0")
    monkeypatch.syspath_prepend(str(tmp_path))

    installed = InstalledHorovod.find()

    assert installed == InstalledHorovod(version=HOROVOD, torch="2.12.0", sha256="abc")
    assert installed.fits(TorchBuild("2.12.0", None))
    assert not installed.fits(TorchBuild("2.13.0+cpu", None))


@NEEDS_HOROVOD
@pytest.mark.ranks
def test_two_ranks_agree_on_a_sum() -> None:
    check_ranks(timeout=2 * PATIENCE)


@NEEDS_HOROVOD
@pytest.mark.ranks
def test_ranks_that_take_too_long_are_ended_and_none_is_left() -> None:
    with pytest.raises(InstallError, match=r"two ranks on this machine did not agree within 0.05 s"):
        check_ranks(timeout=0.05)
    until(lambda: not offspring("hvd.allreduce"))


@NEEDS_HOROVOD
@pytest.mark.ranks
def test_the_command_installs_nothing_when_all_is_well() -> None:
    done = _command("--nccl", "off")

    assert (done.returncode, done.stderr) == (0, "")
    assert "is installed already." in done.stdout
    assert "Horovod is ready." in done.stdout


def _built(content: bytes = b"wheel") -> Path:
    """A folder in the cache with a wheel, as a build leaves it."""
    folder = wheels_path() / ".building-test"
    folder.mkdir(parents=True)
    (folder / "horovod-0.28.1-cp311-cp311-linux_x86_64.whl").write_bytes(content)
    return folder


def _pretend_installed(folder: Path, *, version: str, torch: str) -> None:
    about = folder / f"horovod-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: horovod\nVersion: {version}\n")
    (about / "direct_url.json").write_text('{"archive_info": {"hash": "sha256=abc"}, "url": "file:///x.whl"}')
    (folder / "horovod").mkdir()
    (folder / "horovod/metadata.json").write_text(f'{{\n"pytorch": "{torch}",\n"dummy": "none"\n}}\n')
