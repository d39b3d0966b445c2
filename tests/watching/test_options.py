"""What to watch is said by topics and groups, checked when it is said."""

from __future__ import annotations

import pickle

import pytest

from akidlab.errors import MetricError, UnknownNameError
from akidlab.messages.topics import TOPICS
from akidlab.watching import WatchOptions


def test_everything_is_watched_by_default():
    assert WatchOptions().kinds == TOPICS


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        (("weights",), ("weights",)),
        (("gradients", "weights"), ("weights", "weight_gradients", "bias_gradients")),
        (("updates", "updates"), ("weight_updates", "bias_updates")),
        (("none",), ()),
        ((), TOPICS),
    ],
)
def test_groups_stand_for_their_topics_in_the_order_of_a_step(asked, kinds):
    assert WatchOptions(asked).kinds == kinds


def test_a_single_word_is_a_topic_not_letters():
    assert WatchOptions("weights", metrics="norm:weights").metrics == ("norm:weights",)


def test_a_misspelt_topic_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no topic `activation`. Did you mean `activations`\?"):
        WatchOptions(("activation",))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"every": 0}, "`every` is a whole number of 1 or more, found 0"),
        ({"every": 2.5}, "`every` is a whole number of 1 or more, found 2.5"),
        ({"elements": 4}, "`elements` is a whole number of 16 or more, found 4"),
        ({"budget": 2}, "`budget` is a share of the time between 0 and 1, such as 0.02; found 2"),
        ({"budget": "2%"}, "`budget` is a share of the time between 0 and 1, such as 0.02; found '2%'"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        WatchOptions(**options)


def test_a_metric_of_too_few_topics_is_refused_at_once():
    with pytest.raises(MetricError, match="takes 2 topics, found 1: weights"):
        WatchOptions(metrics=("ratio:weights",))


@pytest.mark.parametrize("metric", ["norm:conv1", "svcca:conv1"])
def test_the_name_of_a_block_where_a_topic_should_be_is_refused_at_once(metric):
    with pytest.raises(UnknownNameError, match=r"no topic `conv1`.* Known: all, .*weights"):
        WatchOptions(metrics=(metric,))
    with pytest.raises(UnknownNameError, match=r"no topic `weigths`. Did you mean `weights`\?"):
        WatchOptions(metrics=("norm:weigths",))


def test_a_metric_may_be_computed_of_what_another_publishes():
    asked = ("ratio", "message_mean:weight_updates_weights_ratio", "train_accuracy", "mean:train_accuracy")

    assert WatchOptions(metrics=asked).metrics == asked


def test_a_metric_that_needs_what_is_there_later_is_accepted():
    assert WatchOptions(metrics=("hessian",)).metrics == ("hessian",)


def test_options_travel():
    options = WatchOptions(("gradients",), every=3, budget=0.02, metrics=("norm:weights",))

    assert pickle.loads(pickle.dumps(options)) == options
