"""Parallel coordinates: numbers, words and what is missing, on axes that tell them apart."""

from __future__ import annotations

import math

from akidlab.backends import plotly, svg
from akidlab.backends.coordinates import axes, colouring

ROWS = [
    {"run": "a", "lr": 0.1, "width": 8, "clip": None, "loss": 0.5},
    {"run": "b", "lr": 0.0001, "width": 16, "clip": 1.0, "loss": math.nan},
]


def test_numbers_many_times_apart_are_drawn_by_their_logarithms() -> None:
    run, lr, width, _, _ = axes(ROWS)

    assert run.ticks == [(0.0, "a"), (1.0, "b")]
    assert [round(value, 9) for value in lr.values] == [-1.0, -4.0]
    assert lr.ticks is not None
    assert [word for _, word in lr.ticks] == ["0.0001", "0.1"]
    assert (width.values, width.ticks) == ([8.0, 16.0], None)


def test_what_is_no_number_lies_where_the_worst_lies() -> None:
    assert axes(ROWS)[4].values == [0.5, 0.5]


def test_lines_are_coloured_by_what_came_of_the_runs() -> None:
    found = axes(ROWS)

    assert colouring(found).name == "loss"
    assert colouring(found, "lr").name == "lr"
    assert colouring(axes([{"run": "a"}])) is None


def test_plotly_and_svg_draw_the_same_table() -> None:
    drawn = plotly.parallel(ROWS)
    still = svg.parallel(ROWS)

    assert [axis.label for axis in drawn.data[0].dimensions] == ["run", "lr", "width", "clip", "loss"]
    assert still.count("<polyline") == 2
    bundle = drawn._repr_mimebundle_()
    assert bundle["image/svg+xml"].count("<polyline") == 2
    assert bundle["text/plain"] == "Figure('figure': a, b)"
