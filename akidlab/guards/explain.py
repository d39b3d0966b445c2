"""Explaining: the block where something not finite arose, why, and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.exporter.tree import called
from akidlab.guards.finding import Finding
from akidlab.guards.finite import all_finite, is_finite
from akidlab.guards.growth import Grown
from akidlab.guards.leaves import tensors_in
from akidlab.guards.reasons import reason
from akidlab.guards.trace import Call, Trace, bad_parameters, counted, kept_output, trace

EARLY = 3  # what overflows in the first steps may have begun too large; later, steps are to blame
SANE = 100.0  # a first loss below this shows that it did not
GREW, LATER = 2.0, 10.0  # so many times as large, weights have grown: in the first steps, and in many
LARGE = 1e4
STATE = "The weights are as the step before left them; this step was not made."


@dataclass(frozen=True, eq=False)
class Case:
    """What is known when something is not finite.

    Args:
        module: what is trained.
        what: `loss` or `gradient`: where it was noticed.
        step: the step that was being made.
        value: the loss.
        batches: what went in at this step, one for each pass.
        again: does a pass on one of them again, and returns the loss.
        history: the losses before, the newest last.
        rate: the learning rate.
        state: how the weights are now, in a sentence.
        entry: what the input is called.
        grown: the weights that have grown most since the training, or the watch over it, began.
        shared: the gradients are those of several ranks together: they tell nothing of this one.
    """

    module: nn.Module
    what: str
    step: int
    value: float = math.nan
    batches: Sequence[Any] = ()
    again: Callable[[Any], Tensor] | None = None
    history: Sequence[float] = ()
    rate: float | None = None
    state: str = STATE
    entry: str = "system_in"
    grown: Grown | None = None
    shared: bool = False


def explain(case: Case) -> Finding:
    """Where it arose, why, and what to do.

    Example:
        >>> class Log(nn.Module):
        ...     def forward(self, x):
        ...         return (x * self.scale).log()
        ...     scale = nn.Parameter(torch.tensor(0.0))
        >>> net, x = nn.Sequential(nn.Linear(2, 1), Log()), torch.ones(1, 2)
        >>> case = Case(net, "loss", 7, batches=[x], again=lambda x: net(x).sum())
        >>> explain(case).block
        'log0'
    """
    return _data(case) or _weights(case) or _forward(case) or _backward(case) or _unknown(case)


def _data(case: Case) -> Finding | None:
    for batch in case.batches:
        for place, tensor in enumerate(tensors_in(batch)):
            if not is_finite(tensor):
                which = f"element {place} of " if place else ""
                sample = int((~torch.isfinite(tensor.reshape(len(tensor), -1))).any(1).nonzero()[0]) + 1
                return _finding(
                    case,
                    "data",
                    case.entry,
                    f"The batch itself holds {counted([tensor])} numbers, in {which}`{case.entry}`, first in "
                    f"its sample {sample}. Clean the data: drop such samples in the source, or "
                    "replace the numbers with `torch.nan_to_num`.",
                )
    return None


def _weights(case: Case) -> Finding | None:
    bad = bad_parameters(case.module)
    if not bad:
        return None
    (block, name), more = bad[0], f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return _finding(
        case,
        "weights",
        block,
        f"`{name}` of `{block}`{more} was not finite before this step: a step before it, or whoever set it, "
        "left it so. Go back to weights from before, then use a smaller rate or `clip_norm`.",
        state="These weights cannot go on.",
    )


def _forward(case: Case) -> Finding | None:
    for batch in case.batches:
        found = _traced(case, batch)
        call = found.first_output() if found is not None else None
        if found is not None and call is not None and not all_finite(call.inputs):
            return _between(case, found, call)
        if call is not None:
            told = f"`{call.name}` is the first whose output is not finite: {counted(call.outputs)}."
            return _finding(case, "activation", call.name, f"{told} {_why(case, call)}")
    if case.what == "loss" and (block := kept_output(case.module)) is not None:
        told = f"`{block}` is the first whose output was not finite; passing the batch again, it was."
        return _finding(case, "activation", block, f"{told} {_general(case)}")
    return _own_loss(case)


def _between(case: Case, found: Trace, call: Call) -> Finding:
    """It arose in no leaf, but in the `forward` of what holds them."""
    before = [t for c in found.calls[: found.calls.index(call)] for t in c.outputs]
    block = call.name.rpartition("/")[0] or called(case.module)
    told = (
        f"What goes into `{call.name}` is not finite: it arose before that, in the `forward` of `{block}`. "
    )
    return _finding(case, "activation", block, told + (reason(call.inputs, before) or _general(case)))


def _own_loss(case: Case) -> Finding | None:
    """A block adds a loss of its own, such as the decay of its weights."""
    for name, loss in getattr(case.module, "losses", {}).items():
        if not all_finite(tensors_in(loss)):
            why = reason(tensors_in(loss), ()) or _general(case)
            return _finding(case, "loss", name, f"What `{name}` adds to the loss is not finite. {why}")
    return None


def _backward(case: Case) -> Finding | None:
    for batch in case.batches:
        found = _traced(case, batch, backward=True)
        call = found.last_gradient() if found is not None else None
        if call is not None:
            wrong = [t for t in (*call.into, *call.own) if t is not None]
            told = f"On the way back, `{call.name}` is the first that gives gradients that are not finite: "
            told += f"{counted(wrong)}."
            why = reason(call.outputs, call.inputs, backward=True) or _general(case)
            return _finding(case, "gradient", call.name, f"{told} {why}")
    bad = bad_parameters(case.module, gradients=True)
    if case.what != "gradient" or case.shared or not bad:
        return None
    block, name = bad[-1]
    told = f"The gradient of `{name}` of `{block}` is the last one that is not finite: it arose there, or in "
    return _finding(case, "gradient", block, f"{told}the blocks after it. {_general(case)}")


def _unknown(case: Case) -> Finding:
    told = "Where it arose could not be found: passing the batch again, all was finite."
    return _finding(case, case.what, None, f"{told} {_general(case)}")


def _traced(case: Case, batch: Any, *, backward: bool = False) -> Trace | None:
    again = case.again
    if again is None:
        return None
    for given in (_followed(batch), batch):  # a block may write on what it is given, which the first forbids
        with suppress(Exception):  # what is wrong is told all the same, if less well
            return trace(case.module, lambda given=given: again(given), backward=backward)
    return None


def _followed(batch: Any) -> Any:
    """The batch, such that torch keeps what the very first operations need on the way back."""
    if isinstance(batch, (list, tuple)):
        return [_followed(part) for part in batch]
    if isinstance(batch, Tensor) and batch.is_floating_point():
        return batch.detach().clone().requires_grad_()
    return batch


def _why(case: Case, call: Call) -> str:
    told = reason(call.outputs, call.inputs)
    if told is not None:
        return told + _rising(case)
    largest = max((float(t.detach().abs().max()) for t in call.inputs if t.numel()), default=0.0)
    weights = max((float(p.detach().abs().max()) for p in call.module.parameters() if p.numel()), default=0.0)
    if max(largest, weights) < LARGE:
        return _general(case)
    told = f"Its inputs reach {largest:.2g}" + (f", its weights {weights:.2g}. " if weights else ". ")
    return told + _general(case)


def _general(case: Case) -> str:
    """What usually leads there."""
    rate = "" if case.rate is None else f" (it is {case.rate:g})"
    advice = "divide it by 10, or set `clip_norm`."
    grown, enough = case.grown, GREW if case.step <= EARLY else LATER
    if grown is not None and grown.times > enough:
        return (
            f"The weights of `{grown.block}` are {min(grown.times, 1e38):.3g} times as large as before step "
            f"{grown.since}: the learning rate is too large{rate}: {advice}{_rising(case)}"
        )
    if case.step <= EARLY and not _began_well(case) and not _rising(case):
        return (
            "So early in training, the initial weights are too large or the inputs are not normalised: begin "
            "with smaller weights (such as `he` or `xavier`), and scale the data to about -1 to 1."
        )
    return f"The learning rate is probably too large{rate}: {advice}{_rising(case)}"


def _began_well(case: Case) -> bool:
    """True if the losses before say that the weights were sane once, and steps were made since."""
    return case.step > 1 and any(loss < SANE for loss in case.history)


def _rising(case: Case) -> str:
    recent = _recent(case)
    if not _rose(recent):
        return ""
    return f" The loss rose from {min(recent):.3g} to {recent[-1]:.3g} before."


def last_good(case: Case) -> int:
    """The last step that is known to have left good weights: the loss at the next one was fine.

    Example:
        >>> went_at_once = Case(nn.ReLU(), "loss", 9, history=[2.0, 1.0, 1.1])
        >>> rose_before = Case(nn.ReLU(), "loss", 9, history=[2.0, 1.0, 1e3])
        >>> last_good(went_at_once), last_good(rose_before)
        (7, 6)
    """
    recent = _recent(case)
    behind = len(recent) - recent.index(min(recent)) if _rose(recent) else 1
    return case.step - behind - 1


def _recent(case: Case) -> list[float]:
    return [value for value in case.history[-50:] if math.isfinite(value)]


def _rose(recent: list[float]) -> bool:
    return len(recent) > 1 and recent[-1] > 3 * max(min(recent), 1e-12)


def _finding(case: Case, where: str, block: str | None, text: str, state: str | None = None) -> Finding:
    head = f"The loss is {_shown(case.value)}" if case.what == "loss" else "A gradient is not finite"
    text = f"{head} at step {case.step}. {text} {case.state if state is None else state}"
    return Finding(f"{where}_not_finite", block, case.step, text.strip(), "error")


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value:.4g}"
