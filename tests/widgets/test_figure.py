"""The figure that a finished dashboard leaves behind: lines of a topic share a chart, and it stays small."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from tapped import scalar

from akidlab.backends.palette import COLOURS
from akidlab.backends.svg import picture
from akidlab.messages import Message, Percentiles, Samples
from akidlab.store import Recorder, Run
from akidlab.widgets.charts import EXPLORED, charts, fitting
from akidlab.widgets.figure import figure


def look_inside(recorder: Recorder, layers: int, topics: int = 2, steps: int = 200) -> None:
    scalar(recorder, "observation_share", [1], [0.02])
    for topic in range(topics):
        for layer in range(layers):
            values = [(layer + 1) * 10.0 ** (-layer * topic) * 1.234567] * steps
            tag = f"topic{topic}/features/conv2d{layer}"
            recorder.hear(Message(tag, Samples(range(steps), values, [0.0] * steps), step=steps))
    recorder.flush()


def headings(drawn: Any) -> list[str]:
    return [above["text"] for above in drawn["layout"]["annotations"]]


def read(heading: str) -> str:
    """A heading without its looks."""
    return re.sub("<.*?>", "", heading)


def test_lines_of_a_topic_share_a_chart(run: Run, recorder: Recorder) -> None:
    for tag in ("loss", "validation_loss", "learning_rate"):
        scalar(recorder, tag, [1, 2], [0.5, 0.25])
    look_inside(recorder, 4)
    drawn: Any = figure(run)

    assert [read(heading) for heading in headings(drawn)[1:]] == [
        "Learning rate",
        "Topic0   conv2d0  conv2d1  conv2d2  conv2d3",
        "Topic1   conv2d0  conv2d1  conv2d2  conv2d3",
    ]
    assert f'<span style="color:{COLOURS[2]}">conv2d2</span>' in headings(drawn)[2]
    lines = [trace["name"] for trace in drawn["data"] if trace["yaxis"] == "y3"]
    assert lines == ["features/conv2d0", "features/conv2d1", "features/conv2d2", "features/conv2d3"]
    assert ("type" in drawn["layout"]["yaxis3"], drawn["layout"]["yaxis4"]["type"]) == (False, "log")


@pytest.mark.parametrize(("layers", "topics"), [(1, 1), (40, 1), (3, 30), (40, 12), (300, 2)])
def test_a_figure_is_small_however_many_lines_there_are(
    run: Run, recorder: Recorder, layers: int, topics: int
) -> None:
    for tag in ("loss", "validation_loss", "accuracy", "validation_accuracy", "learning_rate"):
        scalar(recorder, tag, list(range(10_000)), [i / 7 for i in range(10_000)])
    look_inside(recorder, layers, topics, 20)
    drawn: Any = figure(run)

    assert len(json.dumps(drawn)) <= 20_000
    legend = {1: "features/conv2d0", 3: "conv2d0  conv2d1  conv2d2"}.get(layers, f"8 of {layers} lines")
    assert [read(heading) for heading in headings(drawn)[2:4]] == ["Learning rate", f"Topic0   {legend}"]
    left_out = topics + 3 - len(headings(drawn))
    assert (f"{left_out} more in the run" in drawn["layout"]["title"]["text"]) is (left_out > 0)


def test_charts_in_rows_do_not_overlap(run: Run, recorder: Recorder) -> None:
    look_inside(recorder, 1, topics=9)
    layout: Any = figure(run)["layout"]
    rows = [layout[f"yaxis{number}"]["domain"] for number in ("", "5", "9")]

    assert rows[0][1] == 1 and rows[2][0] == pytest.approx(0, abs=1e-3)  # noqa: PT018
    assert rows[0][0] > rows[1][1] > rows[1][0] > rows[2][1]


def test_of_many_lines_those_from_the_first_to_the_last_are_shown() -> None:
    known = charts([f"norm/conv{layer}" for layer in range(40)])

    assert list(fitting(known)["norm/"].values())[::7] == ["norm/conv0", "norm/conv39"]


def test_what_is_explored_has_more_lines_than_what_is_kept(run: Run, recorder: Recorder) -> None:
    look_inside(recorder, 40, topics=1)
    kept, explored = figure(run), figure(run, EXPLORED)

    assert [headings(drawn)[0].split("   ")[1] for drawn in (kept, explored)] == ["8 of 40 lines", "40 lines"]
    assert len(json.dumps(explored)) <= 250_000


def test_all_charts_show_the_same_steps_and_a_rate_holds_to_the_last(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "loss", [1, 200], [2.0, 1.0])
    scalar(recorder, "learning_rate", [0], [0.05])
    scalar(recorder, "validation_accuracy", [0, 200], [0.5, 0.5])
    drawn: Any = figure(run)

    assert {tuple(drawn["layout"][f"xaxis{number}"]["range"]) for number in ("", 2, 3)} == {(-4.0, 204.0)}
    assert (drawn["data"][-1]["x"], drawn["data"][-1]["y"]) == ([0, 200], [0.05, 0.05])
    assert drawn["layout"]["yaxis2"]["range"] == [0.25, 0.75]
    assert "dtick" not in drawn["layout"]["xaxis"]


def test_a_run_of_one_step_has_no_part_of_a_step(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "learning_rate", [0], [0.05])
    drawn: Any = figure(run)

    assert drawn["layout"]["xaxis"]["dtick"] == 1
    assert headings(drawn) == ["<b>Learning rate</b>"]


def test_charts_are_called_as_people_call_them(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "weight_updates_weights_ratio/conv1", [1, 2], [0.01, 0.02])
    drawn: Any = figure(run)

    assert headings(drawn) == ["<b>Update to weight ratio</b>   conv1"]


def test_a_figure_says_what_looking_inside_cost(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "loss", [1, 2], [0.5, 0.25])
    assert "observed" not in figure(run)["layout"]["title"]["text"]  # type: ignore[index]
    scalar(recorder, "observation_share", [1], [0.0137])
    scalar(recorder, "observation_every", [1], [10])

    assert ", observed 1.4 %, every 10 steps" in figure(run)["layout"]["title"]["text"]  # type: ignore[index]
    assert "observed 1.4 %, every 10 steps" in picture(run)


def test_distributions_stand_beside_the_curves_nine_lines_each(run: Run, recorder: Recorder) -> None:
    scalar(recorder, "loss", [1, 200], [2.0, 1.0])
    tags = [f"{topic}/conv{i}" for topic in ("weights", "activations") for i in range(10)]
    for step in range(1, 301):
        rows = np.tile(np.arange(9, dtype=np.float32) * step / 7, (20, 1))
        recorder.hear(Message("percentiles", Percentiles(tags, rows, np.full(20, 9)), step=step))
    recorder.flush()
    drawn: Any = figure(run)

    said = [read(heading) for heading in headings(drawn)[1:]]
    assert said == [
        "activations/conv0   4 of 20 distributions",
        "weights/conv0",
        "activations/conv1",
        "weights/conv1",
    ]
    lines = [trace for trace in drawn["data"] if trace["yaxis"] == "y2"]
    assert [trace["name"] for trace in lines][::4] == ["maximum", "50%", "minimum"]
    assert all("fill" in trace for trace in lines[1:])
    assert len(json.dumps(drawn)) <= 36_000


def test_a_distribution_that_is_not_finite_says_where(run: Run, recorder: Recorder) -> None:
    for step, value in enumerate([1.0, np.nan, 2.0], 1):
        rows = np.full((1, 9), value, np.float32)
        recorder.hear(Message("percentiles", Percentiles(["weights/a"], rows, np.array([9])), step=step))
    recorder.flush()
    drawn: Any = figure(run)

    assert read(headings(drawn)[-1]) == "weights/a   not finite at 2"
    assert "NaN" not in json.dumps(drawn)
    assert drawn["data"][0]["x"] == [1, 3]
