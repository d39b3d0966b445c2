"""Series as a plotly figure: small, honest, and legible on light and dark."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from akidlab.backends.palette import COLOURS
from akidlab.backends.plotly import figure
from akidlab.backends.smoothing import smoothed
from akidlab.messages import Message
from akidlab.store import Recorder, Series, Store


def series(values, tag: str = "loss", run: str = "digits") -> Series:
    values = np.asarray(values, dtype=float)
    return Series(tag, np.arange(len(values)), values, np.zeros(len(values)), run)


NOISE = np.random.default_rng(0).standard_normal(200_000)


def test_a_figure_has_the_values_of_its_series():
    drawn = figure([series([3.0, 2.0, 1.0])], title="digits")

    assert isinstance(drawn, go.Figure)
    assert (drawn.data[0].x.tolist(), drawn.data[0].y.tolist()) == ([0, 1, 2], [3.0, 2.0, 1.0])
    assert drawn.layout.title.text == "digits"
    assert drawn.layout.yaxis.title.text == "loss"


@pytest.mark.parametrize("many", [1, 2, 6])
@pytest.mark.parametrize("smooth", [0.0, 0.9])
def test_a_figure_is_at_most_20_kb(many, smooth):
    drawn = figure([series(NOISE, run=f"run-{index}") for index in range(many)], title="x", smooth=smooth)

    assert len(drawn.to_json()) <= 20_000


def test_what_stands_out_is_drawn_however_long_the_series():
    values = NOISE.copy()
    values[123_456], values[54_321] = 99.0, -99.0

    y = figure([series(values)]).data[0].y

    assert (y.max(), y.min()) == (99.0, -99.0)


def test_lines_are_named_by_what_tells_them_apart():
    loss, validation = series([1.0]), series([1.0], "validation_loss")
    other = series([1.0], run="digits-2")

    assert [trace.name for trace in figure([loss, validation]).data] == ["loss", "validation_loss"]
    assert [trace.name for trace in figure([loss, other]).data] == ["digits", "digits-2"]
    assert [trace.name for trace in figure([validation, other]).data] == [
        "digits: validation_loss",
        "digits-2: loss",
    ]


def test_runs_differ_in_colour_and_their_tags_in_dashes():
    lines = [series([1.0], tag, run) for run in ("a", "b") for tag in ("loss", "validation_loss")]

    looks = [(trace.line.color, trace.line.dash) for trace in figure(lines).data]

    assert looks == [(colour, dash) for colour in COLOURS[:2] for dash in ("solid", "dash")]


def test_a_colour_that_comes_again_is_dashed():
    drawn = figure([series([1.0], run=f"run-{index}") for index in range(len(COLOURS) + 1)])

    assert (drawn.data[-1].line.color, drawn.data[-1].line.dash) == (COLOURS[0], "dash")


def test_smoothing_leaves_the_samples_faintly_visible():
    raw, mean = figure([series(NOISE[:1000])], smooth=0.9).data

    assert (raw.opacity, raw.showlegend, raw.hoverinfo) == (0.3, False, "skip")
    assert mean.y.std() < 0.4 * raw.y.std()
    with pytest.raises(ValueError, match=r"from 0 to below 1, found 1\.0"):
        figure([series([1.0])], smooth=1.0)


def test_a_constant_stays_what_it_is_when_smoothed():
    assert smoothed(series([2.0] * 50), 0.99).values == pytest.approx([2.0] * 50)


def test_smoothing_passes_over_what_is_not_finite():
    mean = smoothed(series([1.0, np.nan, np.inf, 3.0]), 0.5)

    assert mean.steps.tolist() == [0, 3]
    assert mean.values == pytest.approx([1.0, (0.25 * 1 + 0.5 * 3) / 0.75])


def test_smoothing_nothing_finite_gives_nothing():
    assert len(smoothed(series([np.nan, np.inf]), 0.5)) == 0


def test_the_first_value_that_is_not_finite_is_marked():
    drawn = figure([series([1.0, 2.0, np.nan, np.nan])])

    assert drawn.layout.annotations[0].text == "loss is not finite at step 2"
    assert drawn.layout.shapes[0].x0 == 2


def test_the_background_is_left_to_the_theme():
    layout = figure([series([1.0])]).layout

    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == "#7a7a7a"


def test_a_logarithmic_axis_is_had_for_the_asking():
    assert figure([series([1.0, 100.0])], log=True).layout.yaxis.type == "log"


def test_values_too_large_or_small_for_four_bytes_are_kept_in_eight():
    drawn = figure([series([1e-300, 1e300])])

    assert drawn.data[0].y.tolist() == [1e-300, 1e300]


def test_an_empty_series_and_no_series_are_drawn_as_empty_axes():
    assert len(figure([series([])]).data[0].x) == 0
    assert len(figure([]).data) == 0


def test_a_figure_leaves_a_picture_for_pages_without_javascript():
    drawn = figure([series([3.0, 2.0], run="digits"), series([2.0, 1.0], run="digits-2")], title="loss")
    bundle = drawn._repr_mimebundle_()

    assert all(name in bundle["image/svg+xml"] for name in ("loss", "digits", "digits-2"))
    assert bundle["text/plain"] == "Figure('loss': digits, digits-2)"
    assert drawn._repr_html_() is None


@pytest.mark.parametrize(("many", "lines"), [(1, 0), (2, 1), (6, 3), (12, 6)])
def test_the_legend_has_room_below_and_leaves_the_title_alone(many, lines):
    lone = figure([series([1.0])], title="loss").layout
    layout = figure(
        [series([1.0], run=f"a-run-with-quite-a-long-name-{index:02}") for index in range(many)], title="loss"
    ).layout

    assert (layout.legend.yref, layout.legend.y, layout.legend.yanchor) == ("container", 0, "bottom")
    assert layout.height - lone.height == layout.margin.b - lone.margin.b == 22 * lines
    assert layout.margin.t == lone.margin.t


def test_lines_that_are_no_longer_finite_are_told_one_below_the_other():
    odd = [series([1.0, np.inf, 1.0, 1.0], run="a"), series([1.0, 1.0, 1.0, np.nan], run="b")]
    said = figure(odd).layout.annotations

    assert [text.text for text in said] == ["a is not finite at step 1", "b is not finite at step 3"]
    assert said[0].yshift - said[1].yshift >= 13
    assert [text.xanchor for text in said] == ["left", "right"]


def test_few_steps_have_a_number_each_and_many_as_many_as_fit():
    assert [figure([series(np.ones(many))]).layout.xaxis.dtick for many in (1, 9, 10)] == [1, 1, None]


@pytest.mark.parametrize(("value", "reach"), [(0.5, (0.25, 0.75)), (-2.0, (-3.0, -1.0)), (0.0, (-1.0, 1.0))])
def test_an_axis_of_one_value_reaches_half_as_far_around_it(value, reach):
    assert figure([series([value])]).layout.yaxis.range == reach
    assert figure([series([value, np.nan, value])]).layout.yaxis.range == reach
    assert figure([series([value, value + 1])]).layout.yaxis.range is None
    assert figure([series([value])], log=True).layout.yaxis.range is None


def test_a_constant_rate_is_a_line_to_the_last_step():
    run = Store().create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("learning_rate", 0.05, step=0))
        recorder.hear(Message("loss", 1.0, step=60))

    drawn = run.figure("learning_rate")

    assert (drawn.data[0].x.tolist(), drawn.data[0].y.tolist()) == ([0, 60], pytest.approx([0.05, 0.05]))
    assert (drawn.layout.title.text, drawn.layout.yaxis.title.text) == (
        "digits: learning rate",
        "learning rate",
    )


def test_lines_of_one_topic_are_named_by_their_blocks():
    ratios = [series([1.0], f"weight_updates_weights_ratio/{block}") for block in ("conv1", "ip1")]

    drawn = figure(ratios)

    assert [trace.name for trace in drawn.data] == ["conv1", "ip1"]
    assert drawn.layout.yaxis.title.text == "update to weight ratio"
    assert [trace.name for trace in figure([*ratios, series([1.0])]).data][2] == "loss"
    assert figure(ratios[:1]).data[0].name == "weight_updates_weights_ratio/conv1"
