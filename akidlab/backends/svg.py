"""A run as one static picture: small charts side by side, legible on light and dark, without a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np

from akidlab.backends.palette import ALARM, GREY, colour, first_odd
from akidlab.store import words

if TYPE_CHECKING:
    from akidlab.store import Run, Series, Snapshot

HEIGHT, GAP, HEAD, WARNING = 210, 18, 30, 18
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 40, 24  # of one chart: room for its ticks, its name and its legend
FONT = "font-family='system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOT_DRAWN = {"samples_per_second"}
ODD = 12  # at most so many lines are told that they are not finite


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
        body.append(_text(2, y, line, size=12, fill=words.WARNED[1]))
    span = _span([series for panel in panels for series in panel])
    for index, panel in enumerate(panels):
        x, y = index % columns * (each + GAP), head + index // columns * (HEIGHT + GAP)
        body.append(f"<g transform='translate({x:.1f},{y})'>{_chart(panel, each, span)}</g>")
    if not panels:
        body.append(_text(width / 2, head + HEIGHT / 2, "no samples yet", anchor="middle"))
    said = "; ".join(
        f"{s.tag} {words.number(s.last)} at step {s.steps[-1]:,}" for p in panels for s in p if len(s)
    )
    about = f"{now.name}, {words.standing(now)}: " if now else ""
    label = escape(". ".join([about + (said or "no samples yet"), *warnings]), quote=True)
    return _svg(width, height, label, body)


def overlay(
    lines: Sequence[Series],
    looks: Sequence[tuple[str, str]],
    *,
    title: str = "",
    log: bool = False,
    width: int = 900,
    height: int = 340,
) -> str:
    """Lines over each other in one chart, each told by its tag in a legend above.

    Args:
        lines: what to draw.
        looks: a colour and a dash (`solid`, `dash`, `dot`, ...) for each line.
        title: what stands above.
        log: draw the values on a logarithmic axis; those that are not positive are left out.
        width: of the picture, in pixels.
        height: of the picture, in pixels, with one line of legend.
    """
    odd = [series for series in lines if first_odd(series.steps, series.values) is not None]
    if log:
        lines = [replace(s, values=np.where(s.values > 0, s.values, np.nan)) for s in lines]
    body, x, y = [_text(2, 16, title, size=14, weight=600)], 2.0, HEAD + 8.0
    for series, (stroke, dash) in zip(lines, looks, strict=True):
        if x > 2 and x + 34 + 6.4 * len(series.tag) > width:
            x, y = 2.0, y + 18
        body.append(f"<path d='M{x:.1f} {y - 4}h18' stroke='{stroke}' stroke-width='2.5'{_dashed(dash)}/>")
        body.append(_text(x + 24, y, series.tag))
        x += 42 + 6.4 * len(series.tag)
    height += round(y - HEAD - 8)
    right, bottom = float(width - RIGHT), float(height - BOTTOM)
    scale = _Scale(lines, _span(lines), LEFT, right, y + 14, bottom, log=log)
    body.append(_axes(scale))
    for series, (stroke, dash) in zip(lines, looks, strict=True):
        body.append(_line(series, scale, stroke, _dashed(dash)))
    body += [_odd(series, scale, f"{series.tag} is not finite", row) for row, series in enumerate(odd[:ODD])]
    label = escape(f"{title}: {', '.join(series.tag for series in lines)}", quote=True)
    return _svg(width, height, label, body)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`.

    Example:
        >>> ticks(0.0, 0.93)
        [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    raw = (high - low) / count
    if not raw > 0 or not math.isfinite(raw):
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    size = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [float(f"{index * size:.12g}") for index in range(first, last + 1)]


def short(value: float) -> str:
    """A tick's number in a few characters.

    Example:
        >>> short(20_000), short(0.05), short(1e-5), short(2.5e12)
        ('20k', '0.05', '10⁻⁵', '2.5·10¹²')
    """
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        power = "10" + str(int(exponent)).translate(RAISED)
        return {"1.00": power, "-1.00": f"-{power}"}.get(mantissa, f"{float(mantissa):g}·{power}")
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if size >= max(unit, 1e4):
            return f"{value / unit:.4g}{name}"
    return f"{value:.6g}"


def _svg(width: int, height: int, label: str, body: Sequence[str]) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' role='img'"
        f" viewBox='0 0 {width} {height}' style='max-width:100%;height:auto' {FONT} font-size='11'"
        f" fill='{GREY}' aria-label=\"{label}\"><title>{label}</title>{''.join(body)}</svg>"
    )


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


def _chart(panel: Sequence[Series], width: float, span: tuple[float, float]) -> str:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    scale = _Scale(panel, span, LEFT, right, TOP, bottom)
    parts = [_text(0, 12, _subject(panel[0]).replace("_", " "), size=12, weight=600), _axes(scale)]
    x, odd = 0.0, 0
    for index, series in enumerate(panel):
        legend = f"{_role(series, panel)} {words.number(series.last)}".strip()
        parts.append(f"<path d='M{x:.1f} 26h14' stroke='{colour(index)}' stroke-width='2.5'/>")
        parts.append(_text(x + 18, 30, legend))
        x += 34 + 6.2 * len(legend)
        parts.append(_line(series, scale, colour(index)))
        if mark := _odd(series, scale, "not finite", odd):
            parts.append(mark)
            odd += 1
    return "".join(parts)


def _axes(scale: _Scale) -> str:
    left, right, bottom = scale.left, scale.right, scale.bottom
    parts = []
    for value in scale.y_ticks():
        y = scale.y(value)
        parts.append(f"<path d='M{left:g} {y:.1f}H{right:.1f}' stroke='{GREY}' stroke-opacity='.25'/>")
        parts.append(_text(left - 6, y + 4, short(value), anchor="end"))
    for value in scale.x_ticks():
        x = scale.x(value)
        parts.append(f"<path d='M{x:.1f} {bottom:g}v4' stroke='{GREY}'/>")
        parts.append(_text(x, bottom + 16, short(value), anchor="middle"))
    parts.append(f"<path d='M{left:g} {bottom:g}H{right:.1f}' stroke='{GREY}'/>")
    return "".join(parts)


def _role(series: Series, panel: Sequence[Series]) -> str:
    if len(panel) == 1:
        return "validation" if series.tag != _subject(series) else ""
    return "training" if series.tag == _subject(series) else "validation"


def _span(all_series: Sequence[Series]) -> tuple[float, float]:
    """The steps of all charts, so that they stand above each other in time; from 0 if that is near."""
    ends = [float(step) for series in all_series if len(series) for step in series.steps[[0, -1]]]
    first, last = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if 0 < first <= 0.1 * last:
        first = 0.0
    return (first, last) if first < last else (first - 1, last + 1)


class _Scale:
    """Where steps and values lie in a chart."""

    def __init__(
        self,
        panel: Sequence[Series],
        span: tuple[float, float],
        left: float,
        right: float,
        top: float,
        bottom: float,
        *,
        log: bool = False,
    ) -> None:
        self.first, self.last = span
        self.right, self.top, self.bottom = right, top, bottom
        values = np.concatenate([series.values for series in panel] or [np.empty(0)])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        orders = math.log10(high) - math.log10(low) if low > 0 else 0
        self.log = (log and low > 0) or (orders >= 2 and panel[0].tag == "learning_rate")
        if low == high:
            low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (-1.0, 1.0)
        if not self.log and 0 < low < 0.35 * high:
            low = 0.0  # a chart that nearly reaches zero should show it
        self.low, self.high = low, high
        longest = max((len(short(value)) for value in self.y_ticks()), default=0)
        self.left = max(left, 10 + 6.2 * longest)

    def x(self, step: float) -> float:
        return self.left + (step - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value: float) -> float:
        if self.log:
            low = math.log(self.low)
            share = (math.log(value) - low) / (math.log(self.high) - low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def x_ticks(self) -> list[float]:
        room = max(2, int((self.right - self.left) / 60))
        return [step for step in ticks(self.first, self.last, room) if step == int(step)]

    def y_ticks(self) -> list[float]:
        if not self.log:
            return ticks(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 4 else (1,)
        values = [float(f"{factor}e{power}") for power in powers for factor in factors]
        inside = [value for value in values if self.low <= value <= self.high]
        return inside[:: max(1, len(inside) // 5)]


def _dashed(dash: str) -> str:
    pattern = {"dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "12 4"}.get(dash)
    return f" stroke-dasharray='{pattern}'" if pattern else ""


def _line(series: Series, scale: _Scale, stroke: str, dashed: str = "") -> str:
    thin = series.thin(max(8, int(scale.right - scale.left)))
    pen, path, dots = "M", [], []
    for step, value in zip(thin.steps.tolist(), thin.values.tolist(), strict=True):
        if not math.isfinite(value):
            pen = "M"  # a gap
            continue
        x, y = scale.x(step), scale.y(value)
        path.append(f"{pen}{x:.1f} {y:.1f}")
        dots.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2' fill='{stroke}'/>")
        pen = "L"
    look = f"fill='none' stroke='{stroke}' stroke-width='1.5' stroke-linejoin='round'{dashed}"
    return f"<path d='{''.join(path)}' {look}/>" + ("".join(dots) if len(series) <= 30 else "")


def _odd(series: Series, scale: _Scale, said: str, row: int) -> str:
    """A line where a series is no longer finite; its words stand in a row of their own."""
    step = first_odd(series.steps, series.values)
    if step is None:
        return ""
    x, text = scale.x(step), f"{said} at {step:,}"
    line = f"<path d='M{x:.1f} {scale.top:g}V{scale.bottom:g}' stroke='{ALARM}' stroke-dasharray='2 3'/>"
    return line + _text(
        min(x + 4, scale.right - 6.2 * len(text)), scale.top + 10 + 13 * row, text, fill=ALARM
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "", size: int = 0, weight: int = 0, fill: str = ""
) -> str:
    more = f" text-anchor='{anchor}'" if anchor else ""
    more += f" font-size='{size}'" if size else ""
    more += f" font-weight='{weight}'" if weight else ""
    more += f" fill='{fill}'" if fill else ""
    return f"<text x='{x:.1f}' y='{y:.1f}'{more}>{escape(text)}</text>"
