"""Commits of a rank on another host: the supervisor keeps them, and sends them where they are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.dispatch import commits
from akidlab.kids import checkpoint, commit
from akidlab.worker.commits import Commits

if TYPE_CHECKING:
    from akidlab.kids import Kid


class SentCommits(Commits):
    """What a host keeps is lost with it, so nothing is kept there.

    Args:
        send: tells the supervisor the name and the bytes of a commit.
        every: commit after so many steps; None for as often as costs a hundredth of the time.
        resume: what to go on from, in bytes: the `state` of a checkpoint, or `everything` of rank 0 and this
            rank's `own`; None at first.
        flush: sends what the kid has said so far.
    """

    def __init__(
        self,
        send: Callable[[str, bytes], object],
        every: int | None = None,
        resume: dict[str, Any] | None = None,
        flush: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__([], every, resume, flush)
        self._send = send

    def restore(self, kid: Kid) -> bool:
        if self.resume is None:
            return False
        if state := self.resume.get("state"):
            checkpoint.load(kid, state)
            return True
        with tempfile.TemporaryDirectory(prefix="akidlab-") as folder:
            everything, own = Path(folder, "everything"), Path(folder, "own")
            everything.write_bytes(self.resume["everything"])
            if has_own := self.resume["own"] is not None:
                own.write_bytes(self.resume["own"])
            commit.restore(kid, everything, own if has_own else None)
        return True

    def _write(self, kid: Kid) -> None:
        with tempfile.TemporaryDirectory(prefix="akidlab-") as folder:
            path = Path(folder, commits.name(kid.step, kid.engine.rank))
            commit.write(kid, path)
            self._send(path.name, path.read_bytes())
