"""Metrics by name, from one word."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from akidlab import metrics
from akidlab.errors import MetricError, OptionError, UnknownNameError
from akidlab.messages import Bus, CallbackSubscriber, Message
from akidlab.metrics.making import GROUP, OURS, parse


def test_ours_are_registered_the_way_a_strangers_are():
    tomllib = pytest.importorskip("tomllib", reason="Python reads TOML from 3.11 on")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    assert project["entry-points"][GROUP] == {
        name: f"akidlab.metrics:{maker.__name__}" for name, maker in OURS.items()
    }


def test_ours_are_there_though_they_came_after_the_installation(monkeypatch):
    monkeypatch.setattr("akidlab.registry.entry_points", lambda group: ())

    assert metrics.names() == sorted(OURS)
    assert metrics.make("norm", Bus()).topics_published == ("weights_norm2",)


@pytest.mark.parametrize(
    "name", sorted(set(OURS) - {"hessian", "svcca", "cka", "test_accuracy", "percentiles"})
)
def test_each_is_made_by_its_name_alone(name: str):
    bus = Bus()

    made = metrics.make(name, bus)

    assert type(made) is OURS[name]
    assert made in bus.subscribers
    assert made.topics_published == bus.topics


@pytest.mark.parametrize(
    ("spec", "topics"),
    [
        ("norm", ("weights_norm2",)),
        ("norm:activations", ("activations_norm2",)),
        ("norm:weights,biases?order=1", ("weights_norm1", "biases_norm1")),
        (" norm : weights ? order = inf & subsample = 2 ", ("weights_norminf",)),
        ("norm:gradients", ("weight_gradients_norm2", "bias_gradients_norm2")),
        ("ratio:weight_updates,weights", ("weight_updates_weights_ratio",)),
        ("mean?publish=average", ("average",)),
        ("message_mean:weights_norm2", ("weights_norm2_message_mean",)),
        ("train_accuracy", ("train_accuracy",)),
    ],
)
def test_a_word_says_topics_and_options(spec: str, topics: tuple[str, ...]):
    assert metrics.make(spec, Bus()).topics_published == topics


def test_percentiles_are_asked_for_as_other_metrics_are():
    bus, heard = Bus(), list[Message]()
    bus.subscribe(CallbackSubscriber(heard.append, topics=["percentiles"]))

    made = metrics.make("percentiles:parameters?exact=true", bus)
    bus.publish(Message("biases", torch.arange(101.0), 1, key="fc"))
    bus.publish(Message("batch_finished", step=1))

    assert (made.kinds, made.exact) == (("weights", "biases"), True)
    assert list(heard[0].data.values[0]) == [0, 7, 16, 31, 50, 69, 84, 93, 100]
    with pytest.raises(UnknownNameError, match="no topic `weihgts`"):
        metrics.make("percentiles:weihgts", bus)


def test_values_are_numbers_truths_nothing_or_words():
    assert parse("x?a=1&b=1.5&c=inf&d=true&e=None&f=word")[2] == {
        "a": 1, "b": 1.5, "c": math.inf, "d": True, "e": None, "f": "word",
    }  # fmt: skip


def test_metrics_parted_by_commas_are_told_to_be_parted_by_spaces():
    with pytest.raises(MetricError, match="Metrics are parted by spaces, topics by commas"):
        metrics.make("norm,sparsity", Bus())


@pytest.mark.parametrize(
    "spec", ["", ":weights", "norm:", "norm:weights,", "norm?order", "norm?=1", "norm?order=1&"]
)
def test_a_word_that_cannot_be_read_says_how_it_should_be(spec: str):
    with pytest.raises(MetricError, match=r"asked for as `norm`, `norm:weights` or .* found '"):
        metrics.make(spec, Bus())


def test_names_misspelt_name_those_that_were_meant():
    with pytest.raises(UnknownNameError, match=r"no metric `nrom`\. Did you mean `norm`"):
        metrics.make("nrom", Bus())
    with pytest.raises(UnknownNameError, match=r"no topic `weight`\. Did you mean `weights`"):
        metrics.make("norm:weight", Bus())
    with pytest.raises(OptionError, match=r"option of NormSubscriber `odrer`\. Did you mean `order`"):
        metrics.make("norm?odrer=1", Bus())


@pytest.mark.parametrize("spec", ["norm:conv1", "percentiles:conv1", "svcca:conv1", "ratio:weights,conv1"])
def test_the_name_of_a_block_is_no_topic(spec: str):
    with pytest.raises(UnknownNameError, match=r"no topic `conv1`\. Known: all, .* weights, .* of what, of"):
        metrics.make(spec, Bus())


def test_the_topics_of_a_bus_may_be_asked_for_in_words():
    bus = Bus()
    bus.register_topic("entropy")

    assert metrics.make("mean:entropy", bus).topics_published == ("entropy_mean",)


def test_nothing_stays_of_one_that_could_not_be_made():
    bus = Bus()

    with pytest.raises(MetricError, match="takes 2 topics"):
        metrics.make("ratio:weights", bus)

    assert (bus.subscribers, bus.topics) == ((), ())


def test_what_no_word_can_say_is_asked_for_or_given():
    net, data = nn.Linear(3, 2), (torch.zeros(4, 3), torch.zeros(4).long())

    with pytest.raises(MetricError, match=r"`test_accuracy` needs `model` and `data`, which no word can say"):
        metrics.make("test_accuracy", Bus())
    made = metrics.make("test_accuracy?frequency=5", Bus(), model=net, data=data, exporter=None)

    assert (made.model, made._subscription.subsample) == (net, 5)


def test_each_says_in_a_sentence_what_it_publishes():
    told = metrics.describe()

    assert list(told) == metrics.names()
    assert all(len(sentence) < 110 and sentence.endswith(".") for sentence in told.values())


def test_a_plug_in_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    package = tmp_path / "spoilt-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: spoilt\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[akidlab.metrics]\nspoilt = spoilt_metric:Spoilt\n")
    (tmp_path / "spoilt_metric.py").write_text("raise RuntimeError('no license')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert "spoilt" in metrics.names()
    with pytest.raises(MetricError, match=r"`spoilt` .* cannot be imported: RuntimeError: no license"):
        metrics.make("spoilt", Bus())
