"""How runs are shown: a table in a terminal, a table in a notebook, and a card for one run."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any

from akidlab import registry
from akidlab.store.snapshot import Snapshot
from akidlab.store.words import LOOKS, WARNED, colour, duration, number, place, standing, steps, when

if TYPE_CHECKING:
    from akidlab.store.run import Run
    from akidlab.store.runs import Runs

_Row = tuple[Snapshot, "dict[str, float]"]

MANY = 50
LEFT = ("name", "status", "where", "started")  # columns of words
_TAGS = ("loss", "validation_loss", "accuracy", "validation_accuracy")


def facts(now: Snapshot) -> dict[str, object]:
    """What a table of data says about one run."""
    return {
        "name": now.name,
        "uid": now.uid,
        "status": now.standing,
        "step": now.step,
        "max_steps": now.max_steps,
        "epoch": now.epoch,
        "ranks": now.world_size,
        "seconds": now.elapsed,
        "samples_per_second": now.samples_per_second,
        "created": datetime.fromtimestamp(now.created, timezone.utc),
        "error": now.error,
    }


def line(run: Run) -> str:
    """One run in one line."""
    pulse = run.pulse()
    now = pulse.now
    values = [f"{tag} {number(pulse.tags[tag].value)}" for tag in _TAGS if tag in pulse.tags]
    parts = [standing(now), f"step {steps(now)}", *values, duration(now.elapsed), *_ranks(now)]
    parts += [f"{WARNED[0]} {said}" for said in run.warnings[:1]]
    return f"Run({now.name!r}: {', '.join(parts)})"


def text(runs: Runs) -> str:
    """Runs in a terminal, one line for each."""
    found = runs.look()
    if not found:
        return f"No runs in {runs.store.path}."
    found, depths = _family(found)
    heads, rows = _table(found[:MANY])
    said = runs.warnings()
    for (now, _), cells, depth in zip(found, rows, depths, strict=False):
        cells[0] = _under(depth) + cells[0]
        cells[1] += f" {WARNED[0]}" if now.name in said else ""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    left = [head in LEFT for head in heads]

    def fit(cells: list[str]) -> str:
        padded = (
            cell.ljust(width) if on_left else cell.rjust(width)
            for cell, width, on_left in zip(cells, widths, left, strict=True)
        )
        return "  ".join(padded).rstrip()

    lines = [fit(heads), "  ".join("─" * width for width in widths), *map(fit, rows)]
    return "\n".join(lines + _more(runs))


def html(runs: Runs) -> str:
    """Runs in a notebook."""
    found = runs.look()
    if not found:
        return f"<em>No runs in {escape(str(runs.store.path))}.</em>"
    found, depths = _family(found)
    heads, rows = _table(found[:MANY])
    left = [head in LEFT for head in heads]
    top = "".join(
        f'<th style="{_cell(on_left)};white-space:normal">{escape(head)}</th>'
        for head, on_left in zip(heads, left, strict=True)
    )
    body, said = [], runs.warnings()
    for (now, _), cells, depth in zip(found, rows, depths, strict=False):
        cells[0] = _under(depth) + cells[0]
        shown = [escape(cell) for cell in cells]
        shown[1] = badge(now) + _mark(said.get(now.name, []))
        shown[heads.index("steps")] += _bar(now)
        body.append(
            "<tr>"
            + "".join(f'<td style="{_cell(on)}">{cell}</td>' for cell, on in zip(shown, left, strict=True))
            + "</tr>"
        )
    more = "".join(f"<p>{escape(text)}</p>" for text in _more(runs))
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;color:inherit">'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"
    )


def card(run: Run) -> str:
    """One run in a notebook: what it has come to, its error, and its curves."""
    pulse = run.pulse()
    now = pulse.now
    values = [
        f"{escape(tag.replace('_', ' '))} <b>{number(pulse.tags[tag].value)}</b>"
        for tag in _TAGS
        if tag in pulse.tags
    ]
    parts = [f"step {steps(now)}", *values, duration(now.elapsed), *_ranks(now)]
    head = (
        f'<div style="margin:4px 0"><b>{escape(now.name)}</b> {badge(now)}'
        f' <span style="opacity:.75">{" · ".join(parts)}</span></div>'
    )
    error = (
        f'<pre style="color:{LOOKS["failed"][1]};white-space:pre-wrap;margin:4px 0">{escape(now.error)}</pre>'
        if now.error
        else ""
    )
    said = "".join(
        f'<div style="color:{WARNED[1]};margin:4px 0">{WARNED[0]} {escape(text)}</div>'
        for text in run.warnings
    )
    draw: Any = registry.load("akidlab.backends", "svg")
    return (
        head
        + error
        + said
        + (draw.picture(run, width=760, title=False) if pulse.tags or pulse.distributions else "")
    )


def badge(now: Snapshot) -> str:
    """The status with its symbol and colour, in HTML."""
    return f'<span style="color:{colour(now)};white-space:nowrap">{escape(standing(now))}</span>'


def _mark(said: list[str]) -> str:
    """A sign that tells what a run was warned of, to the mouse and to who hears the page read."""
    if not said:
        return ""
    told = escape("\n".join(said), quote=True)
    style = f"color:{WARNED[1]};cursor:help"
    return f' <span role="img" aria-label="{told}" title="{told}" style="{style}">{WARNED[0]}</span>'


def _family(found: list[_Row]) -> tuple[list[_Row], list[int]]:
    """Runs with those that were branched from them below them; and how far below."""
    here = {now.uid for now, _ in found}
    below: dict[str | None, list[_Row]] = {}
    for one in found:
        parent = one[0].parent
        below.setdefault(parent if parent in here else None, []).append(one)
    order, waiting = [], [(one, 0) for one in reversed(below.get(None, []))]
    while waiting:
        one, depth = waiting.pop()
        order.append((one, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(one[0].uid, []))]
    return [one for one, _ in order], [depth for _, depth in order]


def _under(depth: int) -> str:
    """What stands before the name of a run that was branched from the one above."""
    return "\u2007" * (2 * depth - 2) + "└ " if depth else ""


def _table(found: list[tuple[Snapshot, dict[str, float]]]) -> tuple[list[str], list[list[str]]]:
    tags = [tag for tag in _TAGS if any(tag in last for _, last in found)]
    heads = ["name", "status", "steps", *(tag.replace("_", " ") for tag in tags)]
    heads += ["duration", "started", "ranks"]
    rows = [
        [
            *(now.name, standing(now), steps(now)),
            *(number(last.get(tag)) for tag in tags),
            *(duration(now.elapsed), when(now.started or now.created), str(now.world_size)),
        ]
        for now, last in found
    ]
    if any(now.is_live for now, _ in found):
        heads.insert(2, "where")
        rows = [[*row[:2], place(now), *row[2:]] for row, (now, _) in zip(rows, found, strict=True)]
    return heads, rows


def _more(runs: Runs) -> list[str]:
    return [f"... and {len(runs) - MANY:,} more."] if len(runs) > MANY else []


def _ranks(now: Snapshot) -> list[str]:
    return [f"{now.world_size} ranks"] if now.world_size > 1 else []


def _cell(left: bool) -> str:
    line = "border-bottom:1px solid rgba(128,128,128,.25)"
    return f"text-align:{'left' if left else 'right'};padding:3px 8px;white-space:nowrap;{line}"


def _bar(now: Snapshot) -> str:
    if now.progress is None:
        return ""
    return (
        '<div style="height:3px;margin-top:2px;background:rgba(128,128,128,.25)">'
        f'<div style="height:3px;width:{100 * now.progress:.1f}%;background:{colour(now)}"></div></div>'
    )
