"""Replies: what ranks say of a cell, and what of it is raised in the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from akidlab.errors import DispatchError, KindError, RankError


@dataclass(frozen=True)
class Reply:
    """What one rank says of a cell.

    Args:
        rank: which.
        ok: False if it raised.
        shown: how the value of its last expression looks, None if there is none.
        value: that value itself, where it was asked for.
        short: the error in a line.
        error: the error with its traceback.
        refused: why the value cannot come to the notebook.
        seconds: how long it took.
        step: after which step of the run it was, None if none is under way.
        interrupted: True if an interrupt ended it.
    """

    rank: int
    ok: bool
    shown: str | None = None
    value: Any = None
    short: str = ""
    error: str = field(default="", repr=False)
    refused: str | None = None
    seconds: float = 0.0
    step: int | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Heard:
    """What all the ranks that were asked say of a cell.

    Args:
        replies: of each that came to its end, in their order.
        error: why the others did not.
        interrupted: True if the notebook was interrupted meanwhile.
        renewed: True if the ranks are others than those of the last cell.
    """

    replies: list[Reply]
    error: str | None = None
    interrupted: bool = False
    renewed: bool = False

    def check(self) -> None:
        """Raise what went wrong.

        Raises:
            KeyboardInterrupt: if it was interrupted.
            KindError: if a value cannot come to the notebook.
            RankError: if ranks raised; errors that are alike are told once.
            DispatchError: if a rank was lost, or none could be reached.
        """
        faults = _merged([reply for reply in self.replies if not reply.ok])
        told = "\n\n".join([*faults, *([self.error] if self.error else [])])
        if self.interrupted or any(reply.interrupted for reply in self.replies):
            raise _Interrupted(told or "Nothing had begun.")
        for reply in self.replies:
            if reply.refused is not None:
                raise KindError(f"Rank {reply.rank}: {reply.refused}")
        if faults:
            raise RankError(told)
        if told:
            raise DispatchError(told)


class _Interrupted(KeyboardInterrupt):
    def _render_traceback_(self) -> list[str]:  # IPython asks: where the notebook waited tells nothing
        return [f"KeyboardInterrupt: {self}"]


def _merged(failed: Sequence[Reply]) -> list[str]:
    """What the ranks raised, each error once, with who raised it."""
    alike: dict[str, list[Reply]] = {}
    for reply in failed:
        alike.setdefault(reply.error or reply.short, []).append(reply)
    return [_who_raised(replies) for replies in alike.values()]


def _who_raised(replies: Sequence[Reply]) -> str:
    ranks = [str(reply.rank) for reply in replies]
    who = f"Rank {ranks[0]}" if len(ranks) == 1 else f"Ranks {', '.join(ranks[:-1])} and {ranks[-1]}"
    first = replies[0]
    return f"{who}: {first.short}\n\n{first.error}".rstrip()
