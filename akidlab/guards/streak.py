"""A streak: how many observed steps in a row something was so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable


class Streak:
    """Counts, for each key, how often in a row something was so.

    Example:
        >>> streak = Streak(2)
        >>> [streak("a", so) for so in (True, True, False, True)]
        [False, True, False, False]
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.counts: Counter[Hashable] = Counter()

    def __call__(self, key: Hashable, is_so: bool) -> bool:
        """Count; True once it was so `length` times in a row."""
        self.counts[key] = self.counts[key] + 1 if is_so else 0
        return self.counts[key] >= self.length
