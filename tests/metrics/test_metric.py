"""A metric hears, computes, and publishes when the step is over."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from akidlab import metrics
from akidlab.errors import MetricError, OptionError, UnknownNameError
from akidlab.messages import Bus, CallbackSubscriber, Log, Message, get_default_bus


class PeakSubscriber(metrics.Metric):
    """Publishes the greatest element."""

    name = "peak"
    merges = "max"

    def compute(self, said: Message) -> Tensor:
        return said.data.max()


def make_step(bus: Bus, step: int, tag: str = "train", **data: Tensor) -> None:
    """One step of a network with one layer."""
    for topic, value in data.items():
        bus.publish(Message(topic, value, step, tag=tag, key="fc"))
    bus.publish(Message("batch_finished", step=step))
    bus.publish(Message("step_finished", step=step))


def test_what_it_computed_is_published_under_the_modules_key_when_the_step_is_over(bus, heard):
    metric = PeakSubscriber(bus=bus)

    bus.publish(Message("weights", torch.tensor([1.0, 7.0]), step=3, epoch=1, key="fc"))
    before = dict(heard.values)
    bus.publish(Message("batch_finished", step=3, epoch=1))

    assert before == {}
    assert heard.values == {"weights_peak/fc": [(3, 7.0)]}
    assert (heard.messages[0].epoch, heard.messages[0].tag, heard.messages[0].key) == (1, "train", "fc")
    assert metric.values == {"weights_peak/fc": 7.0}


def test_all_of_a_step_comes_to_the_host_together(bus, heard, monkeypatch):
    transfers: list[int] = []
    stack = torch.stack
    monkeypatch.setattr(torch, "stack", lambda parts, *a: transfers.append(len(parts)) or stack(parts, *a))
    PeakSubscriber("weights", "biases", bus=bus)

    make_step(bus, 1, weights=torch.ones(2), biases=torch.zeros(2))

    assert transfers == [2]
    assert heard.values == {"weights_peak/fc": [(1, 1.0)], "biases_peak/fc": [(1, 0.0)]}


def test_it_is_on_the_bus_of_the_with_unless_one_is_given(bus, heard):
    with bus:
        metric = PeakSubscriber()

    assert metric.bus is bus
    assert metric not in get_default_bus().subscribers


def test_closed_it_hears_nothing_and_its_topic_is_gone(bus, heard):
    metric = PeakSubscriber(bus=bus)
    known = bus.topics

    metric.close()
    metric.close()
    make_step(bus, 1, weights=torch.ones(2))

    assert (known, bus.topics, heard.values) == (("weights_peak",), (), {})


def test_every_third_is_counted_for_each_module_and_topic(bus, heard):
    PeakSubscriber("weights", "biases", bus=bus, subsample=3)

    for step in range(1, 8):
        data = {"weights": torch.ones(1)} | ({"biases": torch.ones(1)} if step > 1 else {})
        make_step(bus, step, **data)

    assert [step for step, _ in heard.values["weights_peak/fc"]] == [1, 4, 7]
    assert [step for step, _ in heard.values["biases_peak/fc"]] == [2, 5]


@pytest.mark.parametrize(("tag", "expected"), [("train", [1]), ("eval", [2]), (None, [1, 2])])
def test_it_hears_one_tag_or_all(bus, heard, tag: str | None, expected: list[int]):
    PeakSubscriber(bus=bus, tag=tag)

    make_step(bus, 1, weights=torch.tensor([1.0]))
    make_step(bus, 2, "eval", weights=torch.tensor([2.0]))

    assert [step for step, _ in heard.values["weights_peak/fc"]] == expected
    assert [message.tag for message in heard.messages] == [
        "train" if step == 1 else "eval" for step in expected
    ]


def test_it_may_publish_under_another_name(bus, heard):
    PeakSubscriber("weights", bus=bus, publish="highest")

    make_step(bus, 1, weights=torch.ones(2))

    assert heard.values == {"highest/fc": [(1, 1.0)]}


def test_what_differs_between_ranks_is_told_how_to_merge_it_and_weights_are_not(bus, heard):
    PeakSubscriber("weights", "activations", bus=bus)
    metrics.MeanSubscriber("activations", "weights", bus=bus)

    make_step(bus, 1, weights=torch.ones(2), activations=torch.ones(4, 2))

    told = {message.topic: (message.data.merge, list(message.data.weights)) for message in heard.messages}
    assert told == {
        "weights_peak": (None, []),
        "activations_peak": ("max", []),
        "weights_mean": (None, []),
        "activations_mean": ("mean", [8.0]),
    }


def test_parts_of_a_batch_whose_gradients_are_accumulated_count_as_one(bus, heard):
    metrics.MeanSubscriber("activations", bus=bus)
    PeakSubscriber("activations", bus=bus)
    metrics.SumSubscriber("activations", bus=bus)
    whole = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))

    for part in whole.split([8, 4]):
        bus.publish(Message("activations", part, 1, key="fc"))
    bus.publish(Message("batch_finished", step=1))

    assert heard.values == {
        "activations_mean/fc": [(1, pytest.approx(float(whole.mean())))],
        "activations_peak/fc": [(1, pytest.approx(float(whole.max())))],
        "activations_sum/fc": [(1, pytest.approx(float(whole.sum())))],
    }
    assert heard.messages[0].data.weights == [36.0]


def test_a_metric_of_a_metric_is_published_in_the_same_step(bus, heard):
    metrics.MeanSubscriber("weights_norm2", bus=bus)  # before the one that it hears
    metrics.NormSubscriber("weights", bus=bus)
    metrics.SumSubscriber("weights_norm2", bus=bus)

    make_step(bus, 1, weights=torch.tensor([3.0, 4.0]))

    assert heard.values["weights_norm2_mean/fc"] == heard.values["weights_norm2_sum/fc"] == [(1, 5.0)]


def test_several_numbers_are_told_by_name(bus, heard):
    class EndsSubscriber(metrics.Metric):
        name = "end"

        def compute(self, said: Message) -> dict[str, Tensor | float]:
            return {"low": said.data.min(), "high": 9.0}

    EndsSubscriber(bus=bus)

    make_step(bus, 1, weights=torch.ones(2))

    assert heard.values == {"weights_end/fc/low": [(1, 1.0)], "weights_end/fc/high": [(1, 9.0)]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.ones(2), r"WrongSubscriber is to compute one number, found a tensor \(2,\)"),
        ("much", "WrongSubscriber is to compute one number, found a str"),
    ],
)
@pytest.mark.parametrize("tag", ["train", "eval"])
def test_one_that_computes_no_number_is_switched_off_and_said_so(value: object, text: str, tag: str):
    class WrongSubscriber(metrics.Metric):
        name = "wrong"

        def compute(self, said: Message):
            return value

    bus, warned = Bus(), []
    bus.subscribe(CallbackSubscriber(warned.append, topics=["log"]))
    wrong = WrongSubscriber(bus=bus, tag=tag)

    for step in (1, 2):
        make_step(bus, step, tag, weights=torch.ones(2))

    assert len(warned) == 1
    assert isinstance(warned[0].data, Log)
    with pytest.raises(MetricError, match=text):
        raise MetricError(warned[0].data.text)
    assert not any(wrong in (s, getattr(s, "callback", s)) for s in bus.subscribers)


def test_a_topic_misspelt_names_the_one_that_was_meant(bus):
    with pytest.raises(UnknownNameError, match=r"no topic `weihgts`\. Did you mean `weights`"):
        metrics.NormSubscriber("weihgts", bus=bus)

    assert len(bus.subscribers) == 1


def test_topics_of_ones_own_may_be_heard(bus):
    assert metrics.MeanSubscriber("temperature", bus=bus).topics_published == ("temperature_mean",)


def test_topics_come_in_a_row_or_in_a_list(bus):
    assert metrics.RatioSubscriber(["biases", "weights"], bus=bus).kinds == ("biases", "weights")
    assert metrics.RatioSubscriber("biases", "weights", bus=bus).kinds == ("biases", "weights")
    with pytest.raises(MetricError, match="RatioSubscriber takes 2 topics, found 1: weights"):
        metrics.RatioSubscriber("weights", bus=bus)


def test_an_option_misspelt_names_the_one_that_was_meant(bus):
    with pytest.raises(OptionError, match=r"option of NormSubscriber `ordr`\. Did you mean `order`"):
        metrics.NormSubscriber("weights", ordr=1, bus=bus)


def test_nan_is_told_where_it_is_a_finding_and_left_out_where_nothing_is_defined(bus, heard):
    metrics.MeanSubscriber("weights", bus=bus)
    metrics.RatioSubscriber("weight_updates", "weights", bus=bus)

    make_step(bus, 1, weights=torch.tensor([math.nan]), weight_updates=torch.ones(1))
    make_step(bus, 2, weights=torch.zeros(1), weight_updates=torch.ones(1))

    assert math.isnan(heard.values["weights_mean/fc"][0][1])
    assert "weight_updates_weights_ratio/fc" not in heard.values
