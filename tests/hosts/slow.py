"""A run that takes its time until the test has seen what it came for, however late it looks."""

from __future__ import annotations

from pathlib import Path

HOOK = """
import pathlib, time
def wait(kid):
    if kid.step > 10 and not pathlib.Path({path!r}).exists():
        time.sleep(0.2)
kid.hooks.on_batch_end.append(wait)
"""


class Slow:
    """Has a kid wait after each step.

    Args:
        folder: where ranks see that they may hurry.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hurry"

    @property
    def hook(self) -> str:
        """To be put below a cell."""
        return HOOK.format(path=str(self._path))

    def hurry(self) -> None:
        """Wait no more."""
        self._path.touch()
