"""Ahead: batches that others make before they are asked for, in their order, only so many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from akidlab.sensors.maker import Batch
    from akidlab.sensors.span import Span


class Hands(Protocol):
    """Who makes batches for somebody else: a thread, or processes."""

    #: True once they make no more.
    closed: bool

    def submit(self, span: Span) -> Any:
        """Begin with the batch of a span; gives a ticket for it."""
        ...

    def result(self, ticket: Any) -> Batch:
        """The batch of a ticket, once it is made; raises what went wrong."""
        ...

    def drop(self, ticket: Any) -> None:
        """Nobody is going to ask for this one."""
        ...

    def close(self) -> None:
        """End, and leave nothing behind."""
        ...


class Ahead:
    """Batches that others make before they are asked for, in their order, only so many at a time.

    Args:
        hands: who makes them.
        spans: what is to be made; it need not end.
        depth: how many are under way or wait to be taken, at most.
    """

    def __init__(self, hands: Hands, spans: Iterable[Span], depth: int) -> None:
        self.hands, self.depth = hands, depth
        self._spans = iter(spans)
        self._under_way: deque[tuple[Span, Any]] = deque()
        self._fill()

    @property
    def next_span(self) -> Span | None:
        """What is going to be taken next; None after the last."""
        return self._under_way[0][0] if self._under_way else None

    def take(self) -> Batch:
        """The next batch; the hands go on with another meanwhile."""
        batch = self.hands.result(self._under_way[0][1])
        self._under_way.popleft()
        self._fill()
        return batch

    def __iter__(self) -> Iterator[Batch]:
        """The batches up to the last; whoever breaks off leaves nothing under way."""
        try:
            while self._under_way:
                yield self.take()
        finally:
            self.drop()

    def drop(self) -> None:
        """Ask for no more."""
        while self._under_way:
            self.hands.drop(self._under_way.popleft()[1])
        self._spans = iter(())

    def _fill(self) -> None:
        while len(self._under_way) < self.depth and (span := next(self._spans, None)) is not None:
            self._under_way.append((span, self.hands.submit(span)))
