"""The magics: `%akid_train`, `%akid_tune`, `%akid_ranks`, `%akid_gather`, `%akid_ask`, and two tables."""

from akidlab.magics.extension import load, unload

__all__ = ["load", "unload"]
