"""The magics of akidlab: `%akid_train`, `%%akid_train`, `%akid_tune`, `%akid_pool`, `%akid_runs`."""

from akidlab.magics.extension import load, unload

__all__ = ["load", "unload"]
