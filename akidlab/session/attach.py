"""Attach to a run that another process trains, or trained: see it live, steer it, take its weights."""

from __future__ import annotations

from contextlib import suppress

from akidlab.errors import DispatchError, KindError, MagicError, UnknownNameError, unknown
from akidlab.session.attached import Attached
from akidlab.store import Run, Store
from akidlab.wire import Connection

NEWEST = 5  # runs that are shown where none trains


def attach(name: str | Run | None = None) -> Attached:
    """A run of this project, wherever it trains: on ranks, in another kernel, or no longer.

    A run outlives the notebook that began it; any notebook of the project can attach to it. Shown, it is the
    dashboard, with controls that work. Ranks that it trains on stay as long as this kernel lives.

    Args:
        name: the run, its name or uid; by default the one that trains now, before any that waits.

    Raises:
        UnknownNameError: if there is none of that name.
        MagicError: if no name is given, and none trains now, or several do.
        KindError: if it is neither a run nor a name.

    Example:
        >>> run = Store().create("digits")
        >>> attach().run == attach("digits").run == run
        True
    """
    store = Store()
    run = _live_one(store) if name is None else _named(name, store)
    if run.is_live:
        _own(run)
    return Attached(run)


def _named(name: str | Run, store: Store) -> Run:
    if isinstance(name, Run):
        return name
    if not isinstance(name, str):
        raise KindError(f"A run, its name or its uid is attached to; found {name!r:.60}.")
    with suppress(UnknownNameError):
        return store.run(name)
    raise unknown("run", name, store.runs().live_first().names())


def _live_one(store: Store) -> Run:
    runs = store.runs()
    live = runs.live
    begun = [run for run in live if run.status != "preparing"]  # the others may wait for its ranks
    if len(begun or live) == 1:
        return (begun or live)[0]
    if live:
        say = f"Say which: `attach({(begun or live)[0].name!r})`."
        raise MagicError(f"{len(live)} runs train now, or wait to. {say}\n{live!r}")
    told = [f"Nothing trains in {store.path} now."]
    if len(runs):
        told.append(f"A run that has ended is shown by its name: `attach({runs.names()[0]!r})`.")
    elsewhere = [f"`{c.info.get('name')}` in {c.info.get('store')}" for c in Connection.find("run")]
    if elsewhere:
        told.append(f"Elsewhere there are {', '.join(elsewhere)}; `AKID_RUNS` says which folder is meant.")
    raise MagicError(" ".join(told) + (f"\n{runs[:NEWEST]!r}" if len(runs) else ""))


def _own(run: Run) -> None:
    """Keep the ranks that it trains on, if there are any, as long as this kernel lives."""
    from akidlab.dispatch import Pool

    holders = {connection.pid for connection in Connection.find("run") if connection.uid == run.uid}
    for connection in Connection.find("pool"):
        if connection.pid in holders:
            pool = Pool(connection)
            with suppress(DispatchError):  # it left meanwhile
                pool.attach()
            pool.close()
