"""A kid on its way to a rank: its parts and what it was told, without its bus, its record and its threads."""

from __future__ import annotations

import inspect
from typing import Any

from akidlab.kids.hooks import NAMES
from akidlab.kids.kid import Kid

_PARTS = {"sensor_in": "sensor", "brain_in": "brain", "kongfu_in": "kongfu"}
_STAYS = {"engine", "device", "log_dir"}  # said anew where it arrives


def taken_apart(kid: Kid) -> tuple[Any, ...]:
    """How pickle takes `kid` apart and makes it again; where it stands travels as a checkpoint."""
    told = {
        name: getattr(kid, _PARTS.get(name, name))
        for name in inspect.signature(Kid).parameters
        if name not in _STAYS
    }
    told["best"] = (kid.best.metric, "max" if kid.best.higher else "min")
    hooks = {name: list(getattr(kid.hooks, name)) for name in NAMES}
    return put_together, (told, hooks)


def put_together(told: dict[str, Any], hooks: dict[str, list[Any]]) -> Kid:
    """The kid again, fresh."""
    kid = Kid(**told)
    for name, functions in hooks.items():
        getattr(kid.hooks, name).extend(functions)
    return kid
