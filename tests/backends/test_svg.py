"""The static picture of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from akidlab.backends.svg import charts, draw, overlay, picture, short, span, ticks
from akidlab.messages import Event, Message, Samples, Status
from akidlab.store import Recorder, Series, Store

SVG = "{http://www.w3.org/2000/svg}"


def series(values, tag: str = "loss", steps=None) -> Series:
    values = np.asarray(values, dtype=float)
    steps = np.arange(len(values)) if steps is None else np.asarray(steps)
    return Series(tag, steps, values, np.zeros(len(values)), "digits")


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture
def run():
    run = Store().create("a & 'b'", max_steps=1000, world_size=2)
    with Recorder(run) as recorder:
        recorder.hear(Message("status", Status("running"), time=100.0))
        steps = range(1, 1001)
        for tag in ("learning_rate", "loss", "accuracy", "samples_per_second"):
            recorder.hear(Message(tag, Samples(steps, [1 / step for step in steps], [0.0] * 1000)))
        recorder.hear(Message("validation_loss", 0.5, step=1000))
        recorder.hear(Message("status", Status("finished"), time=130.0))
    return run


def test_a_run_is_drawn_with_its_name_status_and_curves(run):
    said = texts(picture(run))

    assert said[0] == "a & 'b'✓ finishedstep 1,000 / 1,000 · 30.0 s · 2 ranks"
    assert [text for text in said if text in ("loss", "accuracy", "learning rate")] == [
        "loss",
        "accuracy",
        "learning rate",
    ]
    assert "training 0.0010" in said
    assert "validation 0.5000" in said
    assert "samples per second" not in said


def test_the_picture_is_said_aloud_to_who_cannot_see_it(run):
    root = ET.fromstring(picture(run))

    assert root.get("role") == "img"
    assert "a & 'b', ✓ finished: loss 0.0010 at step 1,000" in (root.get("aria-label") or "")


def test_only_the_scalars_asked_for_are_drawn(run):
    assert [text for text in texts(picture(run, ["accuracy"])) if text.isalpha()] == ["accuracy"]


def test_a_picture_stays_small_however_long_the_run():
    long = [
        series(np.random.default_rng(0).standard_normal(100_000), tag) for tag in ("loss", "accuracy", "x")
    ]

    assert len(draw(charts(long))) < 40_000


def test_training_and_validation_share_a_chart_the_loss_first_the_rate_last():
    tags = ["learning_rate", "validation_accuracy", "validation_loss", "accuracy", "loss"]

    found = [[one.tag for one in panel] for panel in charts([series([1.0], tag) for tag in tags])]

    assert found == [["loss", "validation_loss"], ["accuracy", "validation_accuracy"], ["learning_rate"]]


def test_a_run_without_samples_says_so():
    assert texts(picture(Store().create("new")))[-1] == "no samples yet"


@pytest.mark.parametrize(
    "values", [[], [1.0], [0.0, 0.0], [np.nan, np.nan], [1.0, np.inf, -np.inf], [1e-300, 1e300], [-5.0, -5.0]]
)
def test_odd_values_are_drawn_without_odd_coordinates(values):
    svg = draw([[series(values)], [series(values, "learning_rate")]])

    ET.fromstring(svg)
    drawn = "".join(path.get("d", "") for path in ET.fromstring(svg).iter(f"{SVG}path"))
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_a_gap_is_left_where_a_value_is_not_finite_and_its_step_is_named():
    svg = draw([[series([1.0, 2.0, np.nan, 2.0, 1.0])]])
    (line,) = [p.get("d", "") for p in ET.fromstring(svg).iter(f"{SVG}path") if p.get("fill") == "none"]

    assert line.count("M") == 2
    assert "not finite at 2" in texts(svg)


def test_everything_lies_within_the_picture(run):
    root = ET.fromstring(picture(run, width=500))
    height = float(root.get("height", 0))

    assert root.get("width") == "500"
    assert all(float(text.get("y", 0)) <= height for text in root.iter(f"{SVG}text"))


def test_no_background_is_painted_and_no_black_is_used(run):
    svg = picture(run)

    assert "<rect" not in svg
    assert "#000" not in svg


def test_ticks_are_round_and_within():
    assert ticks(0.0, 1000.0, 4) == [0.0, 500.0, 1000.0]
    assert ticks(-0.3, 0.31) == [-0.2, 0.0, 0.2]
    assert ticks(5.0, 5.0) == [5.0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (1000, "1000"),
        (20_000, "20k"),
        (1.5e6, "1.5M"),
        (2e-5, "2·10⁻⁵"),
        (-1e21, "-10²¹"),
        (4e20, "4·10²⁰"),
        (999e6, "999M"),
        (-0.25, "-0.25"),
    ],
)
def test_ticks_are_short(value, said):
    assert short(value) == said


@pytest.mark.parametrize("top", [2e8, 3e20, -2.5e300])
def test_the_numbers_of_an_axis_have_room(top):
    root = ET.fromstring(draw([[series([0.0, top])]]))
    labels = [text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "end"]

    assert labels
    assert all(float(label.get("x", 0)) >= 6 * len(label.text or "") for label in labels)


def test_what_is_not_finite_is_told_on_lines_of_its_own():
    odd = [series([1.0, np.nan], "loss"), series([1.0, np.nan], "validation_loss")]
    alone = ET.fromstring(draw([odd]))
    together = ET.fromstring(overlay(odd, [("#123456", "solid")] * 2, title="x"))

    for root, names in ((alone, ["", ""]), (together, ["loss is ", "validation_loss is "])):
        said = [text for text in root.iter(f"{SVG}text") if "finite" in (text.text or "")]
        assert [text.text for text in said] == [f"{name}not finite at 1" for name in names]
        assert float(said[1].get("y", 0)) - float(said[0].get("y", 0)) >= 12


def test_a_picture_tells_what_the_run_was_warned_of(run):
    text = "The loss is not finite since step 5: a smaller rate or `clip_norm` may help."
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("warning", {"text": text}), step=5))

    said = texts(picture(run))
    assert said[:2] == ["a & 'b'✓ finishedstep 1,000 / 1,000 · 30.0 s · 2 ranks", f"⚠ {text}"]
    assert text in (ET.fromstring(picture(run)).get("aria-label") or "")
    assert text not in texts(picture(run, title=False))


def test_a_long_legend_takes_nothing_from_the_chart():
    lines = [series([1.0, 2.0], f"a-run-with-quite-a-long-name-{index}") for index in range(12)]
    heights = [
        float(ET.fromstring(overlay(lines[:many], [("#123456", "solid")] * many)).get("height", 0))
        for many in (1, 12)
    ]

    assert heights[0] == 340
    assert heights[1] > 340


def test_lines_over_each_other_leave_out_what_a_logarithm_cannot_show():
    values = Series("loss", np.arange(3), np.array([1.0, 0.0, 0.01]), np.zeros(3))
    drawn = overlay([values], [("#123456", "dash")], title="a < b", log=True)

    assert "a &lt; b" in drawn
    assert "stroke-dasharray='7 4'" in drawn
    assert drawn.count("<circle") == 2


def test_what_is_told_of_each_block_shares_a_chart_behind_the_others():
    tags = [f"norm/{block}" for block in ("conv1", "conv2", "ip1", "ip2", "ip3", "ip4", "ip5")]

    panels = charts([series([1.0, 2.0], tag) for tag in [*tags, "loss", "learning_rate", "accuracy"]])
    said = texts(draw(panels))

    assert [panel[0].tag for panel in panels] == ["loss", "accuracy", "learning_rate", "norm/conv1"]
    assert len(panels[-1]) == 7
    assert [text for text in said if text in ("norm", *(t[5:] for t in tags))][:4] == [
        "norm",
        "conv1",
        "conv2",
        "ip1",
    ]
    assert any(text.endswith("more") for text in said)


def test_a_picture_has_no_more_charts_than_one_can_look_at(run):
    with Recorder(run) as recorder:
        for index in range(12):
            recorder.hear(Message(f"metric{index}", 1.0, step=1, key="conv1"))
        recorder.hear(Message("observation_share", 0.02, step=1))

    said = texts(picture(run))
    assert "9 of 15 charts" in said
    assert "observation share" not in said
    assert len([text for text in texts(picture(run, run.tags())) if text.startswith("metric")]) == 12


def test_steps_are_not_below_zero():
    assert [span([series(values)]) for values in ([1.0], [])] == [(0.0, 1.0), (0.0, 1.0)]
