"""akid's `common`: names that its scripts expect to find here."""

from __future__ import annotations

from akidlab.config import data_path

AKID_DATA_PATH = str(data_path())


def init() -> None:
    """akid asked its scripts to call this first; there is nothing left to prepare."""
