"""Where ranks run: the options of `%akid_train` that name hosts, and that let them come and go."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from akidlab.errors import DispatchError, MagicError
from akidlab.magics import arguments

if TYPE_CHECKING:
    from akidlab.dispatch.elastic import Where

OPTIONS = {  # as argparse calls what they are called in a cell
    "hosts": "-H",
    "ssh_port": "--ssh-port",
    "ssh_identity_file": "--ssh-identity-file",
    "network_interface": "--network-interface",
    "min_np": "--min-np",
    "max_np": "--max-np",
    "discover": "--discover",
}


def where(asked: argparse.Namespace) -> Where | None:
    """Where the ranks are to be; None for this machine.

    Raises:
        MagicError: if there are to be no ranks, or it cannot be read.

    Example:
        >>> from argparse import Namespace
        >>> asked = Namespace(**dict.fromkeys(OPTIONS), np="2")
        >>> asked.hosts = "a,b:2"
        >>> print(where(asked).hosts)
        a:1,b:2
    """
    told = [option for name, option in OPTIONS.items() if getattr(asked, name) is not None]
    if not told:
        return None
    if asked.np is None:
        raise MagicError(f"`{told[0]}` is about ranks: say how many with `-np 2`, or leave it out.")
    from akidlab.dispatch.elastic import Elastic, Where
    from akidlab.dispatch.hosts import Hosts

    ways = {
        "port": arguments.whole("--ssh-port", asked.ssh_port),
        "identity": asked.ssh_identity_file,
        "interface": asked.network_interface,
    }
    elastic = Elastic(
        arguments.whole("--min-np", asked.min_np),
        arguments.whole("--max-np", asked.max_np),
        asked.discover,
    )
    is_elastic = elastic != Elastic()
    try:
        if asked.hosts is not None:
            hosts = Hosts.parse(asked.hosts, **ways)
        else:
            hosts = Hosts(**ways) if any(way is not None for way in ways.values()) else None
        np = arguments.whole("-np", asked.np) or 1
        if is_elastic:
            elastic.check(np)
        if hosts is not None and hosts.slots and elastic.discover is None:
            hosts.check(elastic.least or np)
    except DispatchError as error:
        raise MagicError(*error.args) from None
    if hosts is not None and not hosts.slots and elastic.discover is None:
        raise MagicError(f"`{told[0]}` tells how hosts are reached: name them, as in `-H a:2,b:2`.")
    return Where(hosts, elastic if is_elastic else None)
