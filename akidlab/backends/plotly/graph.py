"""The graph of a brain as an interactive plotly figure: blocks in layers, told about where one points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from akidlab.backends import layered, svg
from akidlab.backends.palette import ALARM, COLOURS, GREY
from akidlab.backends.plotly.look import StillFigure, layout

if TYPE_CHECKING:
    from akidlab.messages import Graph, Node

SCALE = 0.9  # pixels for a unit of the plan


class GraphFigure(StillFigure):
    """A figure of a graph, which leaves the picture of it."""

    _drawn: Any = None

    def _still(self) -> tuple[str, list[str]]:
        return svg.graph(self._drawn), [node.id for node in self._drawn.nodes if node.parent is None]


def graph(drawn: Graph) -> go.Figure:
    """A graph as a figure; systems are unfolded while no more than sixty nodes are seen.

    Args:
        drawn: what to draw.

    Example:
        >>> from akidlab.messages import Graph, Node
        >>> graph(Graph("small", "Brain", [Node("relu", "relu", "ReLULayer", "block")], [])).data[-1].text
        ('<b>relu</b><br>ReLU',)
    """
    plan = layered.plan(drawn)
    still = {"visible": False, "fixedrange": False}
    figure = GraphFigure(
        layout=layout(
            None, showlegend=False, hovermode="closest", margin={"l": 8, "r": 8, "t": 8, "b": 8},
            width=max(300, SCALE * plan.width + 40), height=max(160, SCALE * plan.height + 40),
            xaxis=still, yaxis={**still, "autorange": "reversed", "scaleanchor": "x"},
        )
    )  # fmt: skip
    figure._drawn = drawn
    kinds = list(dict.fromkeys(node.kind for node in drawn.nodes if node.role not in ("input", "system")))
    for place in plan.places:
        node = place.node
        is_block = node.role not in ("input", "system")
        colour = COLOURS[kinds.index(node.kind) % len(COLOURS)] if is_block else GREY
        stroke = {"loss": ALARM, "evaluation": "#227733"}.get(node.role, colour)
        figure.add_shape(
            type="rect", x0=place.x - place.width / 2, x1=place.x + place.width / 2,
            y0=place.y - place.height / 2, y1=place.y + place.height / 2, layer="below",
            fillcolor=colour, opacity=0.25 if is_block else 0.12, line={"color": stroke, "width": 1},
        )  # fmt: skip
    for back in (False, True):
        paths = [path for path in plan.paths if path.is_back == back]
        points = [point for path in paths for point in [*path.points, (None, None)]]
        line = {"color": COLOURS[1], "dash": "dash", "width": 1.2} if back else {"color": GREY, "width": 1}
        figure.add_scatter(
            x=[x for x, _ in points], y=[y for _, y in points], mode="lines", line=line, hoverinfo="skip"
        )
        figure.add_scatter(
            x=[path.label[0] for path in paths], y=[path.label[1] for path in paths], mode="text",
            text=[layered.label(path.edges) for path in paths], textfont={"size": 10}, hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=[place.x for place in plan.places],
        y=[place.y - (place.height / 2 - 13 if place.is_open else 0) for place in plan.places],
        mode="text", text=[_name(place.node, place.is_open) for place in plan.places], textfont={"size": 11},
        hovertext=[_told(place.node) for place in plan.places], hoverinfo="text",
    )  # fmt: skip
    return figure


def _name(node: Node, is_open: bool) -> str:
    return node.name if is_open or node.role == "input" else f"<b>{node.name}</b><br>{layered.about(node)}"


def _told(node: Node) -> str:
    emits = "" if node.shape is None else ", ".join("?" if s is None else layered.told(s) for s in node.shape)
    facts = [f"<b>{node.id}</b>", f"{node.kind} {node.details}".strip(), emits and f"emits {emits}"]
    parameters = f"{node.parameters:,} parameters" if node.parameters else ""
    return "<br>".join(filter(None, [*facts, parameters]))
