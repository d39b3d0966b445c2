"""One process at a time: what many ranks need is fetched or computed by one, while the others wait."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from akidlab.config import runtime_path


@contextlib.contextmanager
def alone(what: Path) -> Iterator[None]:
    """Wait until no other process or thread on this host is inside for `what`, then go in.

    Whoever waited finds done what it wanted to do, so that it has to look again. A process that dies inside
    lets the next one in. Where the system knows no such locks nobody waits, which costs time alone.

    Args:
        what: the path that is about to be made.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            name = hashlib.sha256(str(what.absolute()).encode()).hexdigest()[:16]
            file = stack.enter_context(open(runtime_path() / f"{name}.lock", "wb"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
