"""Widgets: what a notebook shows of a run, live and afterwards.

What is named here is imported when first asked for: the server describes runs with the plain modules of this
package and loads no widget library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.widgets.dashboard import Dashboard
    from akidlab.widgets.side_by_side import Comparison, compare

__all__ = ["Comparison", "Dashboard", "compare"]

_HOMES = {"Comparison": "side_by_side", "Dashboard": "dashboard", "compare": "side_by_side"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"akidlab.widgets.{_HOMES[name]}"), name)
    raise AttributeError(f"module `akidlab.widgets` has no attribute `{name}`")
