"""A kid on its way to a rank: its parts and what it was told, without its bus, its record and its threads."""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import Any

from akidlab.kids.hooks import NAMES
from akidlab.kids.kid import Kid

_PARTS = {"sensor_in": "sensor", "brain_in": "brain", "kongfu_in": "kongfu"}
_STAYS = {"engine", "device", "log_dir"}  # said anew where it arrives


def taken_apart(kid: Kid) -> tuple[Any, ...]:
    """How pickle takes `kid` apart and makes it again; where it stands travels as a checkpoint."""
    return put_together, _told(kid)


def twin(kid: Kid) -> Kid:
    """A fresh kid in this process, made as `kid` was: its parts are copies, the data that it reads the same.

    Hooks are called for both.
    """
    told, hooks = kid.between_steps(lambda: _copied(kid))
    other = put_together(told, hooks)
    if isinstance(kid.engine_asked, (str, dict)):
        other.engine = kid.engine_asked
    return other


def _copied(kid: Kid) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    told, hooks = _told(kid)
    source = getattr(kid.sensor, "source", None)  # a sensor of one's own may have none
    told["brain_in"] = kid.brain.get_clone()
    told["sensor_in"] = deepcopy(kid.sensor, {id(source): source})
    told["kongfu_in"] = deepcopy(kid.kongfu)
    return {**told, "device": kid._device}, hooks


def _told(kid: Kid) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """What a kid is made of and was told, and its hooks."""
    told = {
        name: getattr(kid, _PARTS.get(name, name))
        for name in inspect.signature(Kid).parameters
        if name not in _STAYS
    }
    told["best"] = (kid.best.metric, "max" if kid.best.higher else "min")
    hooks = {name: list(getattr(kid.hooks, name)) for name in NAMES}
    return told, hooks


def put_together(told: dict[str, Any], hooks: dict[str, list[Any]]) -> Kid:
    """The kid again, fresh."""
    kid = Kid(**told)
    for name, functions in hooks.items():
        getattr(kid.hooks, name).extend(functions)
    return kid
