"""What this machine has for building Horovod, and what it lacks."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from akidlab.errors import InstallError

NEEDED_PACKAGES = ("cffi", "cloudpickle", "packaging", "pip", "psutil", "pyyaml", "setuptools", "wheel")
CARDS = "HOROVOD_BUILD_CUDA_CC_LIST"  # the capabilities to build for, in Horovod's own words

_MANAGERS = {  # the command of each, and the packages that it calls otherwise
    "apt-get": ("apt-get install", {"python-dev": "python{version}-dev"}),
    "dnf": ("dnf install", {"g++": "gcc-c++", "python-dev": "python3-devel"}),
    "pacman": ("pacman -S", {"g++": "gcc", "python-dev": "python"}),
    "apk": ("apk add", {"python-dev": "python3-dev"}),
    "brew": ("brew install", {"g++": "gcc", "python-dev": "python@{version}"}),
}


@dataclass(frozen=True)
class TorchBuild:
    """The torch that is installed here, read without importing it.

    Args:
        version: what `torch.__version__` says, for instance `2.13.0+cpu`.
        cuda: the CUDA that it was built with, or None.
    """

    version: str
    cuda: str | None

    @classmethod
    def installed(cls) -> TorchBuild:
        """Read `torch/version.py`.

        Raises:
            InstallError: if there is no torch here.
        """
        spec = importlib.util.find_spec("torch")
        if spec is None or spec.origin is None:
            raise InstallError(
                f"There is no torch in {sys.prefix}, and Horovod is built against it. "
                "Install it first: `pip install torch==2.13.0`."
            )
        facts = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
        return cls(version=facts["__version__"], cuda=facts.get("cuda"))


@dataclass(frozen=True)
class Toolchain:
    """The programs that a build uses, by path."""

    compiler: str
    make: str
    cmake: str

    @classmethod
    def find(cls) -> Toolchain:
        """The tools of this machine.

        Raises:
            InstallError: naming every tool that is missing, and how to get it.
        """
        compiler, make, cmake = find_compiler(), find_make(), find_cmake()
        missing = _missing_packages()
        if compiler is None:
            missing.append(f"a C++ compiler (g++): {_get('g++')}")
        if make is None:
            missing.append(f"make: {_get('make')}")
        if cmake is None:
            missing.append(f"cmake, at least 3.13 and before 4: {_pip('cmake<4')}")
        if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
            missing.append(f"the headers of Python (Python.h): {_get('python-dev')}")
        if missing or compiler is None or make is None or cmake is None:
            listed = "".join(f"\n  - {line}" for line in missing)
            raise InstallError(f"Horovod is compiled on this machine, and that needs:{listed}")
        return cls(compiler=compiler, make=make, cmake=cmake)


def scripts_path() -> Path:
    """Where this Python's commands lie, also when its environment is not activated."""
    return Path(sysconfig.get_path("scripts"))


def find_compiler() -> str | None:
    """The C++ compiler: what `CXX` names, else g++, else whatever answers to c++."""
    named = os.environ.get("CXX")
    return next(
        (path for name in (named, "g++", "c++", "clang++") if name and (path := shutil.which(name))), None
    )


def find_make() -> str | None:
    """The make program."""
    return shutil.which("make") or shutil.which("gmake")


def find_cmake() -> str | None:
    """A cmake that Horovod's build accepts, this environment's before the machine's."""
    candidates = (shutil.which("cmake", path=str(scripts_path())), shutil.which("cmake"))
    return next((path for path in candidates if path and (3, 13) <= _cmake_version(path) < (4,)), None)


@dataclass(frozen=True)
class Cuda:
    """What a build with NCCL needs: the toolkit, NCCL's headers and library, the cards' capabilities."""

    home: Path
    nccl_include: Path
    nccl_library: Path
    capabilities: tuple[int, ...]

    @classmethod
    def find(cls, torch: TorchBuild) -> Cuda:
        """CUDA as seen from this environment.

        Raises:
            InstallError: saying the first thing that is missing.
        """
        if torch.cuda is None:
            raise InstallError(
                f"NCCL needs a torch built with CUDA, and torch {torch.version} is a build for the CPU. "
                "Install a CUDA build of torch, or use `--nccl off`."
            )
        capabilities = _capabilities()
        if not capabilities:
            raise InstallError(
                "NCCL needs a CUDA device, and torch sees none. Look at `nvidia-smi`; name the cards that it"
                f" is for ({CARDS}=80,90); or use `--nccl off`."
            )
        home = _cuda_home()
        if home is None:
            raise InstallError(
                f"NCCL needs the CUDA toolkit {torch.cuda} (nvcc), and it was not found. "
                "Install it and set CUDA_HOME, or use `--nccl off`."
            )
        nccl = _nccl()
        if nccl is None:
            raise InstallError(
                "NCCL's header (nccl.h) and library were not found. Install `nvidia-nccl-cu"
                f"{torch.cuda.split('.')[0]}` with pip or libnccl-dev, or use `--nccl off`."
            )
        return cls(home, *nccl, capabilities)


def _missing_packages() -> list[str]:
    def absent(package: str) -> bool:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return True
        return False

    names = [package for package in NEEDED_PACKAGES if absent(package)]
    hint = f"`{sys.executable} -m ensurepip`" if names == ["pip"] else _pip(*names)
    return [f"the Python packages {', '.join(names)}: {hint}"] if names else []


def _get(tool: str) -> str:
    """How to get a tool of the system, by the package manager that is here."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.environ.get("CONDA_PREFIX") and tool != "python-dev":
        return f"`conda install -c conda-forge {'cxx-compiler' if tool == 'g++' else tool}`"
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"])
    for manager, (command, packages) in _MANAGERS.items():
        if shutil.which(manager, path=path):
            sudo = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
            return f"`{sudo}{command} {packages.get(tool, tool).format(version=version)}`"
    return "install it with the package manager of this system"


def _pip(*packages: str) -> str:
    quoted = " ".join(f"'{package}'" if "<" in package else package for package in packages)
    return f"`{sys.executable} -m pip install {quoted}`"


def _cmake_version(path: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"version (\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _capabilities() -> tuple[int, ...]:
    """Of the cards here, or of those that are named: an image is built where there are none."""
    named = os.environ.get(CARDS, "")
    if named:
        return tuple(sorted({int(word) for word in re.findall(r"\d+", named)}))
    code = (
        "import json, torch; n = torch.cuda.device_count(); "
        "print(json.dumps([torch.cuda.get_device_capability(i) for i in range(n)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else []
    return tuple(sorted({10 * major + minor for major, minor in found}))


def _cuda_home() -> Path | None:
    nvcc = shutil.which("nvcc")
    places = [os.environ.get("CUDA_HOME"), nvcc and Path(nvcc).resolve().parents[1], "/usr/local/cuda"]
    return next((Path(place) for place in places if place and (Path(place) / "bin/nvcc").exists()), None)


def _nccl() -> tuple[Path, Path] | None:
    """Where nccl.h and libnccl lie: in NVIDIA's wheel beside torch, else in the system."""
    wheel = Path(sysconfig.get_path("purelib")) / "nvidia/nccl"
    system = [(Path("/usr/include"), Path("/usr/lib") / f"{os.uname().machine}-linux-gnu")]
    for include, folder in [(wheel / "include", wheel / "lib"), *system]:
        libraries = sorted(folder.glob("libnccl.so*"))
        if (include / "nccl.h").exists() and libraries:
            return include, libraries[0]
    return None
