"""Horovod for the torch that is installed here: built once, kept, installed, and tried on two ranks."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from akidlab.config import cache_path
from akidlab.dispatch.horovod_wheel import HOROVOD, build_wheel, parallel_compilers
from akidlab.dispatch.rank_check import check_ranks
from akidlab.dispatch.toolchain import Cuda, Toolchain, TorchBuild
from akidlab.errors import InstallError

NCCL_CHOICES = ("auto", "on", "off")


@dataclass(frozen=True)
class WheelKey:
    """What a built Horovod fits: a wheel is used again only where all of this is the same.

    Example:
        >>> str(WheelKey("0.28.1", "2.13.0+cpu", "cp311", "linux-x86_64-glibc2.36", "gloo"))
        'horovod-0.28.1-torch-2.13.0+cpu-cp311-linux-x86_64-glibc2.36-gloo'
    """

    horovod: str
    torch: str
    python: str
    platform: str
    transport: str

    def __str__(self) -> str:
        return f"horovod-{self.horovod}-torch-{self.torch}-{self.python}-{self.platform}-{self.transport}"

    @classmethod
    def here(cls, torch: TorchBuild, cuda: Cuda | None = None) -> WheelKey:
        """The key of this machine, this Python and this torch."""
        libc = "".join(platform.libc_ver())
        # Some CUDA builds call themselves 2.13.0, like the CPU's: what they were built with tells them apart.
        local = f"+cu{torch.cuda.replace('.', '')}" if torch.cuda and "+" not in torch.version else ""
        cards = "-".join(f"sm{capability}" for capability in cuda.capabilities) if cuda else ""
        return cls(
            horovod=HOROVOD,
            torch=torch.version + local,
            python=f"{sys.implementation.cache_tag.replace('cpython-', 'cp')}{getattr(sys, 'abiflags', '')}",
            platform="-".join(part for part in (sysconfig.get_platform(), libc) if part),
            transport=f"nccl-{cards}" if cuda else "gloo",
        )


@dataclass(frozen=True)
class InstalledHorovod:
    """The Horovod of this environment, read without importing it.

    Args:
        version: its release.
        torch: the torch that it was compiled for, as it recorded it; None when it cannot run torch at all.
        sha256: the digest of the wheel that it came from, where pip noted one.
    """

    version: str
    torch: str | None
    sha256: str | None

    @classmethod
    def find(cls) -> InstalledHorovod | None:
        """What is installed, or None."""
        try:
            found = importlib.metadata.distribution("horovod")
        except importlib.metadata.PackageNotFoundError:
            return None
        built = Path(str(found.locate_file("horovod/metadata.json")))
        # Horovod writes its record by appending to a file: tolerate what is not quite JSON.
        torch = None
        with contextlib.suppress(OSError, ValueError):
            torch = json.loads(built.read_text()).get("pytorch")
        return cls(version=found.version, torch=torch, sha256=_digest_noted_by_pip(found))

    def fits(self, torch: TorchBuild) -> bool:
        """Whether this is the release that akidlab uses, compiled for `torch`."""
        return self.version == HOROVOD and self.torch == torch.version


def install_horovod(
    *,
    nccl: str = "auto",
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Path | None:
    """Have a Horovod here that works with the installed torch.

    A wheel is built when the cache holds none that fits, and kept there; it is installed when something else
    is installed; and two ranks must agree on a sum before this returns.

    Args:
        nccl: `on`, `off`, or `auto`: with NCCL where a CUDA device, the toolkit and NCCL are found.
        force: build anew although a fitting wheel is there.
        say: told what happens, a sentence at a time.
        progress: told the share of the compilation that is done, 0 to 1.

    Returns:
        The wheel, or None when what was installed already fits and came from elsewhere.

    Raises:
        InstallError: when a tool is missing, the build fails, or the ranks do not agree.

    Example:
        >>> install_horovod(say=print)  # doctest: +SKIP
    """
    if nccl not in NCCL_CHOICES:
        raise InstallError(f"`--nccl` is `auto`, `on` or `off`, not `{nccl}`.")
    torch = TorchBuild.installed()
    cuda = _choose_cuda(nccl, torch, say)
    key = WheelKey.here(torch, cuda)
    installed = InstalledHorovod.find()
    wheel = None if force else cached_wheel(key)
    if wheel is None and not force and cuda is None and installed is not None and installed.fits(torch):
        say(f"Horovod {installed.version} for torch {torch.version} is installed already.")
    else:
        wheel = wheel or _build_once(key, cuda, force, say, progress)
        _install(wheel, installed, say)
    say("Trying two ranks ...")
    started = time.monotonic()
    check_ranks()
    say(f"Two ranks agree ({time.monotonic() - started:.1f} s). Horovod is ready.")
    return wheel


def wheels_path() -> Path:
    """Where built wheels are kept, one folder each: outside every checkout and environment."""
    return cache_path() / "wheels"


def cached_wheel(key: WheelKey) -> Path | None:
    """The wheel that was built for `key` and is whole, or None."""
    folder = wheels_path() / str(key)
    try:
        record = json.loads((folder / "record.json").read_text())
        wheel = folder / record["wheel"]
        return wheel if _digest(wheel) == record["sha256"] else None
    except (OSError, ValueError, KeyError):
        return None


@contextlib.contextmanager
def building(key: WheelKey, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Hold the right to build `key`; a second process waits here for the first.

    Raises:
        InstallError: if the cache cannot be written.
    """
    import fcntl

    lock = wheels_path() / f"{key}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise InstallError(
            f"The cache of wheels {lock.parent} cannot be written ({error.strerror}). "
            "Set AKIDLAB_CACHE to a folder that can."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is building Horovod for the same torch; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def keep_wheel(key: WheelKey, folder: Path, **facts: object) -> Path:
    """Move the wheel in `folder` into the cache in one step, with a record of what it is.

    Args:
        key: what the wheel fits.
        folder: a folder on the cache's file system that holds the wheel; it is gone afterwards.
        facts: more for the record, for instance how long the build took.
    """
    wheel = next(iter(sorted(folder.glob("*.whl"))))
    record = {**asdict(key), "wheel": wheel.name, "sha256": _digest(wheel), **facts}
    (folder / "record.json").write_text(json.dumps(record, indent=1) + "\n")
    home = wheels_path() / str(key)
    if home.exists():
        shutil.rmtree(home)
    os.replace(folder, home)
    return home / wheel.name


