"""The grid of a figure: its layout, and where each chart lies."""

from __future__ import annotations

from typing import Any

from akidlab.backends.palette import FAINT, GREY

COLUMNS = 4
_GAP = 0.07  # between two charts, as a share of the width: room for the numbers of an axis
_ROW, _BELOW, _BETWEEN = 236, 36, 76  # pixels of a row of charts, below the last, between two
_FINE = 4  # steps that have a number each
_NUMBERS = {"exponentformat": "power", "minexponent": 5}


def layout(title: str, above: int, rows: int) -> dict[str, Any]:
    """That of a figure of `rows` rows, with `above` pixels for its title."""
    return {
        "height": above + _ROW * rows,
        "margin": {"l": 50, "r": 16, "t": above, "b": _BELOW},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": GREY},
        "hovermode": "x unified" if rows == 1 else "closest",
        "hoverlabel": {"font": {"size": 12}},
        "showlegend": False,
        "title": {
            "text": title,
            "x": 0.01,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 18},
            "font": {"size": 14},
        },
        "annotations": [],
    }


class Place:
    """Where a chart lies among `count` of them in `rows` rows, and what its axes are called.

    All show the same `steps`, so that charts stand above each other in time.
    """

    def __init__(self, index: int, count: int, rows: int, steps: tuple[float, float]) -> None:
        columns = min(COLUMNS, max(1, count))
        row, column = divmod(index, columns)
        width = (1 + _GAP) / columns - _GAP
        self.number = "" if index == 0 else str(index + 1)
        self.left = column * (width + _GAP)
        self.right = self.left + width
        self.top = 1 - row / rows * (1 + self._gap(rows))
        rim = 0.02 * (steps[1] - steps[0])  # a mark at an end is to be seen whole
        self.steps = {"range": [steps[0] - rim, steps[1] + rim], "tickformat": "~s"}
        self.steps |= {"dtick": 1} if steps[1] - steps[0] <= _FINE else {}
        self.bottom = max(0.0, self.top - (1 - (rows - 1) * self._gap(rows)) / rows)

    @staticmethod
    def _gap(rows: int) -> float:
        return 0.0 if rows == 1 else _BETWEEN / (_ROW * rows - _BELOW)

    def draw(
        self,
        layout: dict[str, Any],
        heading: str,
        scale: str = "",
        values: tuple[float, float] | None = None,
    ) -> None:
        """Put the axes of this chart, and `heading` above them, into `layout`.

        Args:
            layout: of the figure.
            heading: what stands above the chart.
            scale: `log`, or `zero` for one that begins there; else it fits the values.
            values: from where to where it reaches, instead.
        """
        x, y = f"x{self.number}", f"y{self.number}"
        axis = {"gridcolor": FAINT, "zeroline": False, "linecolor": FAINT, "automargin": True}
        across, up = [_short(self.left), _short(self.right)], [_short(self.bottom), _short(self.top)]
        layout[f"xaxis{self.number}"] = axis | {"domain": across, "anchor": y, **self.steps}
        layout[f"yaxis{self.number}"] = axis | {"domain": up, "anchor": x, "nticks": 6, **_NUMBERS}
        if scale:
            layout[f"yaxis{self.number}"] |= {"type": "log"} if scale == "log" else {"rangemode": "tozero"}
        if values:
            layout[f"yaxis{self.number}"]["range"] = [float(f"{value:.4g}") for value in values]
        above = {
            "text": heading,
            "x": across[0],
            "y": up[1],
            "yshift": 4,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
        }
        layout["annotations"].append(above)


def _short(share: float) -> float:
    return round(share, 4)
