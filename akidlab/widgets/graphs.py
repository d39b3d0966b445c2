"""The graph of a run as a browser asks for it, and numbers of its blocks to colour them by."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from akidlab.errors import StoreError

if TYPE_CHECKING:
    from akidlab.store import Run

    Plain = dict[str, object]


def graph(run: Run, asked: Mapping[str, object]) -> Plain:
    """How the brain of a run is built, and how widely its blocks' tensors are spread now.

    Args:
        run: of which it is asked.
        asked: plain values from a browser: `known`, the `version` of the graph that it has, which is then not
            sent again; `spread`, such as `weight_gradients`, of which half the way between the 16th and the
            84th percentile is told for each block; `step`, for the graph as it was then.

    Returns:
        The `graph`, None if the browser has it or there is none; its `version`; `values` by the names of
        blocks in tags, such as `unit/conv1`.

    Raises:
        ValueError: if what is asked makes no sense.
    """
    step, spread = asked.get("step"), asked.get("spread")
    if not (step is None or (isinstance(step, int) and abs(step) < 2**62)):
        raise ValueError(f"A step is a whole number, found {step!r:.40}.")
    if not (spread is None or isinstance(spread, str)):
        raise ValueError(f"The name of a topic is a text, found {spread!r:.40}.")
    try:
        found: Plain | None = run.graph(step).json
    except StoreError:
        found = None
    version = zlib.crc32(json.dumps(found).encode())
    return {
        "graph": None if version == asked.get("known") else found,
        "version": version,
        "values": {} if spread is None else _spreads(run, f"{spread}/"),
    }


def _spreads(run: Run, topic: str) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, tag in run.pulse().distributions.items():
        if name.startswith(topic) and tag.step is not None:
            last = run.percentiles(name, since=tag.step - 1).values
            if len(last):
                half = float(last[-1][6] - last[-1][2]) / 2
                found[name.removeprefix(topic)] = half if half == half and abs(half) != float("inf") else None
    return found
