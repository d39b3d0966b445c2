"""One build of Horovod's wheel: the released source, told what today's torch needs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from akidlab.dispatch.toolchain import Cuda, Toolchain, TorchBuild, scripts_path
from akidlab.errors import InstallError

HOROVOD = "0.28.1"
MEMORY_OF_A_COMPILER = 1_500_000_000  # bytes that one g++ takes on torch's headers
_PERCENT = re.compile(r"\[\s*(\d+)%\]")


def build_wheel(
    folder: Path,
    tools: Toolchain,
    *,
    cuda: Cuda | None = None,
    log: Path,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Path:
    """Compile Horovod for the torch of this environment.

    Args:
        folder: where the wheel goes.
        tools: the programs to use.
        cuda: build with NCCL for these cards; None builds Gloo alone.
        log: the file that keeps whatever pip and the compiler say.
        progress: told the share that is compiled, 0 to 1, as it grows.

    Raises:
        InstallError: with the compiler's first complaints and the path of the log.
    """
    with tempfile.TemporaryDirectory(prefix="akidlab-horovod-") as scratch:
        environment = build_environment(Path(scratch), tools, cuda)
        command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation"]
        command += ["--no-cache-dir", "--no-binary", "horovod", "-w", str(folder), f"horovod=={HOROVOD}"]
        with log.open("w", encoding="utf-8") as kept:
            kept.write(f"{shlex.join(command)}\n")
            status = _run(command, environment, kept.write, progress)
    wheels = sorted(folder.glob("horovod-*.whl"))
    if status != 0 or not wheels:
        raise InstallError(_explain(log))
    progress(1.0)
    return wheels[0]


def build_environment(scratch: Path, tools: Toolchain, cuda: Cuda | None) -> dict[str, str]:
    """The variables of a build; `scratch` receives the compiler wrapper and outlives the build."""
    environment = {
        **os.environ,
        "CXX": str(write_compiler(scratch, tools.compiler)),
        "HOROVOD_CMAKE": tools.cmake,
        "HOROVOD_WITH_PYTORCH": "1",
        "HOROVOD_WITHOUT_TENSORFLOW": "1",
        "HOROVOD_WITHOUT_MXNET": "1",
        "HOROVOD_WITH_GLOO": "1",
        "HOROVOD_WITHOUT_MPI": "1",
        "MAKEFLAGS": f"-j{parallel_compilers()}",
        "PATH": os.pathsep.join([str(scripts_path()), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }
    for name in ("HOROVOD_GPU", "HOROVOD_GPU_OPERATIONS"):
        environment.pop(name, None)
    return environment | (_nccl_environment(scratch, cuda) if cuda else _plain_environment(scratch, tools))


def write_compiler(scratch: Path, compiler: str) -> Path:
    """A compiler with the last word: C++20, which torch's headers want, and `<cstdint>`, which Gloo forgot.

    Horovod's CMake files ask for C++14; a flag that comes last on the command line wins. nvcc, which calls it
    too, has read the code in a dialect of its own and must find it unchanged.
    """
    compiler = shlex.quote(compiler)
    return _write_script(
        scratch / "g++",
        f'case " $* " in *" -D__CUDACC__ "* | *.cudafe1.*) exec {compiler} "$@" ;; esac',
        f'exec {compiler} "$@" -std=c++20 -include cstdint',
    )


def parallel_compilers() -> int:
    """As many compilers at once as there are processors, and memory for them."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, int(psutil.virtual_memory().available // MEMORY_OF_A_COMPILER)))


def percent(line: str) -> float | None:
    """The share that a line of make reports: `[ 42%] Building ...` is 0.42."""
    found = _PERCENT.search(line)
    return int(found[1]) / 100 if found else None


def _plain_environment(scratch: Path, tools: Toolchain) -> dict[str, str]:
    """Keep a toolkit that happens to be here, and may not go with this compiler, out of a build for the CPU.

    A torch with CUDA wants the toolkit also where NCCL is left out.
    """
    if TorchBuild.installed().cuda is not None:
        return {}
    cmake = _write_script(
        scratch / "cmake",
        f'case "$1" in --build) exec {shlex.quote(tools.cmake)} "$@" ;; esac',
        f'exec {shlex.quote(tools.cmake)} "$@" -DCMAKE_DISABLE_FIND_PACKAGE_CUDAToolkit=TRUE',
    )
    return {"HOROVOD_CMAKE": str(cmake), "CUDACXX": str(scratch / "no-nvcc")}


def _write_script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def _nccl_environment(scratch: Path, cuda: Cuda) -> dict[str, str]:
    # NVIDIA's wheel holds libnccl.so.2 alone, and CMake looks for libnccl.so.
    library = scratch / "libnccl.so"
    library.symlink_to(cuda.nccl_library)
    return {
        "CUDA_HOME": str(cuda.home),
        "HOROVOD_CUDA_HOME": str(cuda.home),
        "HOROVOD_GPU_OPERATIONS": "NCCL",
        "HOROVOD_NCCL_INCLUDE": str(cuda.nccl_include),
        "HOROVOD_NCCL_LIB": str(scratch),
        "HOROVOD_NCCL_LINK": "SHARED",
        "HOROVOD_BUILD_CUDA_CC_LIST": ",".join(str(capability) for capability in cuda.capabilities),
    }


def _run(
    command: list[str],
    environment: dict[str, str],
    keep: Callable[[str], object],
    progress: Callable[[float], None],
) -> int:
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                keep(line)
                if (share := percent(line)) is not None:
                    progress(min(share, 0.99))  # make is done before the wheel is
        except BaseException:  # an interrupt must not leave compilers behind
            _end(process)
            raise
    return process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in started:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def _explain(log: Path) -> str:
    """What a failed build said: its first errors, or its last lines."""
    errors = list(_first_errors(log))
    with log.open(encoding="utf-8", errors="replace") as lines:
        shown = errors or [line.rstrip() for line in deque(lines, maxlen=15)]
    said = "\n".join(f"  {line}" for line in shown)
    return (
        f"Horovod {HOROVOD} did not build here:\n{said}\n"
        f"The whole story is in {log}. When a download failed, look at the network and pip's settings; "
        "`akidlab doctor` shows what this machine has."
    )


def _first_errors(log: Path, count: int = 5) -> Iterator[str]:
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if re.search(r"\berror:|CMake Error|ERROR:|fatal:|No matching distribution", line, re.IGNORECASE):
                yield line.strip()
                count -= 1
                if not count:
                    return
