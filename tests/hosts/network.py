"""Hosts made of namespaces: each has a network, processes, a name, memory and an sshd of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SPACES = {"net": "net", "mount": "mnt", "uts": "uts", "pid": "pid"}  # what nsenter and /proc call them
SSHD = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
MaxStartups 100
"""
SSH = """\
Host *
  UserKnownHostsFile {folder}/known_hosts
  LogLevel ERROR
"""
BOOT = """\
mount -t tmpfs none /run && mkdir /run/sshd && mount -t tmpfs none /dev/shm && hostname {name} && \
mount --bind {folder}/hosts /etc/hosts && ip link set lo up && echo up && read ready && {{
{sshd} -D -e -f {folder}/{name}.sshd & cat; }}  # to the end of the test, however that comes
"""


def why_not() -> str | None:
    """Why such hosts cannot be made here; None if they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "hosts made of namespaces need Linux and root"
    for tool in ("ip", "unshare", "nsenter", "ssh", "ssh-keygen", "/usr/sbin/sshd"):
        if shutil.which(tool) is None:
            return f"hosts made of namespaces need `{tool}`: apt-get install openssh-server iproute2"
    made = subprocess.run(["unshare", "-nmup", "--fork", "true"], capture_output=True, check=False)
    return None if made.returncode == 0 else "this machine allows no namespaces"


@dataclass
class Host:
    """One of them."""

    name: str
    address: str
    link: str
    init: subprocess.Popen[str]

    def run(self, *command: str) -> str:
        """What a command says that runs there."""
        inside = [f"--{name}=/proc/{self._inside}/ns/{kind}" for name, kind in SPACES.items()]
        return subprocess.run(
            [
                "nsenter",
                *(word.replace("--mount", "--mount").replace("ns/mount", "ns/mnt") for word in inside),
                *command,
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @property
    def _inside(self) -> int:
        """The first process of the host, as it is called outside."""
        return int(Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children").read_text().split()[0])

    def unplug(self) -> None:
        """Its cable is drawn."""
        _ip("link", "set", self.link, "down")

    def plug_in(self) -> None:
        """Its cable is back."""
        _ip("link", "set", self.link, "up")

    def die(self) -> None:
        """The power fails: nothing is said to anybody."""
        self.unplug()
        self.end()

    def end(self) -> None:
        """All its processes are killed."""
        with contextlib.suppress(IndexError, FileNotFoundError, ProcessLookupError):
            os.kill(self._inside, signal.SIGKILL)
        self.init.wait()
        for pipe in (self.init.stdin, self.init.stdout):
            assert pipe is not None
            pipe.close()


@dataclass
class Network:
    """Some hosts, and this machine, on one bridge."""

    folder: Path
    address: str
    interface: str
    port: int
    hosts: list[Host]

    @property
    def path(self) -> str:
        """The PATH on which `ssh` knows these hosts, and notes nothing in the files of the user."""
        return f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def mend(self) -> None:
        """Put back what has died."""
        for index, host in enumerate(self.hosts):
            if host.init.poll() is not None:
                _delete(host.link)
                self.hosts[index] = _host(
                    self.folder, host.name, host.address, host.link, self.interface, self.port
                )


@contextmanager
def network(folder: Path, names: Sequence[str], port: int = 22) -> Iterator[Network]:
    """Build them; afterwards nothing of them is left.

    Args:
        folder: for their keys.
        names: of the hosts.
        port: where their sshd listens.
    """
    _forget_the_dead()
    number = os.getpid()
    bridge, subnet = f"akid{number}", f"10.{200 + number // 250 % 50}.{number % 250}"
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    hosts: list[Host] = []
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", f"{subnet}.254/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        book = [f"{subnet}.{index} {name}" for index, name in enumerate(names, 1)]
        (folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *book, ""]))
        for index, name in enumerate(names, 1):
            hosts.append(_host(folder, name, f"{subnet}.{index}", f"{bridge}-{index}", bridge, port))
        _ssh(folder)
        _know(folder, hosts, port)
        yield Network(folder, f"{subnet}.254", bridge, port, hosts)
    finally:
        for host in hosts:
            host.end()
        for link in (bridge, *(f"{bridge}-{index}" for index in range(1, len(names) + 1))):
            _delete(link)


def _host(folder: Path, name: str, address: str, link: str, bridge: str, port: int) -> Host:
    sshd = Path(folder / f"{name}.sshd")
    sshd.write_text(SSHD.format(address=address, port=port, folder=folder))
    boot = BOOT.format(name=name, sshd=shutil.which("sshd") or "/usr/sbin/sshd", folder=folder)
    log = os.open(folder / f"{name}.log", os.O_CREAT | os.O_WRONLY)
    init = subprocess.Popen(
        [
            "unshare",
            "--net",
            "--mount",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            boot,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    host = Host(name, address, link, init)
    os.close(log)
    assert init.stdout is not None
    assert init.stdin is not None
    assert init.stdout.readline() == "up\n", (folder / f"{name}.log").read_text()
    _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(host._inside))
    _ip("link", "set", link, "master", bridge, "up")
    # a host that comes back has the address that the others remember
    host.run("ip", "link", "set", "eth0", "address", f"02:00:00:00:00:{int(address.rpartition('.')[2]):02x}")
    host.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
    host.run("ip", "link", "set", "eth0", "up")
    init.stdin.write("go\n")
    init.stdin.flush()
    return host


def _know(folder: Path, hosts: list[Host], port: int) -> None:
    """Note their keys, as a user does who has been there."""
    key = (folder / "host_key.pub").read_text()
    names = [host.address if port == 22 else f"[{host.address}]:{port}" for host in hosts]
    (folder / "known_hosts").write_text("".join(f"{name} {key}" for name in names))


def _ssh(folder: Path) -> None:
    (folder / "config").write_text(SSH.format(folder=folder))
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
    wrapper.chmod(0o755)


def _forget_the_dead() -> None:
    """Take away the bridges of tests that were killed."""
    for _, link in socket.if_nameindex():
        if (match := re.fullmatch(r"akid(\d+)", link)) and not Path(f"/proc/{match[1]}").exists():
            _delete(link)


def _delete(link: str) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):  # it goes with its host, a little later
        _ip("link", "delete", link)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
