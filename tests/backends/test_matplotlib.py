"""Series and bands as matplotlib figures."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib import pyplot
from matplotlib.colors import to_hex

from akidlab.backends import matplotlib, null
from akidlab.backends.palette import COLOURS, GREY
from akidlab.errors import MissingPackageError
from akidlab.messages import Message, Percentiles
from akidlab.store import Bands, Recorder, Series, Store

NOISE = np.sort(np.random.default_rng(0).standard_normal((100, 9)).astype(np.float32), axis=1)


def series(values, tag: str = "loss", run: str = "digits") -> Series:
    return Series(tag, np.arange(len(values)), np.asarray(values, float), np.zeros(len(values)), run)


def bands(values=NOISE, tag: str = "weights/conv1") -> Bands:
    return Bands(tag, np.arange(len(values)), np.asarray(values), np.zeros(len(values)), "digits")


def test_a_figure_has_the_values_of_its_series():
    drawn = matplotlib.figure([series([3.0, 2.0]), series([1.0, 2.0], "validation_loss")], title="digits")

    (axes,) = drawn.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[3.0, 2.0], [1.0, 2.0]]
    assert [line.get_color() for line in axes.lines] == list(COLOURS[:2])
    assert [text.get_text() for text in axes.get_legend().texts] == ["loss", "validation_loss"]
    assert drawn.get_suptitle() == "digits"


def test_smoothing_leaves_the_samples_faintly_visible():
    raw, mean = matplotlib.figure([series(NOISE[:, 0])], smooth=0.9).axes[0].lines

    assert raw.get_alpha() == 0.3
    assert mean.get_ydata().std() < 0.4 * raw.get_ydata().std()
    with pytest.raises(ValueError, match=r"from 0 to below 1, found 1\.0"):
        matplotlib.figure([series([1.0])], smooth=1.0)


def test_bands_are_shaded_between_the_nine_lines():
    (axes,) = matplotlib.bands([bands()]).axes

    outer = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert len(axes.collections) == 4
    assert (outer.min(), outer.max()) == (NOISE[:, 0].min(), NOISE[:, 8].max())
    assert np.array_equal(axes.lines[0].get_ydata(), NOISE[:, 4])


def test_several_tensors_have_axes_each():
    drawn = matplotlib.bands([bands(tag=f"weights/{index}") for index in range(5)], title="digits")

    assert [axes.get_title(loc="left") for axes in drawn.axes] == [*(f"weights/{i}" for i in range(5)), ""]
    assert not drawn.axes[5].axison
    assert [text.get_text() for text in drawn.legends[0].texts][-1] == "50%"


def test_a_gap_is_left_where_a_tensor_is_not_finite_and_its_step_is_named():
    values = NOISE.copy()
    values[40:50] = np.nan

    (axes,) = matplotlib.bands([bands(values)]).axes
    assert len(axes.collections) == 8
    assert axes.texts[0].get_text() == " not finite at 40"
    assert (
        matplotlib.figure([series([1.0, np.inf])]).axes[0].texts[0].get_text() == " loss is not finite at 1"
    )


def test_the_background_is_left_to_the_theme_and_pyplot_to_the_user():
    drawn = matplotlib.figure([series([1.0, 2.0])], log=True)
    (axes,) = drawn.axes

    assert drawn.get_facecolor()[3] == axes.get_facecolor()[3] == 0
    assert to_hex(axes.xaxis.label.get_color()) == GREY
    assert axes.get_yscale() == "log"
    assert pyplot.get_fignums() == []


def test_a_notebook_shows_the_figure():
    drawn = matplotlib.bands([bands()])

    assert drawn._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_nothing_is_drawn_as_empty_axes():
    assert len(matplotlib.figure([]).axes) == 1
    assert len(matplotlib.bands([]).axes) == 1
    assert len(matplotlib.bands([bands(np.empty((0, 9)))]).axes) == 1


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(MissingPackageError, match=r"not installed\. Install it with: pip install matplotlib"):
        matplotlib.figure([series([1.0])])


def test_a_run_is_drawn_by_the_backend_that_is_asked_for():
    run = Store().create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 1.0, step=1))
        recorder.hear(Message("percentiles", Percentiles(["weights/a"], NOISE[:1], np.array([9])), step=1))

    assert run.figure("loss", backend="matplotlib").get_suptitle() == "digits: loss"
    assert run.figure("weights/a", backend="matplotlib").axes[0].get_title(loc="left") == "weights/a"
    assert run.figure("loss", backend="null") is run.figure("weights/a", backend="null") is None
    assert null.picture(run) == ""
