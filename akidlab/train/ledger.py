"""The ledger: which runs of the store belong to a tuning, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from akidlab.messages import Event, Message
from akidlab.store import Recorder, Run, Store
from akidlab.train.instance import Instance, plain

LIVE = ("preparing", "running", "paused")
DONE = ("finished", "pruned")


def open_run(store: Store, tuning: str, instance: Instance) -> Run:
    """A run for `instance`, ready to be handed to the process that trains it."""
    config = {
        "tuning": tuning,
        "instance": instance.index,
        "repeat": instance.repeat,
        "seed": instance.seed,
        "opt_paras": plain(instance.opt_paras),
        "net_paras": plain(instance.net_paras),
        "key": instance.key,
        **instance.more,
    }
    return store.create(f"{tuning}.{instance.index}", config=config)


def runs_of(store: Store, tuning: str) -> Iterator[tuple[Instance, Run]]:
    """The runs of a tuning, each with its instance; of one that was begun anew the newest."""
    found: dict[str, tuple[Instance, Run]] = {}
    for config, run in _configs(store):
        if config.get("tuning") == tuning:
            found.setdefault(config["key"], (_instance(config), run))
    yield from sorted(found.values(), key=lambda one: one[0].index)


def names(store: Store) -> list[str]:
    """The tunings of the store, the newest first."""
    return list(dict.fromkeys(config["tuning"] for config, _ in _configs(store) if "tuning" in config))


def free_name(store: Store, wanted: str) -> str:
    """`wanted`, or `wanted-2`, `wanted-3`, ... where there is a tuning of that name."""
    taken = set(names(store))
    number, name = 2, wanted
    while name in taken:
        number, name = number + 1, f"{wanted}-{number}"
    return name


def outcome(run: Run) -> str:
    """What a run has come to: its status, or `pruned` if the tuner ended it."""
    status = run.status
    return "pruned" if status == "finished" and run.events("pruned") else status


def settle(run: Run, status: str, error: str | None = None, trace: str | None = None) -> None:
    """Say what became of a run whose process did not say so itself; otherwise nothing changes."""
    if run.look().status not in LIVE:
        return
    recorder = Recorder(run).start()
    if error is not None:
        data = {"error": error, "traceback": trace or error}
        recorder.hear(Message("event", Event("error", data), step=run.step))
    recorder.stop(status, error=error)


def traceback_of(run: Run) -> str | None:
    """The traceback that a run failed with, if it did."""
    found = run.events("error") if run.status == "failed" else []
    return str(found[-1].data.get("traceback", run.error)) if found else run.error


def _configs(store: Store) -> Iterator[tuple[dict[str, Any], Run]]:
    for now, _ in store.runs().look():
        yield json.loads(now.config), Run(store, now.id, now.uid)


def _instance(config: dict[str, Any]) -> Instance:
    known = {"tuning", "instance", "repeat", "seed", "opt_paras", "net_paras", "key"}
    return Instance(
        config["instance"],
        config["repeat"],
        config["opt_paras"],
        config["net_paras"],
        config["seed"],
        more={name: value for name, value in config.items() if name not in known},
    )
