"""The backend that draws nothing: for whoever wants what a run leaves in the store, and no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akidlab.store import Bands, Run, Series


def figure(
    series_list: Sequence[Series], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> None:
    """Nothing, where another backend draws series over each other."""


def bands(
    bands_list: Sequence[Bands], *, title: str | None = None, log: bool = False, smooth: float = 0.0
) -> None:
    """Nothing, where another backend draws how tensors were spread."""


def picture(run: Run, tags: Sequence[str] | None = None, width: int = 900, *, title: bool = True) -> str:
    """Nothing to see, where another backend draws a run."""
    return ""
