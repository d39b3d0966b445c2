"""What an inspection of this machine finds."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, NOTE, FAULT = "good", "note", "fault"


@dataclass(frozen=True)
class Finding:
    """One line of `akidlab doctor`.

    Args:
        name: what was looked at.
        text: what was found.
        level: `GOOD`; `NOTE` for what is worth knowing; `FAULT` for what keeps something from working.
        remedy: what to do about it.
    """

    name: str
    text: str
    level: str = GOOD
    remedy: str = ""
