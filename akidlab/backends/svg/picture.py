"""A run as one static picture: small charts side by side, legible on light and dark, without a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from akidlab.backends.palette import COLOURS, GREY
from akidlab.backends.shades import pick
from akidlab.backends.svg import parts
from akidlab.backends.svg.bands import POINTS, row
from akidlab.backends.svg.parts import BOTTOM, LEFT, RIGHT, TOP
from akidlab.backends.svg.scale import Scale, span
from akidlab.store import titles, words

if TYPE_CHECKING:
    from akidlab.store import Bands, Run, Series, Snapshot

HEIGHT, BANDS, GAP, HEAD, WARNING = 210, 170, 18, 30, 18
MANY = 9  # charts, at most, unless told which
LINES = 24  # of one chart, at most; those that have no colour of their own are grey
NOT_DRAWN = {"samples_per_second", "observation_share", "observation_every"}


def picture(run: Run, tags: Sequence[str] | None = None, width: int = 900, *, title: bool = True) -> str:
    """The scalars of a run, training and validation of one thing in one chart, and some of its distributions.

    Args:
        run: what to draw.
        tags: which scalars, and no distributions; if left out as many of both as make a picture.
        width: of the picture, in pixels.
        title: begin with a line that names the run and says what it has come to.
    """
    chosen = [tag for tag in run.tags() if tag not in NOT_DRAWN] if tags is None else list(tags)
    panels = charts([run.scalars(tag, points=width).held(run.step) for tag in chosen])
    bands, note = _some_bands(run, width) if tags is None else ([], "")
    if tags is None and len(panels) > MANY:
        note = "; ".join(filter(None, [f"{MANY} of {len(panels)} charts", note]))
        panels = panels[:MANY]
    if not title:
        return draw(panels, width, bands=bands, note=note)
    observed = words.observed({name: tag.value for name, tag in run.pulse().tags.items()})
    return draw(panels, width, run.look(), run.warnings, bands=bands, note=note, observed=observed)


def charts(series_list: Sequence[Series]) -> list[list[Series]]:
    """Series that belong into one chart: the loss first, what is told of each block last."""
    found: dict[str, list[Series]] = {}
    for series in series_list:
        found.setdefault(_subject(series), []).append(series)
    order = {"loss": -1, "learning_rate": 1}
    subjects = sorted(found, key=lambda subject: 2 * _of_blocks(found[subject]) or order.get(subject, 0))
    return [sorted(found[subject], key=lambda series: series.tag != subject) for subject in subjects]


def draw(
    panels: Sequence[Sequence[Series]],
    width: int = 900,
    now: Snapshot | None = None,
    warnings: Sequence[str] = (),
    *,
    bands: Sequence[Bands] = (),
    note: str = "",
    observed: str = "",
) -> str:
    """Charts in rows of up to three, below a title if `now` is given and what the run was warned of.

    Args:
        panels: the series of each chart.
        width: of the picture, in pixels.
        now: what the title says.
        warnings: what stands below it.
        bands: what stands in a row of its own below the charts.
        note: what stands above that row.
        observed: what looking inside cost, for the title.
    """
    series = [one for panel in panels for one in panel]
    steps = span([*series, *(one.line(50) for one in bands)])
    body, height = _head(now, warnings, width, observed)
    if panels or not bands:
        drawn, high = _grid(panels, width, steps)
        body.append(f"<g transform='translate(0,{height})'>{drawn}</g>")
        height += high + GAP
    if note and not bands:
        body.append(parts.text(width - 2, height - 2, note, anchor="end"))
        height += GAP
    if bands:
        drawn, high = row(bands, width, len(bands), BANDS, steps=steps, note=note)
        body.append(f"<g transform='translate(0,{height})'>{drawn}</g>")
        height += high + GAP
    return parts.frame(width, height - GAP, _said(series, bands, now, warnings), body)


def _head(now: Snapshot | None, warnings: Sequence[str], width: int, observed: str) -> tuple[list[str], int]:
    """The title and what the run was warned of; with how high they are."""
    body, height = ([_title(now, observed)], HEAD) if now else ([], 0)
    for text in warnings:
        line = shorten(f"{words.WARNED[0]} {text}", int(width / 6.8), placeholder=" ...")
        body.append(parts.text(2, height + 4, line, size=12, fill=words.WARNED[1]))
        height += WARNING
    return body, height


def _grid(panels: Sequence[Sequence[Series]], width: int, steps: tuple[float, float]) -> tuple[str, int]:
    """The charts in rows; with how high they are."""
    if not panels:
        return parts.text(width / 2, HEIGHT / 2, "no samples yet", anchor="middle"), HEIGHT
    columns = max(1, min(3, len(panels), width // 240))
    each = (width - GAP * (columns - 1)) / columns
    body = []
    for index, panel in enumerate(panels):
        x, y = index % columns * (each + GAP), index // columns * (HEIGHT + GAP)
        body.append(f"<g transform='translate({x:.1f},{y})'>{_chart(panel, each, steps)}</g>")
    return "".join(body), math.ceil(len(panels) / columns) * (HEIGHT + GAP) - GAP


def _said(
    series: Sequence[Series], bands: Sequence[Bands], now: Snapshot | None, warnings: Sequence[str]
) -> str:
    """The picture in words."""
    last = [f"{one.tag} {words.number(one.last)} at step {one.steps[-1]:,}" for one in series if len(one)]
    said = "; ".join([*last, *map(repr, bands)]) or "no samples yet"
    return ". ".join([f"{now.name}, {words.standing(now)}: {said}" if now else said, *warnings])


def _some_bands(run: Run, width: int) -> tuple[list[Bands], str]:
    """As many distributions as fit side by side, and how many there are."""
    tags = run.distributions()
    chosen = pick(tags, max(1, min(4, width // 210)))
    note = f"{len(chosen)} of {len(tags)} distributions" if len(tags) > len(chosen) else ""
    return [run.percentiles(tag, points=POINTS) for tag in chosen], note


def _subject(series: Series) -> str:
    return series.tag.removeprefix("validation_").split("/")[0]


def _of_blocks(panel: Sequence[Series]) -> bool:
    """Whether a chart has a line for each block, `<topic>/<block>`."""
    return any("/" in series.tag for series in panel)


def _title(now: Snapshot, observed: str) -> str:
    facts = [f"step {words.steps(now)}", words.duration(now.elapsed)]
    facts += [f"{now.world_size} ranks"] if now.world_size > 1 else []
    facts += [observed] if observed else []
    return (
        f"<text x='2' y='16' font-size='14'><tspan font-weight='600'>{escape(now.name)}</tspan>"
        f"<tspan dx='10' fill='{words.colour(now)}'>{escape(words.standing(now))}</tspan>"
        f"<tspan dx='10' font-size='12'>{escape(' · '.join(facts))}</tspan></text>"
    )


def _chart(panel: Sequence[Series], width: float, steps: tuple[float, float]) -> str:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    scale = Scale(panel, steps, LEFT, right, TOP, bottom)
    body = [parts.text(0, 12, titles.title(_subject(panel[0])), size=12, weight=600), parts.axes(scale)]
    body.append(_legend(panel, width))
    points, odd = max(24, int(2 * (right - scale.left) / len(panel))), 0
    for index, series in reversed(list(enumerate(panel[:LINES]))):  # the grey ones lie below
        body.append(parts.line(series, scale, _colour(index), points=points))
        if mark := parts.odd(series, scale, "not finite", odd):
            body.append(mark)
            odd += 1
    return "".join(body)


def _legend(panel: Sequence[Series], width: float) -> str:
    """As many names as there is room for, and how many more there are."""
    body, x = [], 0.0
    for index, series in enumerate(panel):
        legend = _role(series, panel)
        if not _of_blocks(panel):
            legend = f"{legend} {words.number(series.last)}".strip()
        elif x + 18 + 6.2 * len(legend) > width - 82 * (index + 1 < len(panel)) or index == len(COLOURS):
            return "".join([*body, parts.text(x, 30, f"and {len(panel) - index} more")])
        body.append(f"<path d='M{x:.1f} 26h14' stroke='{_colour(index)}' stroke-width='2.5'/>")
        body.append(parts.text(x + 18, 30, legend))
        x += 34 + 6.2 * len(legend)
    return "".join(body)


def _colour(index: int) -> str:
    return COLOURS[index] if index < len(COLOURS) else GREY


def _role(series: Series, panel: Sequence[Series]) -> str:
    if _of_blocks(panel):
        return series.tag.partition("/")[2]
    if len(panel) == 1:
        return "validation" if series.tag != _subject(series) else ""
    return "training" if series.tag == _subject(series) else "validation"
