"""Whether there is a notebook: where a dashboard is seen, and changes while something trains."""

from __future__ import annotations

import sys
from typing import Any

from akidlab import config


def shell() -> Any:
    """The IPython that we run in, be it of a notebook or of a terminal; None if there is none."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def shows(dashboard: bool = True) -> bool:
    """True if a dashboard that is asked for is there to be read: in a Jupyter kernel, unless it is quiet.

    Example:
        >>> shows()
        False
    """
    return dashboard and not config.quiet() and hasattr(shell(), "kernel")
