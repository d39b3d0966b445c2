"""A Task: what a kernel asks a pool to do; and the Outcome that comes back."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """One run, for the ranks of a pool.

    Args:
        name: what the run is called; the pool may add `-2` where the name is taken.
        store: the folder of the store that records it.
        payload: what the ranks do: a cloudpickled `akidlab.worker.Assignment`.
        uid: the uid of the run.
        options: plain values: `config`, `parent` and `max_steps` of the run; `resume=True` to go on with the
            run `uid` that the store has already, after the step `start`; `branched`, where it left its
            parent; `moved`, what is told of its move here; `home`, the process that holds the notebook's kid;
            `path`, entries for `sys.path` of the ranks.
    """

    name: str
    store: str
    payload: bytes = field(repr=False)
    uid: str = field(default_factory=lambda: uuid.uuid4().hex)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Args:
        status: `finished`, `stopped` or `failed`; `moved` if another process goes on with the run.
        step: the last step that was made.
        weights: the kid as a checkpoint (see `akidlab.kids.checkpoint`), None if there is none.
        error: what went wrong, with the traceback of the rank that it went wrong on; why it was stopped, if
            nobody stopped the run itself.
        rank: which rank that was, None if it was no rank's fault.
        kid: the name that the cell gave its kid.
        by: the process that stopped its pool.
    """

    status: str
    step: int = 0
    weights: bytes | None = field(default=None, repr=False)
    error: str | None = None
    rank: int | None = None
    kid: str | None = None
    by: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return asdict(self)
