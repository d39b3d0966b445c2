"""A store and a run to write to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from akidlab.messages import Message, Samples
from akidlab.store import Recorder, Run, Store

Write = Callable[..., Run]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def write(store: Store) -> Write:
    """Write a finished run with the values of one scalar at the given steps (0, 1, 2, ...)."""

    def write(values: Sequence[float], steps: Sequence[int] | None = None, tag: str = "loss") -> Run:
        run = store.create("digits")
        with Recorder(run) as recorder:
            where = range(len(values)) if steps is None else steps
            recorder.hear(Message(tag, Samples(where, values, [1e9 + step for step in where])))
        return run

    return write
