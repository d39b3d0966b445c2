"""The best validation so far: each metric has its own direction."""

from __future__ import annotations

import math

import pytest

from akidlab.kids import Best, EarlyStopping


def test_a_lower_loss_is_better():  # akid took the largest value of every metric as its best
    best = Best.of("validation_loss").after({"validation_loss": 2.0}, 10)

    best = best.after({"validation_loss": 1.0}, 20).after({"validation_loss": 3.0}, 30)

    assert (best.value, best.step, best.stale) == (1.0, 20, 1)


def test_a_direction_can_be_given_where_the_name_misleads():
    best = Best.of(("validation_score", "min")).after({"validation_score": 2.0}, 1)

    assert best.after({"validation_score": 1.0}, 2).value == 1.0


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="The direction of `x` is `min` or `max`, found 'up'"):
        Best.of(("x", "up"))


def test_a_value_that_is_no_number_is_never_the_best():
    best = Best.of("validation_loss").after({"validation_loss": math.nan}, 1)

    assert best.value is None
    assert best.after({"validation_loss": 9.0}, 2).value == 9.0


def test_an_improvement_below_min_delta_does_not_count():
    best = Best.of("validation_loss").after({"validation_loss": 1.0}, 1)

    assert best.after({"validation_loss": 0.95}, 2, min_delta=0.1).stale == 1


def test_a_metric_that_the_validation_lacks_is_named():
    with pytest.raises(KeyError, match=r"`validation_acuracy`. Did you mean `validation_accuracy`"):
        Best.of("validation_acuracy").after({"validation_accuracy": 1.0}, 1)


def test_early_stopping_is_a_number_a_dict_or_itself():
    asked = [None, 3, {"patience": 2, "metric": "validation_accuracy"}, EarlyStopping(4)]

    assert [EarlyStopping.of(one) for one in asked] == [
        None,
        EarlyStopping(3),
        EarlyStopping(2, "validation_accuracy"),
        EarlyStopping(4),
    ]


def test_a_patience_below_one_is_refused():
    with pytest.raises(ValueError, match="`patience` is a number of validations, 1 or more; found 0"):
        EarlyStopping(0)
