"""Work: what a process of a tuning is handed, and the codes that it ends with."""

from __future__ import annotations

from dataclasses import dataclass

from akidlab.train.template import Recipe

FINISHED, FAILED, STOPPED, ABANDONED = 0, 1, 130, 131


@dataclass(frozen=True)
class Work:
    """One instance, for the process that trains it.

    Args:
        recipe: what makes the kid.
        store: the folder of the store.
        uid: the run, which is there already.
        seed: what everything is drawn from.
        resume: whether to go on from the last checkpoint of the run.
        consults: whether to ask, after each validation, if it is worth going on.
        threads: how many threads torch may use.
    """

    recipe: Recipe
    store: str
    uid: str
    seed: int
    resume: bool
    consults: bool
    threads: int
