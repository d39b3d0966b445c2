"""Keep: which checkpoints of a run stay on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING, Any

from akidlab.errors import OptionError, unknown
from akidlab.kids.options import check_counts

if TYPE_CHECKING:
    from akidlab.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class Keep:
    """Which checkpoints stay: the last ones, the best one, and of the older ones some spread over the run.

    There are never more than `files` checkpoints, nor more than `bytes` bytes, when one was written; while it
    is being written there is one more. The newest, the best and pinned ones stay in any case, and count:
    only where these alone are more than the bound is there more. A checkpoint is pinned when somebody asked
    for it, or branched from it.

    Of the older ones goes, each time, the one whose two neighbours are closest to each other. So the gaps
    between them grow evenly with the run: none is longer than any two that follow each other.

    Args:
        last: how many of the last ones stay, as long as there is room.
        files: how many there may be.
        bytes: how many bytes they may take; 4 GB by default.

    Raises:
        ValueError: if one of them is not a whole number of 1 or more.

    Example:
        >>> Keep(last=2, files=8)
        Keep(last=2, files=8, bytes=4000000000)
    """

    last: int = 5
    files: int = 20
    bytes: int = 4_000_000_000

    def __post_init__(self) -> None:
        check_counts(**{f"keep.{field.name}": getattr(self, field.name) for field in fields(self)})

    @classmethod
    def of(cls, asked: int | Mapping[str, Any] | Keep) -> Keep:
        """How many of the last ones, a dict of the arguments, or a Keep.

        Raises:
            OptionError: if an argument is not one of a Keep.
            ValueError: if one makes no sense.
        """
        if isinstance(asked, Keep):
            return asked
        if not isinstance(asked, Mapping):
            return cls(last=asked)
        taken = [field.name for field in fields(cls)]
        for name in asked:
            if name not in taken:
                raise OptionError(*unknown("option of `keep`", str(name), taken).args)
        return cls(**asked)

    def surplus(self, found: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Those of `found` that have to go, the last written of which comes first."""
        kept = list(found)
        while len(kept) > self.files or sum(one.size for one in kept) > self.bytes:
            goes = self._least(kept)
            if goes is None:
                break
            kept.remove(goes)
        return [one for one in found if one not in kept]

    def _least(self, kept: list[Checkpoint]) -> Checkpoint | None:
        """The one that is missed least; None if all of them stay in any case."""
        loose = [one for one in kept[1:] if not (one.is_best or one.is_pinned)]
        least = accumulate((one.step for one in kept), min, initial=inf)
        way = [one for one, before in zip(kept, least, strict=False) if one.step < before]
        left = [one for one in loose if one not in way]  # of a future that did not come
        if left or not loose:
            return left[-1] if left else None
        gaps = {
            one.step: after.step - before
            for after, one, before in zip(way, way[1:], [*(w.step for w in way[2:]), 0], strict=False)
        }
        older = [one for one in loose if one in way[self.last :]]
        return min(older, key=lambda one: (gaps[one.step], one.step)) if older else loose[-1]
