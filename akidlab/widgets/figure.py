"""A run as one plotly figure of small multiples, in plain JSON: what a finished dashboard leaves behind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from akidlab.backends.lines import room
from akidlab.backends.palette import COLOURS
from akidlab.backends.svg import span
from akidlab.store import titles, words
from akidlab.widgets import description, spread
from akidlab.widgets.charts import KEPT, Charts, charts, fitting, points
from akidlab.widgets.grid import COLUMNS, Place, layout

if TYPE_CHECKING:
    from akidlab.store import Run, Series

MIME = "application/vnd.plotly.v1+json"

_ABOVE = 64  # pixels of what stands above the first row
_HEADING = 44  # characters above a chart
_WIDE = 50  # the last values are so many times apart that a logarithmic axis tells more


def figure(run: Run, budget: int = KEPT) -> description.Plain:
    """The charts of the dashboard, as the JSON of a plotly figure.

    Lines of a topic (`topic/key`) share a chart. Some distributions stand for all of them. What there is no
    room for is left out, and that is told.

    Args:
        run: what to draw.
        budget: bytes for its charts; with what stands around them a figure that is saved has 20 kB, and 16 kB
            more if it shows distributions.
    """
    known = charts(list(run.pulse().tags))
    shown = fitting(known, budget)
    each = points(shown, budget)
    bands = spread.some_bands(run, saved=budget == KEPT)
    count = len(shown) + len(bands)
    rows = max(1, math.ceil(count / COLUMNS))
    title, more = _title(run, [name for name in known if name not in shown], known)
    above = _ABOVE + 19 * more
    drawn = layout(title, above, rows)
    traces: list[description.Plain] = []
    last = run.step
    series_of = {
        name: {
            at: run.scalars(tag, points=each[name]).held(last).thin(each[name]) for at, tag in tags.items()
        }
        for name, tags in shown.items()
    }
    medians = [one.line(50) for one in bands]
    steps = span([*(one for series in series_of.values() for one in series.values()), *medians])
    for index, (name, tags) in enumerate(shown.items()):
        place, series = Place(index, count, rows, steps), series_of[name]
        scale = "zero" if name == "learning_rate" else "log" if _is_wide(name, series.values()) else ""
        heading = _heading(name, tags, len(known[name]), first=index == 0)
        place.draw(drawn, heading, scale, None if scale else room(list(series.values())))
        traces += [_trace(one, place, name, at) for at, one in series.items()]
    for index, one in enumerate(bands):
        place = Place(len(shown) + index, count, rows, steps)
        place.draw(drawn, spread.heading(one, len(bands), len(run.distributions()), first=index == 0))
        traces += spread.traces(one, place)
    return {"data": traces, "layout": drawn, "config": {"displaylogo": False, "responsive": True}}


def _is_wide(name: str, lines: Iterable[Series]) -> bool:
    """True for the lines of a topic that lie orders of magnitude apart, all above zero."""
    lasts = [line.last for line in lines if line.last is not None and math.isfinite(line.last)]
    return name.endswith("/") and bool(lasts) and min(lasts) > 0 and max(lasts) / min(lasts) >= _WIDE


def _heading(name: str, tags: dict[int, str], all_of_it: int, *, first: bool) -> str:
    """The name of a chart; in the first what its two colours mean, of a topic its lines, or how many."""
    said = f"<b>{escape(titles.heading(name.rstrip('/')))}</b>"
    if name.endswith("/"):
        if all_of_it > 1 and (legend := _legend(name, tags, all_of_it)):
            return f"{said}   {legend}"
        some = f"{len(tags)} of {all_of_it} lines" if len(tags) < all_of_it else f"{len(tags)} lines"
        return f"{said}   {some if all_of_it > 1 else escape(tags[0][len(name) :])}"
    if first and 1 in tags:
        words = [f'<span style="color:{COLOURS[at]}">{("training", "validation")[at]}</span>' for at in tags]
        return f"{said}   {'  '.join(words)}"
    return said


def _legend(name: str, tags: dict[int, str], all_of_it: int) -> str:
    """The names of lines in their colours, if they are short and few."""
    names = {at: tag.removeprefix(name).rpartition("/")[2] for at, tag in tags.items()}
    if len(names) < all_of_it or len(set(names.values())) < len(names) or max(names) >= len(COLOURS):
        return ""
    if len("  ".join(names.values())) + len(titles.heading(name.rstrip("/"))) > _HEADING:
        return ""
    return "  ".join(f'<span style="color:{COLOURS[at]}">{escape(key)}</span>' for at, key in names.items())


def _trace(series: Series, place: Place, name: str, at: int) -> description.Plain:
    """A line of a chart; a colour that comes again is dashed."""
    group = name.endswith("/")
    color = COLOURS[2 if name == "learning_rate" else at % len(COLOURS)]
    line: description.Plain = {"color": color, "width": 1.8}
    if at >= len(COLOURS):
        line["dash"] = "dot"
    dotted = (at == 1 and not group) or len(series) == 1
    return {
        "type": "scatter",
        "mode": "lines+markers" if dotted else "lines",
        "name": series.tag.removeprefix(name) if group else titles.title(series.tag),
        "x": series.steps.tolist(),
        "y": [float(f"{value:.5g}") if math.isfinite(value) else None for value in series.values.tolist()],
        "line": line,
        **({"marker": {"size": 5, "color": color}} if dotted else {}),
        "xaxis": f"x{place.number}",
        "yaxis": f"y{place.number}",
    }


def _title(run: Run, missing: list[str], known: Charts) -> tuple[str, int]:
    """What stands above, and how many lines it has beside the first: what it was warned of, and so on."""
    now = run.look()
    error = (now.error or "").strip().splitlines()
    why = f": {error[-1][:120]}" if error else ""
    observed = words.observed({name: tag.value for name, tag in run.pulse().tags.items()})
    cost = f", {observed}" if observed else ""
    said = f"{now.standing} at step {now.step:,} after {words.duration(now.elapsed)}{cost}{why}"
    title = f"<b>{escape(now.name, quote=False)}</b>   {escape(said, quote=False)}"
    sign, color = words.WARNED
    for text in (warned := run.warnings[:3]):
        line = escape(shorten(text, 120, placeholder=" ..."), quote=False)
        title += f'<br><span style="color:{color};font-size:12px">{sign} {line}</span>'
    if missing:
        example = escape(f'run.figure("{known[missing[0]][0]}")', quote=False)
        title += f'<br><span style="font-size:12px">{len(missing)} more in the run, such as {example}</span>'
    return title, len(warned) + bool(missing)
