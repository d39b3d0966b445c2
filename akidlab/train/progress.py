"""Progress: what has become of each instance of a tuning, read from the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akidlab.store import Run
from akidlab.train import ledger
from akidlab.train.instance import Instance

if TYPE_CHECKING:
    import pandas

WAITING = "waiting"
OURS = ("repeat", "seed", "status", "step", "seconds", "run", "exit_code", "error")


@dataclass(frozen=True)
class Progress:
    """One instance, as it stands.

    Args:
        instance: which.
        status: `waiting`, that of its run, or `pruned`.
        run: the name of its run.
        step: steps done.
        max_steps: steps to do.
        values: the last value of its loss and of each validation series.
        seconds: of training.
        error: what it failed with, in a line.
        exit_code: that of its process, if it is known here.
    """

    instance: Instance
    status: str = WAITING
    run: str | None = None
    step: int = 0
    max_steps: int | None = None
    values: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    exit_code: int | None = None

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.status in ledger.DONE:
            return 1.0
        return min(1.0, self.step / self.max_steps) if self.max_steps else 0.0


def progress(instance: Instance, run: Run | None, exit_code: int | None = None) -> Progress:
    """Look up how far `instance` is."""
    if run is None:
        return Progress(instance)
    pulse = run.pulse()
    now = pulse.now
    values = {
        tag.name: tag.value
        for tag in pulse.tags.values()
        if tag.count and (tag.name == "loss" or tag.name.startswith("validation_"))
    }
    status = ledger.outcome(run) if now.standing == "finished" else now.standing
    return Progress(
        instance, status, now.name, now.step, now.max_steps, values, now.elapsed, now.error, exit_code
    )


def table(rows: list[Progress]) -> pandas.DataFrame:
    """The instances in their order, one line for each.

    Its columns: the parameters by name, `repeat`, `seed`, `status`, `step`, `loss` and the validation values
    (the last ones), `seconds`, `run` (the name of the run), `exit_code` and `error`. A parameter that is
    called like one of these has `opt_paras.` or `net_paras.` before it.
    """
    from akidlab.store.series import import_pandas

    pandas = import_pandas()
    tags = sorted(dict.fromkeys(tag for row in rows for tag in row.values), key=lambda tag: tag != "loss")
    lines = [_line(row, tags) for row in rows]
    columns = list(dict.fromkeys(column for line in lines for column in line))
    head = [column for column in columns if column not in (*OURS, *tags)]
    order = [*head, *OURS[:4], *tags, *OURS[4:]]
    index = pandas.Index([row.instance.index for row in rows], name="instance")
    found = pandas.DataFrame(lines, index=index, columns=order).astype({"exit_code": "Int64"})
    found["error"] = pandas.Series([row.error for row in rows], index=index, dtype=object)
    return found


def _line(row: Progress, tags: list[str]) -> dict[str, Any]:
    instance = row.instance
    taken = {*OURS, *tags, *(set(instance.opt_paras) & set(instance.net_paras))}
    line: dict[str, Any] = {}
    for kind, paras in (("opt_paras", instance.opt_paras), ("net_paras", instance.net_paras)):
        line |= {f"{kind}.{name}" if name in taken else name: value for name, value in paras.items()}
    return {
        **line,
        "repeat": row.instance.repeat,
        "seed": row.instance.seed,
        "status": row.status,
        "step": row.step,
        **{tag: row.values.get(tag, float("nan")) for tag in tags},
        "seconds": row.seconds,
        "run": row.run,
        "exit_code": row.exit_code,
        "error": row.error,
    }
