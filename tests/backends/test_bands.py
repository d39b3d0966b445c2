"""Bands in pictures: nine lines and their shades, small, honest, and legible on light and dark."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from akidlab.backends import plotly, svg
from akidlab.backends.shades import SHADES, on_top, pick, smooth_bands, stretches
from akidlab.backends.svg.picture import ROOM
from akidlab.errors import UnknownNameError
from akidlab.messages import Message, Percentiles, Samples
from akidlab.store import Bands, Recorder, Run, Store

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["maximum", "93%", "84%", "69%", "50%", "31%", "16%", "7%", "minimum"]
NOISE = np.sort(np.random.default_rng(0).standard_normal((20_000, 9)).astype(np.float32), axis=1)


def bands(values=NOISE[:100], tag: str = "weights/conv1", run: str = "digits") -> Bands:
    values = np.asarray(values, np.float32)
    return Bands(tag, np.arange(1, len(values) + 1), values, np.zeros(len(values)), run)


def texts(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.fixture
def run() -> Run:
    run = Store().create("digits")
    tags = [f"{topic}/{block}" for block in "ab" for topic in ("biases", "weights", "activations")]
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", Samples([1, 2], [2.0, 1.0], [0.0, 0.0])))
        for step in range(1, 101):
            found = Percentiles(tags, NOISE[step : step + 6], np.full(6, 99))
            recorder.hear(Message("percentiles", found, step=step))
    return run


def test_the_nine_lines_are_drawn_the_highest_first():
    drawn = plotly.bands([bands()], title="digits")

    assert [trace.name for trace in drawn.data] == NAMES
    assert np.array_equal(np.stack([trace.y for trace in reversed(drawn.data)], axis=1), NOISE[:100])
    assert drawn.data[0].x.tolist() == list(range(1, 101))
    assert drawn.layout.yaxis.title.text == "weights/conv1"


def test_the_looks_of_the_lines_are_told_once_and_shade_towards_the_middle():
    looks = plotly.bands([bands()]).layout.template.data.scatter

    assert [look.fill for look in looks] == [None, *["tonexty"] * 8]
    assert [look.line.width for look in looks] == [1, 1, 1, 1, 2, 1, 1, 1, 1]
    shades = [float(look.fillcolor.split(",")[-1][:-1]) for look in looks[1:]]
    assert shades == [*SHADES, *SHADES[::-1]]


@pytest.mark.parametrize(("many", "limit"), [(1, 20_000), (2, 20_000), (12, 75_000)])
def test_a_figure_stays_small_however_long_the_run(many, limit):
    drawn = plotly.bands([bands(NOISE, f"weights/{index}") for index in range(many)], title="x")

    assert len(drawn.to_json()) <= limit


def test_what_stands_out_is_drawn_however_long_the_run():
    values = NOISE.copy()
    values[12_345, 8], values[5_432, 0] = 99.0, -99.0

    drawn = plotly.bands([bands(values)])

    assert (drawn.data[0].y.max(), drawn.data[8].y.min()) == (99.0, -99.0)


def test_several_tensors_have_a_chart_each_and_one_legend():
    drawn = plotly.bands([bands(tag=f"weights/{index}") for index in range(5)], title="digits")

    assert len(drawn.data) == 45
    assert [trace.showlegend for trace in drawn.data[::9]] == [None, False, False, False, False]
    assert [trace.yaxis for trace in drawn.data[::9]] == ["y", "y2", "y3", "y4", "y5"]
    assert [text.text for text in drawn.layout.annotations] == [f"weights/{index}" for index in range(5)]
    assert drawn.layout.xaxis5.matches == "x"
    assert drawn.layout.yaxis4.domain[1] < drawn.layout.yaxis.domain[0]


def test_charts_of_several_runs_are_named_by_their_runs():
    drawn = plotly.bands([bands(run="a"), bands(run="b")])

    assert [text.text for text in drawn.layout.annotations] == ["a", "b"]


def test_a_gap_is_left_where_a_tensor_is_not_finite_and_its_step_is_named():
    values = NOISE[:60].copy()
    values[20:30] = np.nan
    values[40, 8] = np.inf
    drawn, picture = plotly.bands([bands(values)]), svg.bands([bands(values)])

    assert [len(trace.x) for trace in drawn.data[::9]] == [20, 10, 19]
    assert [trace.name for trace in drawn.data] == NAMES * 3
    assert drawn.layout.annotations[0].text == "not finite at step 21"
    assert "not finite at 21" in texts(picture)
    assert "nan" not in picture
    assert "inf" not in picture


def test_a_run_with_many_gaps_is_drawn_in_few_parts():
    values = NOISE[:100].copy()
    values[::3] = np.nan

    assert len(plotly.bands([bands(values)]).data) == 4 * 9
    assert len(plotly.bands([bands(values * np.nan)]).data) == 9
    assert len(plotly.bands([bands(np.empty((0, 9)))]).data) == 9
    assert len(plotly.bands([]).data) == 0


def test_smoothed_bands_still_lie_in_order():
    smooth = smooth_bands(bands(NOISE[:1000]), 0.9, 100)

    assert len(smooth) == 100
    assert np.all(np.diff(smooth.values, axis=1) >= 0)
    assert smooth.values[:, 8].std() < 0.5 * NOISE[:1000, 8].std()
    with pytest.raises(ValueError, match=r"from 0 to below 1, found 1\.0"):
        plotly.bands([bands()], smooth=1.0)


def test_a_logarithm_leaves_out_what_is_not_positive():
    values = np.abs(NOISE[:10]).copy()
    values[4:6, 0] = 0

    assert [len(part) for part in stretches(bands(values), log=True)] == [4, 4]
    assert plotly.bands([bands(values)], log=True).layout.yaxis.type == "log"


def test_a_figure_leaves_a_picture_for_pages_without_javascript():
    bundle = plotly.bands([bands()], title="digits: weights")._repr_mimebundle_()

    assert "digits: weights" in texts(bundle["image/svg+xml"])
    assert bundle["text/plain"] == "Figure('digits: weights': weights/conv1)"


def test_a_run_draws_a_scalar_or_a_distribution_whichever_it_is(run):
    assert [trace.name for trace in run.figure("loss").data] == ["loss"]
    assert [trace.name for trace in run.figure("weights/a").data] == NAMES
    assert len(run.figure(["weights/a", "weights/b"]).data) == 18
    assert "weights/a" in texts(run.figure("weights/a", backend="svg"))
    assert run.figure("loss", backend="svg")._repr_svg_().startswith("<svg")


def test_runs_are_drawn_side_by_side_those_that_have_it(run):
    other, empty = Store().create("other"), Store().create("empty")
    with Recorder(other) as recorder:
        recorder.hear(Message("percentiles", Percentiles(["weights/a"], NOISE[:1], np.array([9])), step=5))

    drawn = Store().runs().figure("weights/a")

    assert [text.text for text in drawn.layout.annotations] == ["digits", "other"]
    assert drawn.layout.title.text == "weights of a"
    assert empty.distributions() == []
    with pytest.raises(UnknownNameError, match=r"no scalar or distribution `weights/c`\. Did you mean"):
        Store().runs().figure("weights/c")


def test_a_backend_that_is_not_there_is_met_with_the_nearest(run):
    with pytest.raises(UnknownNameError, match=r"no backend `matplot`\. Did you mean `matplotlib`\?"):
        run.figure("loss", backend="matplot")


def test_the_shades_of_the_picture_are_those_of_the_figure():
    covered = 0.0
    for strip, shade in enumerate(SHADES):
        covered = 1 - (1 - covered) * (1 - on_top(strip))
        assert covered == pytest.approx(shade)


def test_a_picture_of_a_run_has_distributions_of_every_kind(run):
    wide, card = texts(svg.picture(run)), texts(svg.picture(run, width=760, title=False))

    chosen = ["activations/a", "weights/a", "biases/a", "activations/b", "weights/b", "biases/b"]
    assert [text for text in wide if "/" in text] == chosen
    assert [text for text in card if "/" in text] == chosen[:3]
    assert "3 of 6 distributions" in card
    assert "Bands('weights/a': " in (ET.fromstring(svg.picture(run)).get("aria-label") or "")
    assert [text for text in texts(svg.picture(run, ["loss"])) if "/" in text] == []


def test_distributions_alone_make_a_picture():
    run = Store().create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("percentiles", Percentiles(["weights/a"], NOISE[:1], np.array([9])), step=5))

    assert "weights/a" in texts(svg.picture(run))
    assert "no samples yet" not in svg.picture(run)
    assert "<svg" in run._repr_mimebundle_()["text/html"]


def test_the_picture_stays_within_its_height_and_small(run):
    picture = svg.picture(run)
    root = ET.fromstring(picture)

    assert len(picture) < 30_000
    assert float(root.get("height", 0)) == 30 + 210 + 18 + 22 + 170 + 18 + 170
    assert "<rect" not in picture


def test_the_most_telling_topics_are_picked_first():
    assert pick([], 4) == []
    assert pick(["biases/a", "weights/a", "weight_gradients/a"], 2) == ["weights/a", "weight_gradients/a"]
    assert pick(["weights/a", "weights/b", "weights/c"], 2) == ["weights/a", "weights/b"]


def test_a_full_picture_stays_small_and_shows_bands_and_ranks():
    run, nine = Store().create("full"), np.sort(NOISE.reshape(-1)[: 24 * 9].reshape(24, 9), 1)
    tags = [f"{topic}/conv{i}" for topic in ("weights", "activations") for i in range(12)]
    with Recorder(run) as recorder:
        steps = list(range(1, 2001))
        noise = np.random.default_rng(0).normal(size=(30, 2000)).tolist()
        names = [
            "loss",
            "accuracy",
            *(f"norm/conv{i}" for i in range(20)),
            *(f"ranks/own_ms/{i}" for i in range(8)),
        ]
        for name, values in zip(names, noise, strict=True):
            recorder.hear(Message(name, Samples(steps, values, [0.0] * 2000), step=2000))
        for step in range(1, 400):
            rows = (nine * (1 + step / 100)).astype(np.float32)
            recorder.hear(Message("percentiles", Percentiles(tags, rows, np.full(24, 9)), step=step))

    picture = svg.picture(run)
    said = texts(picture)
    assert len(picture) <= ROOM
    assert "own step time of ranks, ms" in said
    assert "8 of 24 distributions" in said
    assert picture.count("<g fill=") == 1 + 8  # the legend, and each that is shaded
