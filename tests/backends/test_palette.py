"""The colours: legible on white and on JupyterLab's dark, and told apart by the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from akidlab.backends.palette import ALARM, COLOURS, GREY
from akidlab.store.words import LOOKS

# Machado, Oliveira and Fernandes (2009), severity 1.0
SIGHT = {
    "usual": np.eye(3),
    "no red": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "no green": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "no blue": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}


def linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(np.dot([0.2126, 0.7152, 0.0722], linear(colour))) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_lines_and_words_stand_out_on_light_and_dark(background):
    words = [GREY, ALARM, *(colour for _, colour in LOOKS.values())]

    assert min(contrast(colour, background) for colour in COLOURS) >= 3.0
    assert min(contrast(colour, background) for colour in words) >= 3.5


@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_lines_look_alike_to_anyone(sight):
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in COLOURS]

    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 15
