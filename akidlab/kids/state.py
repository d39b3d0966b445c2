"""The state of a Kid: what a checkpoint must hold so that it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor

from akidlab.errors import CheckpointError
from akidlab.kids.best import Best
from akidlab.kids.differences import differences
from akidlab.kids.randomness import Randomness

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid

STRIDE = 7919  # what lies between the seeds of two ranks


def take(kid: Kid) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Everything there is: the tensors, and the plain facts. Nothing is copied, no other rank is asked."""
    kid.setup()
    tensors = {f"brain.{name}": tensor for name, tensor in kid.brain.state_dict().items()}
    tensors |= {f"window.{name}": tensor for name, tensor in kid.brain.window_state().items()}
    slots, optimizer = _optimizer(kid)
    random = _randoms(kid)
    for rank, of_rank in enumerate(random):
        slots |= {f"random.{rank}.{name}": tensor for name, tensor in of_rank.tensors.items()}
    facts = {
        "step": kid.step,
        "epoch": kid.epoch,
        "due": kid.due,
        "validated": kid.validated,
        "pause_at": kid.pause_at,
        "seed": kid.seed,
        "sensor": kid.sensor.state_dict(),
        "kongfu": kid.kongfu.state_dict(),
        "optimizer": optimizer,
        "random": [of_rank.plain for of_rank in random],
        "edits": [str(edit) for edit in kid.brain.edits],
        "loss": kid.loss,
        "evals": kid.evals,
        "best": _reached(kid.best),
        "patience": _reached(kid.patience),
    }
    return tensors | slots, facts


def give(kid: Kid, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Put `kid` where it was when this was taken.

    Raises:
        CheckpointError: if it belongs to another brain or kongfu.
    """
    kid.setup()
    with _undone_if_it_fails(kid):
        _give_brain(kid, _part(tensors, "brain."), facts.get("edits", []))
        kid.brain.load_window_state(_part(tensors, "window."))
        _give_optimizer(kid, _part(tensors, "optimizer."), facts["optimizer"])
        kid.kongfu.load_state_dict(facts["kongfu"])
        kid.sensor.load_state_dict(facts["sensor"])
    kid.step, kid.epoch, kid.due = facts["step"], facts["epoch"], facts["due"]
    kid.validated, kid.saved, kid.pause_at = facts["validated"], None, facts.get("pause_at")
    kid.loss, kid.evals = facts["loss"], dict(facts["evals"])
    kid.best = _again(kid.best, facts["best"]) or kid.best
    kid.patience = _again(kid.patience, facts["patience"])
    kid.random = _random(kid, tensors, facts["random"])
    if kid.practising:
        kid.random.restore(kid.device)


def gather(kid: Kid) -> None:
    """Bring together what the ranks hold apart, so that rank 0 can save it: running means, generators."""
    if kid.engine.size > 1:
        kid.engine.average_tensors(running(kid))
        kid.random_of_ranks = (kid.step, kid.engine.gather(_random_now(kid)))


def running(kid: Kid) -> list[Tensor]:
    """The running means and variances of the brain: each rank has seen its own samples only."""
    names = ("running_mean", "running_var")
    return [tensor for name, tensor in kid.brain.named_buffers() if name.endswith(names)]


def seeded(kid: Kid) -> Randomness:
    """The generators at the start: one seed for the kid, and a stream of its own for each rank."""
    return Randomness.seeded(kid.seed + STRIDE * kid.engine.rank, kid.device)


def _optimizer(kid: Kid) -> tuple[dict[str, Tensor], dict[str, Any]]:
    state = kid.optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, object]] = {}
    for index, slots in state["state"].items():
        plain[str(index)] = {slot: value for slot, value in slots.items() if not isinstance(value, Tensor)}
        held = {slot: value for slot, value in slots.items() if isinstance(value, Tensor)}
        tensors |= {f"optimizer.{index}.{slot}": value for slot, value in held.items()}
    return tensors, {"groups": state["param_groups"], "state": plain}


@contextmanager
def _undone_if_it_fails(kid: Kid) -> Iterator[None]:
    # torch copies the tensors that fit before it complains about the others
    brain = {name: tensor.clone() for name, tensor in kid.brain.state_dict().items()}
    window, optimizer, kongfu = kid.brain.window_state(), kid.optimizer.state_dict(), kid.kongfu.state_dict()
    try:
        yield
    except BaseException:
        kid.brain.load_state_dict(brain)
        kid.brain.load_window_state(window)
        kid.optimizer.load_state_dict(optimizer)
        kid.kongfu.load_state_dict(kongfu)
        raise


def _give_brain(kid: Kid, tensors: dict[str, Tensor], edits: list[str]) -> None:
    try:
        kid.brain.load_state_dict(tensors)
    except RuntimeError as error:
        mine = [str(edit) for edit in kid.brain.edits]
        told = " Give the kid the brain that it was taken of."
        if mine != edits:
            told = f" It was taken after these edits: {'; '.join(edits) or 'none'}."
            told += f" This brain has had: {'; '.join(mine) or 'none'}. Make the same ones first."
        unlike = differences(tensors, kid.brain.state_dict()) or f"{error}."
        raise CheckpointError(f"The checkpoint belongs to another brain. {unlike}{told}") from error


def _give_optimizer(kid: Kid, tensors: dict[str, Tensor], plain: Mapping[str, Any]) -> None:
    state: dict[int, dict[str, object]] = {int(i): dict(slots) for i, slots in plain["state"].items()}
    for name, tensor in tensors.items():
        index, slot = name.split(".", 1)
        state.setdefault(int(index), {})[slot] = tensor
    groups = [{k: tuple(v) if k == "betas" else v for k, v in group.items()} for group in plain["groups"]]
    names = sorted({slot for slots in state.values() for slot in slots})
    if groups[0].keys() != kid.optimizer.state_dict()["param_groups"][0].keys():
        raise CheckpointError(
            f"The checkpoint belongs to another kongfu than {kid.kongfu!r}: its optimiser holds {names}."
        )
    try:
        kid.optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"The checkpoint belongs to another kongfu: {error}") from error


def _reached(best: Best | None) -> list[Any] | None:
    return None if best is None else [best.metric, best.higher, best.value, best.step, best.stale]


def _again(best: Best | None, reached: list[Any] | None) -> Best | None:
    """`reached`, if it is about the metric of `best`; a kid may be told to look at another one."""
    if best is None or reached is None or [best.metric, best.higher] != reached[:2]:
        return best
    return Best(*reached)


def _random(kid: Kid, tensors: Mapping[str, Tensor], plain: list[dict[str, Any]]) -> Randomness:
    rank = kid.engine.rank
    if rank < len(plain):
        return Randomness(_part(tensors, f"random.{rank}."), plain[rank])
    return Randomness.seeded(kid.seed + STRIDE * rank + kid.step, kid.device)  # there were fewer ranks then


def _random_now(kid: Kid) -> Randomness:
    return Randomness.capture(kid.device) if kid.practising else kid.random


def _randoms(kid: Kid) -> list[Randomness]:
    if kid.random_of_ranks is not None and kid.random_of_ranks[0] == kid.step:
        return kid.random_of_ranks[1]
    return [_random_now(kid)]


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
