"""A run as one static picture: small charts side by side, legible on light and dark, without a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from akidlab.backends.palette import colour
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import BOTTOM, LEFT, RIGHT, TOP
from akidlab.backends.svg.scale import Scale, span
from akidlab.store import words

if TYPE_CHECKING:
    from akidlab.store import Run, Series, Snapshot

HEIGHT, GAP, HEAD, WARNING = 210, 18, 30, 18
NOT_DRAWN = {"samples_per_second"}


def picture(run: Run, tags: Sequence[str] | None = None, width: int = 900, *, title: bool = True) -> str:
    """The scalars of a run, training and validation of one thing in one chart.

    Args:
        run: what to draw.
        tags: which scalars; all but the speed if left out.
        width: of the picture, in pixels.
        title: begin with a line that names the run and says what it has come to.
    """
    chosen = [tag for tag in run.tags() if tag not in NOT_DRAWN] if tags is None else list(tags)
    series = [run.scalars(tag, points=width) for tag in chosen]
    if not title:
        return draw(charts(series), width)
    return draw(charts(series), width, run.look(), run.warnings)


def charts(series_list: Sequence[Series]) -> list[list[Series]]:
    """Series that belong into one chart: the loss first, the learning rate last."""
    found: dict[str, list[Series]] = {}
    for series in series_list:
        found.setdefault(_subject(series), []).append(series)
    order = {"loss": -1, "learning_rate": 1}
    subjects = sorted(found, key=lambda subject: order.get(subject, 0))
    return [sorted(found[subject], key=lambda series: series.tag != subject) for subject in subjects]


def draw(
    panels: Sequence[Sequence[Series]],
    width: int = 900,
    now: Snapshot | None = None,
    warnings: Sequence[str] = (),
) -> str:
    """Charts in rows of up to three, below a title if `now` is given and what the run was warned of."""
    columns = max(1, min(3, len(panels), width // 240))
    each = (width - GAP * (columns - 1)) / columns
    head = (HEAD if now else 0) + WARNING * len(warnings)
    height = head + math.ceil(max(1, len(panels)) / columns) * (HEIGHT + GAP) - GAP
    body = [_title(now)] if now else []
    for index, text in enumerate(warnings):
        y = head - WARNING * (len(warnings) - index) + 4
        line = shorten(f"{words.WARNED[0]} {text}", int(width / 6.8), placeholder=" ...")
        body.append(parts.text(2, y, line, size=12, fill=words.WARNED[1]))
    steps = span([series for panel in panels for series in panel])
    for index, panel in enumerate(panels):
        x, y = index % columns * (each + GAP), head + index // columns * (HEIGHT + GAP)
        body.append(f"<g transform='translate({x:.1f},{y})'>{_chart(panel, each, steps)}</g>")
    if not panels:
        body.append(parts.text(width / 2, head + HEIGHT / 2, "no samples yet", anchor="middle"))
    said = "; ".join(
        f"{s.tag} {words.number(s.last)} at step {s.steps[-1]:,}" for p in panels for s in p if len(s)
    )
    about = f"{now.name}, {words.standing(now)}: " if now else ""
    label = ". ".join([about + (said or "no samples yet"), *warnings])
    return parts.frame(width, height, label, body)


def _subject(series: Series) -> str:
    return series.tag.removeprefix("validation_")


def _title(now: Snapshot) -> str:
    facts = [f"step {words.steps(now)}", words.duration(now.elapsed)]
    facts += [f"{now.world_size} ranks"] if now.world_size > 1 else []
    return (
        f"<text x='2' y='16' font-size='14'><tspan font-weight='600'>{escape(now.name)}</tspan>"
        f"<tspan dx='10' fill='{words.colour(now)}'>{escape(words.standing(now))}</tspan>"
        f"<tspan dx='10' font-size='12'>{escape(' · '.join(facts))}</tspan></text>"
    )


def _chart(panel: Sequence[Series], width: float, steps: tuple[float, float]) -> str:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    scale = Scale(panel, steps, LEFT, right, TOP, bottom)
    body = [parts.text(0, 12, _subject(panel[0]).replace("_", " "), size=12, weight=600), parts.axes(scale)]
    x, odd = 0.0, 0
    for index, series in enumerate(panel):
        legend = f"{_role(series, panel)} {words.number(series.last)}".strip()
        body.append(f"<path d='M{x:.1f} 26h14' stroke='{colour(index)}' stroke-width='2.5'/>")
        body.append(parts.text(x + 18, 30, legend))
        x += 34 + 6.2 * len(legend)
        body.append(parts.line(series, scale, colour(index)))
        if mark := parts.odd(series, scale, "not finite", odd):
            body.append(mark)
            odd += 1
    return "".join(body)


def _role(series: Series, panel: Sequence[Series]) -> str:
    if len(panel) == 1:
        return "validation" if series.tag != _subject(series) else ""
    return "training" if series.tag == _subject(series) else "validation"
