from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from akidlab.atlas import Atlas, Chart
from akidlab.backends.svg.atlas import atlas, size
from akidlab.errors import KindError

ARRAY = np.array([[-1.0, 0.0], [2.0, np.nan]], np.float32)


def test_an_atlas_shows_itself_in_words_and_as_a_picture() -> None:
    bundle = Atlas("Filters", {"conv1": ARRAY})._repr_mimebundle_()

    assert bundle["text/plain"] == "Atlas('Filters': conv1 2×2)"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "data:image/png;base64," in bundle["image/svg+xml"]


def test_a_saved_png_has_a_pixel_for_each_number_and_is_clear_where_there_is_none(tmp_path: Path) -> None:
    path = Atlas("Filters", {"conv1": ARRAY}).save(tmp_path / "new" / "conv1.png")

    image = Image.open(path).convert("RGBA")
    assert image.size == (2, 2)
    assert image.getpixel((1, 0)) == (247, 247, 247, 255)  # zero is between the colours
    assert image.getpixel((1, 1))[3] == 0  # type: ignore[index]


def test_colours_are_saved_as_they_are(tmp_path: Path) -> None:
    red = np.array([[[1.0, 0.0, 0.0]]])

    path = Atlas("Filters", {"conv1": red}).save(tmp_path / "red.png")

    assert Image.open(path).getpixel((0, 0)) == (255, 0, 0, 255)


def test_several_images_are_several_png_and_one_npz(tmp_path: Path) -> None:
    atlas = Atlas("Filters", {"a/b": ARRAY, "c": ARRAY})

    atlas.save(tmp_path / "all.png")
    atlas.save(tmp_path / "all.npz")

    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["all_a_b.png", "all_c.png"]
    np.testing.assert_array_equal(np.load(tmp_path / "all.npz")["c"], ARRAY)


def test_an_ending_that_is_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(KindError, match=r"found `all\.gif`"):
        Atlas("Filters", {"a": ARRAY}).save(tmp_path / "all.gif")


def test_the_array_of_several_images_is_asked_by_name() -> None:
    with pytest.raises(KindError, match=r"There are 2 images.*a, b"):
        _ = Atlas("Filters", {"a": ARRAY, "b": ARRAY}).array


def test_thousands_of_filters_are_one_small_picture() -> None:
    many = {f"conv{number}": np.random.default_rng(0).normal(size=(600, 600)) for number in range(8)}

    bundle = Atlas("Filters", many)._repr_mimebundle_()

    assert len(bundle["image/svg+xml"]) < 300_000
    assert "a part" in bundle["image/svg+xml"]


def test_small_filters_are_large_enough_to_see_and_take_no_more_bytes() -> None:
    filters = np.random.default_rng(0).normal(size=(11, 23))

    drawn = Atlas("Filters", {"conv1": filters})._repr_mimebundle_()["image/svg+xml"]

    assert "width='552.0' height='264.0'" in drawn
    assert "image-rendering:pixelated" in drawn
    assert len(drawn) < 4_000


@pytest.mark.parametrize(
    ("shape", "many", "times"),
    [
        ((31, 5), 1, 20),
        ((191, 7), 1, 3),
        ((12, 80), 1, 10),
        ((8, 8), 3, 24),
        ((200, 400), 1, 2),
        ((8, 8), 16, 12),
    ],
)
def test_a_number_has_as_many_pixels_as_there_is_room_for(
    shape: tuple[int, int], many: int, times: int
) -> None:
    assert size(np.zeros(shape), many) == (shape[1] * times, shape[0] * times)


def test_the_rows_of_a_figure_are_as_high_as_the_images_of_the_picture() -> None:
    figure = Atlas("Filters", {"conv1": np.zeros((31, 5))}).figure

    low, high = figure.layout.yaxis.domain
    assert (high - low) * (figure.layout.height - 90) == pytest.approx(620, abs=1)


def test_the_figure_has_the_numbers_of_each_image() -> None:
    figure = Atlas("Filters", {"a": ARRAY, "b": np.abs(ARRAY)}).figure

    assert [(trace.name, trace.zmin, trace.zmax) for trace in figure.data] == [("a", -2, 2), ("b", 0, 2)]
    assert set(figure._repr_mimebundle_()) >= {"text/plain", "image/svg+xml"}


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("lines", np.array([[1.0, 2.0, 3.0], [0.1, np.nan, 0.3]])),
        ("bars", np.array([0.5])),
        ("histogram", np.array([1.0, 1.0, np.inf])),
        ("stems", np.array([[0.0, 1.0]])),
    ],
)
def test_a_chart_shows_itself_and_has_a_figure(kind: str, array: np.ndarray, tmp_path: Path) -> None:
    chart = Chart(kind, "title", {"one": array})

    assert chart._repr_mimebundle_()["image/svg+xml"].startswith("<svg")
    assert len(chart.figure.data) == 1
    assert chart.save(tmp_path / "chart.svg").read_text().startswith("<svg")


def test_what_is_not_finite_everywhere_is_drawn_as_nothing() -> None:
    empty = np.full((2, 2), np.nan)
    bundle = Atlas("Filters", {"a": empty, "grey": empty}, grey=True)._repr_mimebundle_()

    assert "image/svg+xml" in bundle


def test_the_encoder_writes_what_others_read() -> None:
    from akidlab.backends.heat import png

    ramp = np.linspace(0, 1, 12).reshape(3, 4)

    pixels = np.asarray(Image.open(io.BytesIO(png(ramp, grey=True))).convert("L"), float) / 255
    np.testing.assert_allclose(pixels, ramp, atol=0.005)


def test_names_and_scales_of_slim_images_do_not_touch() -> None:
    slim = {f"conv{i}": np.linspace(-1.23e-4, 1.23e-4, 192).reshape(192, 1) for i in range(8)}

    picture = str(atlas(Atlas("Filters", slim)))

    lefts = [float(x) for x in re.findall(r"<image x='([\d.]+)'", picture)]
    scales = re.findall(r"<text x='([\d.]+)' y='[\d.]+' font-size='10'>([^<]+)</text>", picture)
    ends = [float(x) + 5.5 * len(said) for x, said in scales]
    assert len(ends) == len(lefts) == 8
    assert all(end < left for end, left in zip(ends, lefts[1:], strict=False))
