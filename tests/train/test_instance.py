"""The grid, and what tells its instances apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from akidlab.errors import TuningError
from akidlab.train.instance import Instance, grid, plain


def test_the_grid_is_in_akids_order_and_every_repeat_has_its_own_seed() -> None:
    found = grid([{"lr": 1}, {"lr": 2}], [{"k": 3}, {"k": 5}], repeat_times=2, seed=10)

    assert [(one.index, one.repeat, one.opt_paras["lr"], one.net_paras["k"], one.seed) for one in found] == [
        (0, 0, 1, 3, 10), (1, 0, 1, 5, 10), (2, 0, 2, 3, 10), (3, 0, 2, 5, 10),
        (4, 1, 1, 3, 11), (5, 1, 1, 5, 11), (6, 1, 2, 3, 11), (7, 1, 2, 5, 11),
    ]  # fmt: skip


def test_repeats_alone_make_a_grid() -> None:
    assert [str(one) for one in grid(repeat_times=2)] == ["no parameters", "repeat 1"]


def test_a_dict_of_lists_stands_for_all_combinations() -> None:
    found = grid({"lr": [1, 2], "momentum": np.array([0.5, 0.9])})

    assert [dict(one.opt_paras) for one in found] == [
        {"lr": 1, "momentum": 0.5},
        {"lr": 1, "momentum": 0.9},
        {"lr": 2, "momentum": 0.5},
        {"lr": 2, "momentum": 0.9},
    ]


def test_each_instance_may_want_another_number_of_gpus() -> None:
    assert [one.gpus for one in grid({"lr": [1, 2]}, gpu_num_per_instance=[2, None])] == [2, 0]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"opt_paras_list": []}, "`opt_paras_list` is a list of dicts, one at least"),
        ({"net_paras_list": [3]}, "`net_paras_list` is a list of dicts"),
        (
            {"opt_paras_list": {"lr": 0.1}},
            r"`lr` is 0.1. Write the values to try as a list",
        ),
        ({"opt_paras_list": {"act": "relu"}}, "`act` is 'relu'. Write"),
        ({"opt_paras_list": {"lr": []}}, "`lr` is \\[\\]"),
        ({"repeat_times": 0}, "`repeat_times` is a whole number of 1 or more, found 0"),
        ({"gpu_num_per_instance": [1, 1]}, "has 2 numbers for 1 instances"),
        ({"gpu_num_per_instance": -1}, "counts GPUs, 0 or more; found -1"),
    ],
)
def test_what_makes_no_grid_is_said(told: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TuningError, match=complaint):
        grid(**told)


def test_a_key_is_the_same_in_the_next_kernel_and_differs_between_instances() -> None:
    made = [{"act": math.sqrt, "size": np.int64(3)}, {"act": math.sin, "size": (1, 2)}]
    keys = [one.key for one in grid(made, repeat_times=2)]

    assert keys == [one.key for one in grid(made, repeat_times=2)]
    assert len(set(keys)) == 4
    assert plain(made[0]) == {"act": "sqrt", "size": 3}
    assert plain(object()) == "<object object>"


def test_parameters_that_both_have_are_told_apart() -> None:
    assert Instance(0, 0, {"decay": 1, "lr": 2}, {"decay": 3}).paras == {
        "opt_paras.decay": 1,
        "lr": 2,
        "net_paras.decay": 3,
    }
