"""Kinds: the topics that a metric is asked for, in a row or in lists, one by one or by a group's name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from akidlab.errors import UnknownNameError, unknown
from akidlab.messages import GROUPS, META, TOPICS, Bus

Asked = Iterable[str | Sequence[str]]
_CARRIED = ("input_data", "network_output", "input_labels", "loss")  # of what an exporter says, numbers


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
    if not _is_published(kind, bus) and difflib.get_close_matches(kind, known, n=1, cutoff=0.7):
        raise unknown("topic", kind, known)


def check_word(kind: str, bus: Bus, own: Iterable[str] = ()) -> None:
    """See that a topic in a word such as `norm:weights` is one: a word is no place for what nobody publishes.

    Args:
        kind: the topic.
        bus: whose topics are known, too.
        own: more that are known.

    Raises:
        UnknownNameError: if it is none; it may be the name of a block.
    """
    if kind in own or _is_published(kind, bus):
        return
    groups = [group for group, topics in GROUPS.items() if topics]
    error = unknown("topic", kind, dict.fromkeys([*groups, *TOPICS, *_CARRIED, *bus.topics]))
    raise UnknownNameError(f"{error} A topic says of what, of every block.")


def _is_published(kind: str, bus: Bus) -> bool:
    """True if an exporter or a metric publishes it, or may: of `weights` metrics make `weights_norm2`."""
    known = {*META, *TOPICS, *bus.topics}
    return kind in known or any(kind.startswith(f"{topic}_") for topic in known)
