"""The magics: `%akid_train`, `%akid_tune` (for lines and cells), `%akid_ask`, `%akid_pool`, `%akid_runs`."""

from akidlab.magics.extension import load, unload

__all__ = ["load", "unload"]
