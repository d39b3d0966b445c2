"""Hypothesis measures no time here: the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("akidlab", deadline=None)
settings.load_profile("akidlab")
