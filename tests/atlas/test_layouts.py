from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.atlas import LAYOUTS, arrange, grid, tiled
from akidlab.errors import KindError, UnknownNameError

sizes = st.integers(1, 6)
counts = st.integers(1, 40)


def filters_of(count: int, channels: int, height: int, width: int) -> np.ndarray:
    many = count * channels * height * width
    return np.arange(1, many + 1, dtype=np.float32).reshape(count, channels, height, width)


@given(counts, st.integers(1, 50))
def test_normal_has_as_many_columns_as_asked_and_one_more_for_the_rest(count: int, number: int) -> None:
    rows, columns = grid({"type": "normal", "num": number}, count, 5, 5)

    asked = min(number, count)
    assert rows == count // asked
    assert columns == math.ceil(count / rows)
    assert columns == asked if count % asked == 0 else columns > asked


def test_normal_of_32_filters_in_5_columns_has_a_sixth_for_the_two_that_are_left() -> None:
    assert grid({"type": "normal", "num": 5}, 32, 5, 6) == (6, 6)
    assert grid({"type": "normal", "num": 1}, 32, 5, 6) == (32, 1)
    assert grid({"type": "normal", "num": 4}, 32, 5, 6) == (8, 4)


@given(counts, st.integers(1, 50))
def test_inverse_has_as_many_filters_in_a_column_as_asked(count: int, number: int) -> None:
    rows, columns = grid({"type": "inverse", "num": number}, count, 5, 5)

    assert rows == min(number, count)
    assert (columns - 1) * rows < count <= columns * rows


@given(counts, sizes, sizes)
def test_dynamic_has_the_columns_that_make_the_image_nearly_square(
    count: int, height: int, width: int
) -> None:
    rows, _ = grid("dynamic", count, height, width)

    columns = min(count, max(1, math.floor(math.sqrt(count * height / width))))
    assert rows == count // columns


@given(counts)
def test_square_is_the_squarest_grid(count: int) -> None:
    rows, columns = grid("square", count, 3, 3)

    assert rows * columns >= count
    assert 0 <= columns - rows <= 1


@given(st.sampled_from(LAYOUTS), st.integers(1, 12), st.integers(1, 4), sizes, sizes, st.integers(1, 9))
def test_every_weight_is_drawn_once_in_every_layout(
    kind: str, count: int, channels: int, height: int, width: int, number: int
) -> None:
    filters, biases = filters_of(count, channels, height, width), -np.arange(1.0, count + 1)

    sheet = arrange(filters, biases, {"type": kind, "num": number})

    drawn = sorted(sheet[np.isfinite(sheet)].tolist())
    held = [] if kind == "square" else biases.tolist()
    assert drawn == sorted([*filters.ravel().tolist(), *held])


@given(st.integers(1, 12), st.integers(1, 4), sizes, sizes)
def test_a_strip_is_its_channels_side_by_side_and_its_bias_at_the_right_end(
    count: int, channels: int, height: int, width: int
) -> None:
    filters, biases = filters_of(count, channels, height, width), -np.arange(1.0, count + 1)

    sheet = arrange(filters, biases, "normal", gap=0)

    assert sheet.shape == (count * height, channels * width + 1)
    for row in range(count):
        strip = sheet[row * height : (row + 1) * height]
        np.testing.assert_array_equal(strip[:, :-1], np.concatenate(list(filters[row]), axis=1))
        assert strip[0, -1] == biases[row]
        assert np.isnan(strip[1:, -1]).all()


def test_strips_fill_column_after_column() -> None:
    sheet = arrange(filters_of(5, 1, 1, 1), None, {"type": "inverse", "num": 3}, gap=0)

    np.testing.assert_array_equal(sheet, [[1, 4], [2, 5], [3, np.nan]])


def test_square_takes_each_channel_as_a_tile_row_by_row() -> None:
    sheet = arrange(filters_of(2, 2, 1, 1), np.zeros(2), "square", gap=0)

    np.testing.assert_array_equal(sheet, [[1, 2], [3, 4]])


def test_three_channels_can_be_colours_of_one_tile() -> None:
    sheet = arrange(filters_of(2, 3, 2, 2), np.zeros(2), "normal", colour=True, gap=0)

    assert sheet.shape == (4, 3, 3)
    np.testing.assert_array_equal(sheet[0, 0], [1, 5, 9])


def test_one_gap_lies_between_tiles_and_none_around_them() -> None:
    sheet = tiled(np.ones((4, 2, 2)))

    assert sheet.shape == (5, 5)
    assert np.isnan(sheet[2]).all()
    assert np.isnan(sheet[:, 2]).all()


@pytest.mark.parametrize(
    "layout", [{"type": "normal", "num": 0}, {"num": 3}, 7, {"type": "normal", "num": True}]
)
def test_a_layout_that_makes_no_sense_is_told(layout: object) -> None:
    with pytest.raises(KindError, match="layout"):
        grid(layout, 4, 5, 5)  # type: ignore[arg-type]


def test_a_misspelt_layout_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `square`"):
        grid("squares", 4, 5, 5)


def test_what_are_no_filters_is_told() -> None:
    with pytest.raises(KindError, match=r"found the shape \(3, 3\)"):
        arrange(np.zeros((3, 3)))
    with pytest.raises(KindError, match="as many biases"):
        arrange(np.zeros((2, 1, 3, 3)), np.zeros(3))


def test_a_key_that_no_layout_has_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"no key of a layout `nmu`\. Did you mean `num`\?"):
        grid({"type": "normal", "nmu": 3}, 8, 5, 5)
