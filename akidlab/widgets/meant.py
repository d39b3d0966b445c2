"""Which run is meant: by itself, by its name or uid, or by the kid that practised it."""

from __future__ import annotations

from typing import Any

from akidlab.errors import KindError
from akidlab.store import Run, Store


def meant(what: Any, store: Store | None = None, *, wanted: str) -> Run:
    """The run that is meant by `what`.

    Args:
        what: a run, the name or the uid of one, or what has a run: a kid that has practised.
        store: where names are looked up; by default the store here.
        wanted: what was expected, for the error.

    Raises:
        KindError: if it is none of these, or a kid that has not practised.
        UnknownNameError: if there is no such run.

    Example:
        >>> run = Store().create("digits")
        >>> meant("digits", wanted="Say a run") == run
        True
    """
    if isinstance(what, str):
        return (store or Store()).run(what)
    run = what if isinstance(what, Run) else getattr(what, "run", None)
    if isinstance(run, Run):
        return run
    if run is None and hasattr(what, "practice"):
        raise KindError(f"`{what.name}` has practised no run yet: `practice()` begins one.")
    raise KindError(f"{wanted}; found a {type(what).__name__}.")
