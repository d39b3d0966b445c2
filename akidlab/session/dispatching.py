"""Dispatching: what goes to the ranks of a pool, and how it is handed over."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cloudpickle

from akidlab.errors import DispatchError, MissingPackageError
from akidlab.session.plan import Plan
from akidlab.session.ranks import RanksTraining
from akidlab.session.travel import reason
from akidlab.worker.travel import pack

if TYPE_CHECKING:
    from akidlab.dispatch import Pool
    from akidlab.kids import Kid
    from akidlab.session.moving import Manner
    from akidlab.store import Run


#: What a kid was told in the notebook counts on ranks, too, where the cell that made it is run anew.
OWN = ("max_steps", "max_epoch", "guard", "watching", "keep", "pictures")


@dataclass(frozen=True, slots=True)
class Cargo:
    """What makes the kid on a rank.

    Args:
        variable: the name of the kid there.
        names: values of the notebook, as `session.travel` packs them.
        source: the cell that makes the kid; None if it is among the names.
        filename: what tracebacks call the cell.
    """

    variable: str
    names: bytes = field(repr=False)
    source: str | None = None
    filename: str = "<cell>"


def dispatch(
    pool: Callable[[], Pool],
    cargo: Cargo,
    kid: Kid,
    plan: Plan,
    name: str | None,
    tensorboard: bool = False,
    shown: bool = False,
    code: str | None = None,
) -> RanksTraining:
    """Hand a training to the ranks of a pool.

    Args:
        pool: gives the ranks; asked once it is known that there is something to do.
        cargo: what makes the kid there.
        kid: the notebook's kid; the weights come back into it.
        plan: how far, from where, at which rate.
        name: what the run is called; by default as the kid is.
        tensorboard: write TensorBoard files, too.
        shown: a dashboard shows what goes wrong: ranks need not write it.
        code: the cell that trains it, to be told of the run.

    Raises:
        MagicError: if nothing is left to do.
        DispatchError: if the pool is gone, or its store cannot be written.
    """
    from akidlab.dispatch import Task, home
    from akidlab.kids import checkpoint
    from akidlab.store import Store
    from akidlab.worker import Assignment

    store = Store()
    told = plan.state()
    state = told[0] if told is not None else _state(kid, cargo)
    start = checkpoint.read(state)[1]["step"] if state is not None else 0
    overrides = {**plan.overrides(kid, start), "shown": shown}
    _warn_of_the_engine(kid)
    ranks = pool()
    config = {**kid.describe(), **({"code": code} if code else {})}
    options: dict[str, Any] = {"config": config, "max_steps": kid.max_steps, "path": _path()}
    options.update(plan.survival)
    if tensorboard:
        options["tensorboard"] = _has_tensorboard()
    options["start"], options["home"] = start, home.here()
    identity: dict[str, str] = {}
    branched = kid.branched if told is None else told[1]
    if told is not None and name is None and plan.start is None:
        store.run(told[1].uid).rewind(start)
        options["resume"], identity["uid"] = True, told[1].uid
    elif branched is not None:
        options["parent"], options["branched"] = branched.uid, branched.facts
        name = name or branched.child(kid.name)
    assignment = Assignment(
        source=cargo.source,
        filename=cargo.filename,
        names=cargo.names,
        kid=cargo.variable,
        overrides=overrides,
        resume=state,
    )
    task = Task(name or kid.name, str(store.path), cloudpickle.dumps(assignment), options=options, **identity)
    job = ranks.submit(task)
    kid.branched = None  # now that its run has begun
    return RanksTraining(kid, job, store.run(job.uid))


def hand_over(
    pool: Pool, kid: Kid, run: Run, state: bytes, told: dict[str, Any], manner: Manner
) -> RanksTraining:
    """Hand a run to the ranks of a pool, in the midst of it; nobody writes it at the moment.

    Args:
        pool: who goes on.
        kid: the notebook's kid.
        run: the run.
        state: where the kid stands, as a checkpoint.
        told: the event that tells of the move, with its `step`.
        manner: how it trains.

    Raises:
        DispatchError: if the kid cannot travel, or the pool is gone.
    """
    from akidlab.dispatch import Task, home
    from akidlab.worker import Assignment

    cargo = carried(kid, manner.cargo)
    overrides = {name: getattr(kid, name) for name in OWN}
    assignment = Assignment(
        source=cargo.source,
        filename=cargo.filename,
        names=cargo.names,
        kid=cargo.variable,
        overrides={**overrides, "shown": manner.shown},
        resume=state,
    )
    options = {"resume": True, "start": told["step"], "moved": told, "home": home.here(), "path": _path()}
    options |= {**manner.survival, "tensorboard": manner.tensorboard and _has_tensorboard()}
    task = Task(run.name, str(run.store.path), cloudpickle.dumps(assignment), run.uid, options)
    return RanksTraining(kid, pool.submit(task), run)


def carried(kid: Kid, cell: Callable[[], Cargo] | None) -> Cargo:
    """What makes `kid` on a rank: the kid itself, or, where it cannot travel, the cell that made it.

    Raises:
        DispatchError: if neither can; it says what cannot, and why.
    """
    home = sys.modules["__main__"].__dict__
    try:
        return Cargo("kid", pack({"kid": kid}, home))
    except Exception:  # pickling raises whatever a value does
        if cell is not None:
            return cell()
    raise DispatchError(f"The kid cannot travel to ranks: it is {reason(kid, home)}.")


def _has_tensorboard() -> bool:
    if importlib.util.find_spec("tensorboard") is None:  # the supervisor is not to fail of it later
        raise MissingPackageError("TensorBoard is not installed: pip install 'akidlab[tensorboard]'")
    return True


def _warn_of_the_engine(kid: Kid) -> None:
    if not any(name in kid.engine_name.lower() for name in ("single", "horovod", "torch")):
        warnings.warn(
            f"On ranks, the engine `{kid.engine_name}` of the kid is not used: each rank has a share of "
            "every batch. Leave out `-np` to train with that engine.",
            stacklevel=2,
        )


def _state(kid: Kid, cargo: Cargo) -> bytes | None:
    """Where the kid stands, as a checkpoint, if it is not at the very beginning."""
    from akidlab.kids import checkpoint

    return checkpoint.dump(kid) if cargo.source is None and kid.is_setup else None


def _path() -> list[str]:
    """Where this kernel finds modules; the ranks look there, too."""
    return [entry for entry in sys.path if entry]
