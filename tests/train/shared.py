"""A nursery that several tests share: to load torch anew for each would take longer than they do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from akidlab.train import tuning
from akidlab.train.forks import Forks


class SharedForks(Forks):
    """A nursery that stays for the tests that follow."""

    def close(self) -> None:
        """Later, by who shares it."""


@contextmanager
def shared_nursery(folders: pytest.TempPathFactory) -> Iterator[int]:
    """Let every tuning use one nursery; gives its process id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKIDLAB_RUNTIME", str(folders.mktemp("runtime")))
        shared = SharedForks()
        shared._open()
        patch.setattr(tuning, "starter", lambda: shared)
        assert shared._nursery is not None
        yield shared._nursery.pid
    Forks.close(shared)
