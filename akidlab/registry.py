"""Plug-ins: what an installed package offers under an entry-point group, ours like a stranger's."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from akidlab.errors import unknown


def names(group: str) -> list[str]:
    """The names that installed packages offer in `group`, for instance `akidlab.launchers`."""
    return sorted(_entries(group))


def load(group: str, name: str) -> object:
    """What `name` stands for in `group`.

    Raises:
        UnknownNameError: if no installed package offers it.
    """
    entries = _entries(group)
    if name not in entries:
        raise unknown(group.removeprefix("akidlab.").rstrip("s"), name, sorted(entries))
    return entries[name].load()


def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}
