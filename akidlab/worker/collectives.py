"""Collectives: which operation with the other ranks this one is in, or was in last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akidlab.engines import Engine

NAMES = ("setup", "average", "agree", "sum", "any", "broadcast", "gather", "average_tensors", "barrier")


class Collectives:
    """Notes what an engine does together with others; a microsecond each.

    Ranks that understand each other have done the same ones in the same order: where one waits, its `name`
    and its `number` tell what for.

    Args:
        engine: whose operations.

    Example:
        >>> from akidlab import engines
        >>> engine = engines.get("single")
        >>> collectives = Collectives(engine)
        >>> engine.gather("mine")
        ['mine']
        >>> collectives.describe()
        {'collective': 'gather', 'number': 1, 'waiting': None}
    """

    def __init__(self, engine: Engine) -> None:
        self.name: str | None = None
        self.number = 0
        self.noted: list[tuple[str, float, float]] | None = None  # with when it began and ended, if wanted
        self._since: float | None = None
        for name in NAMES:
            setattr(engine, name, self._noted(name, getattr(engine, name)))

    def describe(self) -> dict[str, Any]:
        """The last one, its number, and for how many seconds this rank has been in it; None if it is out."""
        since = self._since
        waiting = None if since is None else time.monotonic() - since
        return {"collective": self.name, "number": self.number, "waiting": waiting}

    def _noted(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        clock = time.monotonic

        def noted(*args: Any, **options: Any) -> Any:
            began = clock()
            self.name, self.number, self._since = name, self.number + 1, began
            try:
                return operation(*args, **options)
            finally:
                self._since = None
                if self.noted is not None:
                    self.noted.append((name, began, clock()))

        return noted
