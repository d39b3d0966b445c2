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
from akidlab.messages.topics import RANKS
from akidlab.store import titles, words

if TYPE_CHECKING:
    from akidlab.store import Bands, Run, Series, Snapshot

HEIGHT, BANDS, GAP, HEAD, WARNING = 210, 170, 18, 30, 18
MANY = 9  # charts, at most, unless told which
LINES = 24  # of one chart, at most; those that have no colour of their own are grey
NOT_DRAWN = {"samples_per_second", "observation_share", "observation_every"}
OF_RANKS = {"ranks/own_ms": "own step time of ranks, ms", "ranks/wait_ms": "waiting of ranks, ms"}
ROOM = 39_000  # bytes of a picture of a run: a notebook saves it twice, as it is and in HTML
DETAILS = (1.0, 0.8, 0.6, 0.45, 0.3, 0.15)  # the shares of the points that are tried, until it fits


def picture(run: Run, tags: Sequence[str] | None = None, width: int = 900, *, title: bool = True) -> str:
    """The scalars of a run, training and validation of one thing in one chart, and some of its distributions.

    Args:
        run: what to draw.
        tags: which scalars, and no distributions; if left out as many of both as make a picture.
        width: of the picture, in pixels.
        title: begin with a line that names the run and says what it has come to.
    """
    drawn = ""
    for detail in DETAILS:
        drawn = _picture(run, tags, width, title, detail)
        if tags is not None or len(drawn) <= ROOM:
            break
    return drawn


def _picture(run: Run, tags: Sequence[str] | None, width: int, title: bool, detail: float) -> str:
    """With a share of the points; a dashboard's, which has a title, has a second row of distributions."""
    chosen = [tag for tag in run.tags() if tag not in NOT_DRAWN] if tags is None else list(tags)
    panels = charts([run.scalars(tag, points=width).held(run.step) for tag in chosen])
    bands, note = _some_bands(run, width, 1 + title, detail) if tags is None else ([], "")
    if tags is None and len(panels) > MANY:
        note = "; ".join(filter(None, [f"{MANY} of {len(panels)} charts", note]))
        panels = panels[:MANY]
    if not title:
        return draw(panels, width, bands=bands, note=note, detail=detail)
    pulse = run.pulse()
    if tags is None:
        panels += charts(
            [run.scalars(tag, points=width) for tag in pulse.ranks if _subject_of(tag) in OF_RANKS]
        )
    observed = words.observed({name: tag.value for name, tag in pulse.tags.items()})
    return draw(
        panels, width, run.look(), run.warnings, bands=bands, note=note, observed=observed, detail=detail
    )


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
    detail: float = 1.0,
) -> str:
    """Charts in rows of up to three, below a title if `now` is given and what the run was warned of.

    Args:
        panels: the series of each chart.
        width: of the picture, in pixels.
        now: what the title says.
        warnings: what stands below it.
        bands: what stands in rows of its own below the charts.
        note: what stands above that row.
        observed: what looking inside cost, for the title.
        detail: the share of the points that a chart has room for.
    """
    series = [one for panel in panels for one in panel]
    steps = span([*series, *(one.line(50) for one in bands)])
    body, height = _head(now, warnings, width, observed)
    if panels or not bands:
        drawn, high = _grid(panels, width, steps, detail)
        body.append(f"<g transform='translate(0,{height})'>{drawn}</g>")
        height += high + GAP
    if note and not bands:
        body.append(parts.text(width - 2, height - 2, note, anchor="end"))
        height += GAP
    if bands:
        drawn, high = row(bands, width, min(len(bands), _beside(width)), BANDS, steps=steps, note=note)
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


def _grid(
    panels: Sequence[Sequence[Series]], width: int, steps: tuple[float, float], detail: float
) -> tuple[str, int]:
    """The charts in rows; with how high they are."""
    if not panels:
        return parts.text(width / 2, HEIGHT / 2, "no samples yet", anchor="middle"), HEIGHT
    columns = max(1, min(3, len(panels), width // 240))
    each = (width - GAP * (columns - 1)) / columns
    body = []
    for index, panel in enumerate(panels):
        x, y = index % columns * (each + GAP), index // columns * (HEIGHT + GAP)
        body.append(f"<g transform='translate({x:.1f},{y})'>{_chart(panel, each, steps, detail)}</g>")
    return "".join(body), math.ceil(len(panels) / columns) * (HEIGHT + GAP) - GAP


def _said(
    series: Sequence[Series], bands: Sequence[Bands], now: Snapshot | None, warnings: Sequence[str]
) -> str:
    """The picture in words."""
    last = [f"{one.tag} {words.number(one.last)} at step {one.steps[-1]:,}" for one in series if len(one)]
    said = "; ".join([*last, *map(repr, bands)]) or "no samples yet"
    return ". ".join([f"{now.name}, {words.standing(now)}: {said}" if now else said, *warnings])


def _some_bands(run: Run, width: int, rows: int, detail: float) -> tuple[list[Bands], str]:
    """As many distributions as fit into some rows, and how many there are."""
    tags = run.distributions()
    chosen = pick(tags, rows * _beside(width))
    note = f"{len(chosen)} of {len(tags)} distributions" if len(tags) > len(chosen) else ""
    return [run.percentiles(tag, points=max(12, int(POINTS * detail))) for tag in chosen], note


def _beside(width: int) -> int:
    """How many distributions fit side by side."""
    return max(1, min(4, width // 210))


def _subject(series: Series) -> str:
    return _subject_of(series.tag)


def _subject_of(tag: str) -> str:
    """What a chart is of: a scalar, the topic of blocks, or what is measured of ranks."""
    depth = 2 if tag.startswith(f"{RANKS}/") else 1
    return "/".join(tag.removeprefix("validation_").split("/")[:depth])


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


def _chart(panel: Sequence[Series], width: float, steps: tuple[float, float], detail: float) -> str:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    scale = Scale(panel, steps, LEFT, right, TOP, bottom)
    subject = _subject(panel[0])
    said = OF_RANKS.get(subject) or titles.title(subject)
    body = [parts.text(0, 12, said, size=12, weight=600), parts.axes(scale)]
    body.append(_legend(panel, width))
    points, odd = max(24, int(detail * 2 * (right - scale.left) / len(panel))), 0
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
        return series.tag.removeprefix(f"{_subject(series)}/")
    if len(panel) == 1:
        return "validation" if series.tag != _subject(series) else ""
    return "training" if series.tag == _subject(series) else "validation"
