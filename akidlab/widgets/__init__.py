"""Widgets: what a notebook shows of a run, live and afterwards.

`Dashboard` is imported when first asked for: the server describes runs with the plain modules of this package
and loads no widget library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.widgets.dashboard import Dashboard

__all__ = ["Dashboard"]


def __getattr__(name: str) -> object:
    if name == "Dashboard":
        from akidlab.widgets.dashboard import Dashboard

        return Dashboard
    raise AttributeError(f"module `akidlab.widgets` has no attribute `{name}`")
