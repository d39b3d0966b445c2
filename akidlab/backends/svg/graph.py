"""The graph of a brain as a static picture: blocks in layers, with the shapes of what flows between them."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from akidlab.backends import layered
from akidlab.backends.palette import ALARM, COLOURS, GREY
from akidlab.backends.svg import parts
from akidlab.backends.svg.parts import Picture

if TYPE_CHECKING:
    from akidlab.backends.layered import Path, Place
    from akidlab.messages import Graph

MARGIN = 8
_FAINT = f"stroke='{GREY}' stroke-opacity='.4'"
_STYLE = (
    "<style>.n{font-weight:600;font-size:12.5px}.k{font-size:11px}.s{font-size:10.5px;opacity:.85}"
    ".e{fill:none;stroke:#7a7a7a;stroke-opacity:.7}"
    ".b{fill:none;stroke:#cf6d00;stroke-dasharray:5 3}</style>"
    "<defs><marker id='akid-to' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7'"
    " orient='auto'><path d='M0 .8L8 4L0 7.2z' fill='#7a7a7a'/></marker></defs>"
)


def graph(drawn: Graph) -> Picture:
    """A graph as a static picture; systems are unfolded while no more than sixty nodes are seen.

    Args:
        drawn: what to draw.
    """
    plan = layered.plan(drawn)
    kinds = dict.fromkeys(n.kind for n in drawn.nodes if n.role not in ("input", "system"))
    colours = {kind: COLOURS[at % len(COLOURS)] for at, kind in enumerate(kinds)}
    body = [_STYLE, f"<g transform='translate({MARGIN} {MARGIN})'>"]
    body += [_node(place, "") for place in plan.places if place.is_open]
    body += [_edge(path) for path in plan.paths]
    body += [_node(place, colours.get(place.node.kind, GREY)) for place in plan.places if not place.is_open]
    body.append("</g>")
    size = [math.ceil(side + 2 * MARGIN) for side in (plan.width, plan.height)]
    return Picture(parts.frame(max(size[0], 60), max(size[1], 40), f"The graph of {drawn.name}", body))


def _node(place: Place, colour: str) -> str:
    node, left, top = place.node, place.x - place.width / 2, place.y - place.height / 2
    name = escape(_fitting(node.name, place.width - 18 - 14 * (node.role == "system"), 7.2))
    box = f"x='{left:.1f}' y='{top:.1f}' width='{place.width:.1f}' height='{place.height:.1f}'"
    if place.is_open:
        return (
            f"<rect {box} rx='7' fill='{GREY}' fill-opacity='.08' {_FAINT}/>"
            f"<text class='n' x='{left + 12:.1f}' y='{top + 18:.1f}'>{name}</text>"
        )
    if node.role == "input":
        at = f"x='{place.x:.1f}' y='{place.y + 4:.1f}' text-anchor='middle'"
        return (
            f"<rect {box} rx='12' fill='{GREY}' fill-opacity='.12' {_FAINT}/>"
            f"<text class='k' {at}>{escape(node.name)}</text>"
        )
    stroke = {"loss": ALARM, "evaluation": "#227733"}.get(node.role, colour)
    look = f"fill='{colour}' fill-opacity='.14' stroke='{stroke}'"
    judges = node.role in ("loss", "evaluation")
    behind = f"<rect {box} rx='7' transform='translate(4 4)' fill='none' {_FAINT}/>"
    kind = escape(_fitting(layered.about(node), place.width - 18, 6.1))
    return (
        (behind if node.role == "system" else "")
        + f"<rect {box} rx='{18 if judges else 7}' {look} stroke-width='{2 if judges else 1}'>"
        f"<title>{escape(node.id)}{f': {escape(node.details)}' if node.details else ''}</title></rect>"
        f"<text class='n' x='{left + 12:.1f}' y='{top + 18:.1f}'>{name}</text>"
        f"<text class='k' x='{left + 12:.1f}' y='{top + 33:.1f}'>{kind}</text>"
    )


def _edge(path: Path) -> str:
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in path.points)
    drawn = f"<path class='{'b' if path.is_back else 'e'}' d='{line}' marker-end='url(#akid-to)'/>"
    said = layered.label(path.edges)
    if not said:
        return drawn
    x, y = path.label
    look = f"text-anchor='middle' fill='{COLOURS[1]}'" if path.is_back else ""
    start = x if path.is_back else x + 4
    return f"{drawn}<text class='s' x='{start:.1f}' y='{y + 4:.1f}' {look}>{escape(said)}</text>"


def _fitting(text: str, width: float, letter: float) -> str:
    most = max(3, int(width / letter))
    return text if len(text) <= most else f"{text[: most - 1]}…"
