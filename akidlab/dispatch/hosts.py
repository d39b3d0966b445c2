"""Hosts: the machines that ranks run on, how many each holds, and how it is reached."""

from __future__ import annotations

import os
import re
import shlex
import socket
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import psutil

from akidlab.errors import DispatchError

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")  # never an option of ssh
WAYS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=6")
ALIVE = ("-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3")  # a dead host is noticed in 6 s


@dataclass(frozen=True)
class Hosts:
    """Machines with slots for ranks, in the order in which they are filled.

    Args:
        slots: how many ranks each holds.
        port: where their sshd listens, if not where ssh looks by itself.
        identity: the file of the key for ssh.
        interface: the network interface that ranks talk over; by default whichever reaches the other side.

    Example:
        >>> hosts = Hosts.parse("a:2,b:2")
        >>> hosts.place(3)
        ['a', 'a', 'b']
    """

    slots: Mapping[str, int] = field(default_factory=dict)
    port: int | None = None
    identity: str | None = None
    interface: str | None = None

    @classmethod
    def parse(cls, text: str, **ways: Any) -> Hosts:
        """The hosts that `-H` names, such as `a:2,b:2`; a host without a number has one slot.

        Args:
            text: what stands behind `-H`.
            ways: `port`, `identity` and `interface`, by default what AKIDLAB_INTERFACE says.

        Raises:
            DispatchError: if it is no list of hosts, or names one twice.
        """
        ways["interface"] = ways.get("interface") or os.environ.get("AKIDLAB_INTERFACE")
        return cls(_slots([part.strip() for part in text.split(",")], f"`-H {text}`"), **ways)

    @classmethod
    def of_lines(cls, lines: Iterable[str], source: str) -> Hosts:
        """The hosts that a script of discovery prints, one in a line: `a:2`.

        Raises:
            DispatchError: if a line is none of a host, or one is named twice.
        """
        return cls(_slots([line.strip() for line in lines if line.strip()], source))

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any] | None) -> Hosts | None:
        """What `to_plain` told."""
        return None if plain is None else cls(**plain)

    def to_plain(self) -> dict[str, Any]:
        """In plain values."""
        return asdict(self)

    @property
    def total(self) -> int:
        """How many ranks they hold together."""
        return sum(self.slots.values())

    @property
    def remote(self) -> list[str]:
        """Those that are other machines."""
        return [host for host in self.slots if not is_here(host)]

    def check(self, np: int) -> None:
        """See that they hold `np` ranks.

        Raises:
            DispatchError: if they do not.
        """
        if np > self.total:
            raise DispatchError(
                f"`-np {np}` needs {np} slots, and `-H {self}` has {self.total}. Name more hosts or slots,"
                f" or say `-np {self.total}`."
            )

    def place(self, np: int) -> list[str]:
        """The host of each rank, in the order of the ranks."""
        return [host for host, slots in self.slots.items() for _ in range(slots)][:np]

    def first(self, np: int) -> Hosts:
        """The hosts, and the slots, that `np` ranks take."""
        placed = self.place(np)
        return replace(self, slots={host: placed.count(host) for host in dict.fromkeys(placed)})

    def without(self, lost: Iterable[str]) -> Hosts:
        """Those that are left."""
        gone = set(lost)
        return replace(self, slots={host: n for host, n in self.slots.items() if host not in gone})

    def ssh(self, host: str, command: str) -> list[str]:
        """What runs `command` in the shell of a host: never asks anything, and notices when it is gone."""
        port = [] if self.port is None else ["-p", str(self.port)]
        key = [] if self.identity is None else ["-i", self.identity]
        return ["ssh", *WAYS, *ALIVE, *port, *key, host, command]

    def command(self, host: str, words: Iterable[str], env: Mapping[str, str], folder: str) -> list[str]:
        """What runs the program `words` on a host, in the folder of this name there.

        Args:
            host: which.
            words: the program and its arguments.
            env: variables for it; everybody on the host can read them.
            folder: where it works; where there is none, in the home of the user.
        """
        given = [f"{name}={value}" for name, value in env.items()]
        return self.ssh(
            host, f"cd {shlex.quote(folder)} 2>/dev/null; exec {shlex.join(['env', *given, *words])}"
        )

    def __str__(self) -> str:
        return ",".join(f"{host}:{slots}" for host, slots in self.slots.items())


def is_here(host: str) -> bool:
    """True if it is a name or an address of this machine.

    Example:
        >>> is_here("localhost"), is_here("192.0.2.1")
        (True, False)
    """
    try:
        address = socket.gethostbyname(host)
    except OSError:
        return False
    return address.startswith("127.") or address in _addresses()


def own_address(peer: str, interface: str | None = None) -> str:
    """The address of this machine at which `peer` reaches it.

    Args:
        peer: a host, or its address.
        interface: the interface that is to be taken, whatever the routes say.

    Raises:
        DispatchError: if there is no such host, way, or interface.
    """
    if interface is not None:
        known = psutil.net_if_addrs()
        for found in known.get(interface, []):
            if found.family == socket.AF_INET:
                return found.address
        raise DispatchError(
            f"This machine has no network interface `{interface}` with an address. Known: {', '.join(known)}."
        )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((peer, 9))  # asks for the way only: nothing is sent
        except OSError as error:
            raise DispatchError(f"There is no way to the host `{peer}`: {error}.") from None
        return str(probe.getsockname()[0])


def listening_address(hosts: Hosts | None) -> str:
    """Where a supervisor listens: loopback, unless there are other hosts, or an interface was named.

    Example:
        >>> listening_address(None)
        '127.0.0.1'
    """
    if hosts is None or not (hosts.remote or hosts.interface):
        return "127.0.0.1"
    return own_address(next(iter(hosts.remote), ""), hosts.interface)


def interface_of(address: str) -> str:
    """The network interface with this address.

    Example:
        >>> interface_of("127.0.0.1").startswith("lo")
        True
    """
    for name, addresses in psutil.net_if_addrs().items():
        if any(found.address == address for found in addresses):
            return name
    raise DispatchError(f"This machine has no network interface with the address {address}.")


def name_interface(environment: MutableMapping[str, str]) -> None:
    """Put right which interface Horovod was told of: on another host it may be called otherwise.

    Example:
        >>> told = {"HOROVOD_GLOO_IFACE": "eth77", "HOROVOD_GLOO_RENDEZVOUS_ADDR": "127.0.0.1"}
        >>> name_interface(told)
        >>> told["HOROVOD_GLOO_IFACE"].startswith("lo")
        True
    """
    told = environment.get("HOROVOD_GLOO_IFACE")
    if told is not None and told not in psutil.net_if_addrs():
        environment["HOROVOD_GLOO_IFACE"] = interface_of(
            own_address(environment["HOROVOD_GLOO_RENDEZVOUS_ADDR"])
        )


def _slots(words: list[str], source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        host, colon, number = word.partition(":")
        if not _HOST.fullmatch(host):
            raise DispatchError(f"{source}: expected hosts such as `a:2,b:2`, found `{word}`.")
        if colon and not (number.isascii() and number.isdigit()):
            raise DispatchError(f"{source}: the slots of `{host}` are a whole number, found `{number}`.")
        if colon and int(number) < 1:
            raise DispatchError(f"{source}: `{host}` has no slot; give it one or more, or leave it out.")
        if host in found:
            raise DispatchError(f"{source}: `{host}` is named twice; add its slots up.")
        found[host] = int(number or 1)
    return found


def _addresses() -> set[str]:
    return {found.address for all_of_one in psutil.net_if_addrs().values() for found in all_of_one}
