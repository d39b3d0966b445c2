"""Call: what a block was made with, so that code can make it again."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

from torch import Tensor, nn

_PLAIN = (type(None), bool, int, float, str, bytes, Tensor, nn.Module, type)


class Lost:
    """Stands for what did not survive a pickle."""


@dataclass(frozen=True, eq=False)
class Call:
    """The arguments of a constructor.

    A copy of the block shares them. A pickle leaves out what cannot be pickled, which the block itself may
    not hold any more.

    Args:
        args: those given by place.
        options: those given by name.
    """

    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def named(self, cls: type) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """The arguments by name, as a constructor of `cls` takes them, and those that have none."""
        found, rest = {}, self.args
        for base in (base for base in cls.__mro__ if "__init__" in vars(base)):
            parameters = list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
            names = [p.name for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
            found |= dict(zip(names, rest, strict=False))
            rest = rest[len(names) :]
            # `*args` of a class that names none of its own are those of the class that comes next.
            if names or not any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
                break
        return {**found, **self.options}, rest

    def __deepcopy__(self, memo: dict[int, Any]) -> Call:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        options = {name: _lasting(value) for name, value in self.options.items()}
        return Call, (tuple(_lasting(value) for value in self.args), options)


def _lasting(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    try:
        pickle.dumps(value)
    except Exception:  # whatever a class of the user's raises: the pickle of the block must not fail of it
        return Lost()
    return value
