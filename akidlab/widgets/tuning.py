"""The view of a tuning: how far its instances are, repainted in place while they train."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Protocol

from akidlab import config
from akidlab.store.words import LOOKS, duration, number
from akidlab.widgets.output import Bundle, Output
from akidlab.widgets.ticker import Ticker

PACE = 0.5  # seconds between two looks
MANY = 30  # lines; of more instances the best, and those that train, are shown
_LOOKS = {**LOOKS, "waiting": ("·", "#7a7a7a"), "pruned": ("✂", "#7a7a7a")}
_LIVE = ("preparing", "running", "paused")
_GREY = "rgba(128,128,128,.25)"


class Row(Protocol):
    """One instance, as it stands."""

    @property
    def instance(self) -> object: ...
    @property
    def status(self) -> str: ...
    @property
    def run(self) -> str | None: ...
    @property
    def step(self) -> int: ...
    @property
    def max_steps(self) -> int | None: ...
    @property
    def values(self) -> dict[str, float]: ...
    @property
    def seconds(self) -> float: ...
    @property
    def share(self) -> float: ...


Look = Callable[[], Sequence[Row]]


class TuningView:
    """Shows a tuning under the cell that runs it; a context manager.

    Args:
        name: what the tuning is called.
        look: gives its instances, as they stand.
        total: how many there will be.
        metric: what tells which is the best.
        higher: whether a higher value is better.
    """

    def __init__(
        self, name: str, look: Look, total: int, *, metric: str = "validation_loss", higher: bool = False
    ) -> None:
        self.name, self.total, self.metric, self.higher = name, total, metric, higher
        self._look = look
        self._output = Output()
        self._shown: Bundle = {}
        self._painting = threading.Lock()
        self._ticker = Ticker(self._tick, pace=PACE)

    def __enter__(self) -> TuningView:
        if not config.quiet():
            self._shown = self.bundle()
            self._output.show(self._shown)
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not config.quiet():
            self._ticker.stop()
            self._tick()

    def bundle(self) -> Bundle:
        """What it shows now, in words and in HTML."""
        rows = self._look()
        return {"text/plain": self.line(rows), "text/html": self._html(rows)}

    def line(self, rows: Sequence[Row]) -> str:
        """One line: how many are done, and the best so far."""
        counts = {status: sum(row.status == status for row in rows) for status in _LOOKS}
        training = sum(counts[status] for status in _LIVE)
        parts = [f"{counts['finished'] + counts['pruned']} of {self.total} done"]
        parts += [f"{training} training"] if training else []
        parts += [f"{counts[bad]} {bad}" for bad in ("pruned", "failed", "stopped", "lost") if counts[bad]]
        best = self.best(rows)
        if best is not None:
            parts.append(
                f"best {self.metric.replace('_', ' ')} {number(best.values[self.metric])} ({best.instance})"
            )
        return f"`{self.name}`: {', '.join(parts)}"

    def best(self, rows: Sequence[Row]) -> Row | None:
        """The row with the best value, if any has one."""
        judged = self._ranked(rows)
        return judged[0] if judged else None

    def _ranked(self, rows: Sequence[Row]) -> list[Row]:
        judged = [
            row for row in rows if row.values.get(self.metric, float("nan")) == row.values.get(self.metric)
        ]
        return sorted(judged, key=lambda row: row.values[self.metric], reverse=self.higher)

    def _tick(self) -> bool:
        with self._painting:
            bundle = self.bundle()
            if bundle != self._shown:
                self._shown = bundle
                self._output.update(bundle)
        return True

    def _html(self, rows: Sequence[Row]) -> str:
        share = sum(row.share for row in rows) / max(1, self.total)
        best = self.best(rows)
        tags = list(dict.fromkeys(tag for row in rows for tag in row.values))
        heads = [
            "",
            "parameters",
            "status",
            "steps",
            *(tag.replace("_", " ") for tag in tags),
            "duration",
            "run",
        ]
        chosen = self._chosen(rows)
        body = "".join(_line(row, tags, row is best) for row in chosen)
        more = f"<p>... and {len(rows) - len(chosen)} more.</p>" if len(rows) > len(chosen) else ""
        top = "".join(f'<th style="{_cell(1 <= i <= 2)}">{escape(head)}</th>' for i, head in enumerate(heads))
        return (
            f'<div style="margin:4px 0">{_code(self.line(rows))}</div>'
            f'<div style="height:4px;max-width:720px;background:{_GREY}"><div style="height:4px;'
            f'width:{100 * share:.0f}%;background:{LOOKS["running"][1]}"></div></div>'
            '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;color:inherit">'
            f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{more}"
        )

    def _chosen(self, rows: Sequence[Row]) -> list[Row]:
        if len(rows) <= MANY:
            return list(rows)
        kept = [*(row for row in rows if row.status in _LIVE), *self._ranked(rows)][:MANY]
        return [row for row in rows if any(row is one for one in kept)]


def _line(row: Row, tags: list[str], is_best: bool) -> str:
    symbol, colour = _LOOKS.get(row.status, _LOOKS["lost"])
    of = f" / {row.max_steps:,}" if row.max_steps else ""
    cells = [
        escape(str(getattr(row.instance, "index", ""))),
        escape(str(row.instance)),
        f'<span style="color:{colour};white-space:nowrap">{symbol} {escape(row.status)}</span>',
        f"{row.step:,}{of}" if row.run else "",
        *(number(row.values[tag]) if tag in row.values else "" for tag in tags),
        duration(row.seconds) if row.run else "",
        escape(row.run or ""),
    ]
    weight = "font-weight:bold;" if is_best else ""
    return (
        "<tr>"
        + "".join(f'<td style="{weight}{_cell(1 <= i <= 2)}">{c}</td>' for i, c in enumerate(cells))
        + "</tr>"
    )


def _cell(left: bool) -> str:
    line = f"border-bottom:1px solid {_GREY}"
    return f"text-align:{'left' if left else 'right'};padding:3px 8px;white-space:nowrap;{line}"


def _code(text: str) -> str:
    head, _, rest = escape(text).removeprefix("`").partition("`")
    return f"<b>{head}</b>{rest}"
