"""How a Kid shows itself: its parts, where it stands, and what it reached."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from akidlab.blocks.describe import sized

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid


def text(kid: Kid) -> str:
    """The kid in lines."""
    return f"Kid {kid.name!r}\n" + "\n".join(f"  {name}: {value}" for name, value in facts(kid).items())


def html(kid: Kid) -> str:
    """The kid as a small table, in the colours of the page."""
    left = "style='text-align:left'"
    rows = "".join(
        f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(value)}</td></tr>"
        for name, value in facts(kid).items()
    )
    return f"<b>{escape(kid.name)}</b> <code>Kid</code><table>{rows}</table>"


def facts(kid: Kid) -> dict[str, str]:
    """What there is to say, by name."""
    facts = {
        "sensor": str(kid.sensor),
        "brain": _brain(kid),
        "kongfu": str(kid.kongfu),
        "engine": kid.engine_name,
        "clock": f"step {kid.step}, epoch {kid.epoch}{_until(kid)}",
    }
    if kid.training_loss is not None:
        facts["training"] = _measures(kid.training_loss, kid.training_evals)
    if kid.loss is not None:
        facts["validation"] = _measures(kid.loss, kid.evals)
    if kid.best.value is not None:
        facts["best"] = f"{kid.best.metric} {kid.best.value:.4g} at step {kid.best.step}"
    return facts


def _brain(kid: Kid) -> str:
    size = sized(f"{kid.brain.num_parameters():,}") if kid.brain.is_setup else "not set up yet"
    return f"{type(kid.brain).__name__} {kid.brain.name!r}: {len(kid.brain.blocks)} blocks, {size}"


def _until(kid: Kid) -> str:
    if kid.max_steps is not None:
        until = f" of {kid.max_steps} steps"
    else:
        until = "" if kid.max_epoch is None else f" of {kid.max_epoch:g} epochs"
    return until + (", practising" if kid.practising else "")


def _measures(loss: float, evals: dict[str, float]) -> str:
    return f"loss {loss:.4g}" + "".join(f", {name} {value:.4g}" for name, value in evals.items())
