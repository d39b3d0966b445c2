"""Kinds: the topics that a metric is asked for, in a row or in lists, one by one or by a group's name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from akidlab.errors import unknown
from akidlab.messages import GROUPS, META, TOPICS, Bus

Asked = Iterable[str | Sequence[str]]


def listed(kinds: Asked) -> tuple[str, ...]:
    """The topics, each once.

    Example:
        >>> listed(["weights", ["updates"]])
        ('weights', 'weight_updates', 'bias_updates')
    """
    named = [part for kind in kinds for part in ([kind] if isinstance(kind, str) else kind)]
    return tuple(dict.fromkeys(topic for kind in named for topic in (GROUPS.get(kind) or (kind,))))


def check(kind: str, bus: Bus) -> None:
    """See that a topic is no slip. Anybody may publish under any name, other metrics too.

    Raises:
        UnknownNameError: if it is nearly, but not quite, one that is known.
    """
    known = sorted({*META, *TOPICS, *bus.topics})
    is_derived = any(kind.startswith(f"{topic}_") for topic in known)
    if kind not in known and not is_derived and difflib.get_close_matches(kind, known, n=1, cutoff=0.7):
        raise unknown("topic", kind, known)
