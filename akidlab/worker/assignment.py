"""An Assignment: what every rank of a pool is to do, as the kernel packs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Assignment:
    """The same cell, for every rank.

    Args:
        source: the cell, as plain Python; None if `names` brings the kid.
        filename: what tracebacks call the cell.
        names: what the cell needs from the notebook: packed by `akidlab.worker.travel.pack`, or a dict.
        kid: the name of the kid; None for the only one there is.
        overrides: attributes of the kid to set, for instance `{"max_steps": 100}`; `lr` sets its rate.
        resume: a checkpoint to go on from.
        needs_kid: False if the cell may do without a kid.
    """

    source: str | None = None
    filename: str = "<cell>"
    names: bytes | Mapping[str, Any] = field(default_factory=dict, repr=False)
    kid: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    resume: bytes | None = field(default=None, repr=False)
    needs_kid: bool = True
