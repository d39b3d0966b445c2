from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from akidlab.errors import DataError
from akidlab.messages.picture import numbers, picture
from akidlab.wire import decode, encode

anything = st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100) | st.sampled_from(
    [float("nan"), float("inf"), float("-inf")]
)


@given(arrays(np.float32, array_shapes(min_dims=4, max_dims=4, max_side=4), elements=anything))
def test_numbers_come_back_to_within_half_a_level_and_what_is_not_finite_as_nan(values: np.ndarray) -> None:
    back = numbers(picture(values))

    fine = np.isfinite(values)
    assert np.isnan(back[~fine]).all()
    if fine.any():
        reach = float(values[fine].max()) - float(values[fine].min())
        off = np.abs(back[fine].astype(np.float64) - values[fine])
        assert off.max() <= reach / 254 / 2 * 1.01 + 1e-6 * np.abs(values[fine]).max()


def test_a_picture_travels() -> None:
    sent = picture(np.arange(8.0).reshape(2, 1, 2, 2), np.array([0.5, np.nan]), total=9, channels=3)

    came = decode(encode(sent))

    np.testing.assert_array_equal(came.levels, sent.levels)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(came.biases, sent.biases)  # type: ignore[attr-defined]
    assert (came.low, came.high, came.total, came.channels) == (0.0, 7.0, 9, 3)  # type: ignore[attr-defined]


def test_what_is_no_picture_is_told() -> None:
    with pytest.raises(DataError, match=r"A picture is \[items, channels, height, width\]"):
        picture(np.zeros((2, 2)))
    with pytest.raises(DataError, match="as many biases as items"):
        picture(np.zeros((2, 1, 1, 1)), np.zeros(3))