def _build_once(
    key: WheelKey,
    cuda: Cuda | None,
    force: bool,
    say: Callable[[str], None],
    progress: Callable[[float], None],
) -> Path:
    tools = Toolchain.find()
    with building(key, say):
        if not force and (wheel := cached_wheel(key)) is not None:
            return wheel  # built by the process that was waited for
        with_what = "Gloo and NCCL" if cuda else "Gloo"
        say(
            f"Compiling Horovod {HOROVOD} for torch {key.torch} with {with_what} "
            f"({parallel_compilers()} at a time; minutes, once) ..."
        )
        started = time.monotonic()
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=wheels_path()))
        try:
            build_wheel(scratch, tools, cuda=cuda, log=wheels_path() / f"{key}.log", progress=progress)
            seconds = round(time.monotonic() - started, 1)
            wheel = keep_wheel(key, scratch, seconds=seconds, compiler=tools.compiler)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    say(f"Built in {seconds:.0f} s; kept as {wheel}")
    return wheel


def _choose_cuda(nccl: str, torch: TorchBuild, say: Callable[[str], None]) -> Cuda | None:
    if nccl == "off" or (nccl == "auto" and torch.cuda is None):
        return None
    try:
        return Cuda.find(torch)
    except InstallError as lacking:
        if nccl == "on":
            raise
        say(f"Building without NCCL. {lacking}")
        return None


def _install(wheel: Path, installed: InstalledHorovod | None, say: Callable[[str], None]) -> None:
    if installed is not None and installed.sha256 == _digest(wheel):
        say(f"Horovod {installed.version} for torch {installed.torch} is installed already.")
        return
    say(f"Installing {wheel.name} ...")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--force-reinstall",
        str(wheel),
    ]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise InstallError(f"pip did not install {wheel}:\n{done.stdout.strip()}")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _digest_noted_by_pip(found: importlib.metadata.Distribution) -> str | None:
    """PEP 610's note of the archive: `hashes`, or `hash` as older pips wrote it."""
    archive = json.loads(found.read_text("direct_url.json") or "{}").get("archive_info", {})
    return archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=") or None
