"""Subscriptions take what they were asked for: every so many, or what belongs together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from akidlab.messages import (
    Bundle,
    Bus,
    CallbackSubscriber,
    Message,
    Subscription,
    SynchronizedSubscription,
)


def say(
    topic: str, data: object = None, key: str | None = None, step: int = 1, tag: str = "train"
) -> Message:
    return Message(topic, data, step=step, key=key, tag=tag)


def test_a_subscription_takes_its_kinds_and_its_tag():
    subscription = Subscription(["weights", "biases"])

    taken = [
        bool(subscription.take(message))
        for message in (say("weights"), say("biases"), say("loss"), say("weights", tag="eval"))
    ]

    assert taken == [True, True, False, False]


@given(st.integers(1, 5), st.integers(1, 20))
def test_every_so_many_are_taken_for_each_module_and_kind(subsample, steps):
    subscription = Subscription(["weights", "biases"], subsample=subsample)

    taken = [
        (message.step, message.key, message.topic)
        for step in range(1, steps + 1)
        for key in ("conv", "fc")
        for topic in ("weights", "biases")
        for message in subscription.take(say(topic, key=key, step=step))
    ]

    expected = [
        (step, key, topic)
        for step in range(1, steps + 1, subsample)
        for key in ("conv", "fc")
        for topic in ("weights", "biases")
    ]
    assert taken == expected


@pytest.mark.parametrize("subsample", [0, -1, 1.5, True])
def test_what_is_no_number_of_messages_is_refused(subsample):
    with pytest.raises(ValueError, match="`subsample` is a whole number of 1 or more, found"):
        Subscription(["loss"], subsample=subsample)


def test_a_bundle_comes_once_all_its_kinds_were_heard():
    subscription = SynchronizedSubscription(["weights", "weight_gradients"])

    taken = [
        *subscription.take(say("weights", 1, "conv")),
        *subscription.take(say("weights", 2, "fc")),
        *subscription.take(say("weight_gradients", 3, "fc")),
        *subscription.take(say("weight_gradients", 4, "conv")),
    ]

    kinds = ("weights", "weight_gradients")
    assert taken == [
        Bundle(kinds, {"weights": 2, "weight_gradients": 3}, "fc", 1),
        Bundle(kinds, {"weights": 1, "weight_gradients": 4}, "conv", 1),
    ]
    assert taken[0].weights == 2
    assert taken[0].global_step == 1
    with pytest.raises(AttributeError, match="A bundle of weights, weight_gradients has no `bias`"):
        _ = taken[0].bias


def test_modules_that_never_say_one_of_the_kinds_are_passed_over():
    subscription = SynchronizedSubscription(["activations", "weight_gradients"])

    taken = [
        bundle
        for step in (1, 2, 3)
        for topic, key in (
            ("activations", "fc"),
            ("activations", "relu"),
            ("weight_gradients", "fc"),
        )
        for bundle in subscription.take(say(topic, step, key, step))
    ]

    assert [(bundle.key, bundle.step) for bundle in taken] == [("fc", 1), ("fc", 2), ("fc", 3)]


def test_what_is_said_of_the_network_goes_to_every_module():
    subscription = SynchronizedSubscription(["input_labels", "activations", "loss"], tag=None)

    taken = []
    for batch in ("a", "b"):  # two batches in one step
        for message in (
            say("activations", f"{batch}1", "conv"),
            say("activations", f"{batch}2", "fc"),
            say("input_labels", f"{batch}3"),
            say("loss", f"{batch}4"),
        ):
            taken.extend(subscription.take(message))

    assert [(bundle.key, *bundle.data.values()) for bundle in taken] == [
        ("conv", "a3", "a1", "a4"),
        ("fc", "a3", "a2", "a4"),
        ("conv", "b3", "b1", "b4"),
        ("fc", "b3", "b2", "b4"),
    ]


def test_kinds_of_the_network_alone_make_one_bundle():
    subscription = SynchronizedSubscription(["network_output", "input_labels"])

    assert subscription.take(say("network_output", 1)) == []
    assert [b.data for b in subscription.take(say("input_labels", 2))] == [
        {"network_output": 1, "input_labels": 2}
    ]
    assert subscription.take(say("input_labels", 3)) == []


def test_tags_do_not_mix():
    subscription = SynchronizedSubscription(["network_output", "input_labels"], tag=None)

    assert not subscription.take(say("network_output", 1))
    assert not subscription.take(say("input_labels", 2, tag="eval"))
    assert [b.tag for b in subscription.take(say("input_labels", 3))] == ["train"]


def test_every_so_many_bundles_are_taken_for_each_module():
    subscription = SynchronizedSubscription(["weights", "biases"], subsample=2)

    taken = [
        (bundle.key, bundle.step, float(bundle.weights))
        for step in range(1, 6)
        for key in ("conv", "fc")
        for topic in ("weights", "biases")
        for bundle in subscription.take(say(topic, torch.tensor(float(step)), key, step))
    ]

    assert taken == [(key, step, float(step)) for step in (1, 3, 5) for key in ("conv", "fc")]


def test_what_waits_for_others_is_kept_as_it_was():
    subscription = SynchronizedSubscription(["weights", "weight_updates"])
    weights = torch.ones(3)

    subscription.take(say("weights", weights, "fc"))
    weights += 1
    bundle = subscription.take(say("weight_updates", torch.ones(3), "fc"))[0]

    assert bundle.weights.tolist() == [1, 1, 1]


def test_a_bundle_without_kinds_is_refused():
    with pytest.raises(ValueError, match="Name the topics that come together"):
        SynchronizedSubscription([])


def test_a_callback_is_given_bundles():
    bus, heard = Bus(), []
    bus.subscribe(CallbackSubscriber(heard.append, topics=["weights", "biases"], together=True, subsample=2))

    for step in (1, 2, 3):
        bus.publish(say("weights", 1, "fc", step))
        bus.publish(say("biases", 2, "fc", step))

    assert [(bundle.step, bundle.data) for bundle in heard] == [
        (step, {"weights": 1, "biases": 2}) for step in (1, 3)
    ]


def test_a_callback_hears_every_tag_or_its_own():
    bus, every, own = Bus(), [], []
    bus.subscribe(CallbackSubscriber(every.append, topics=["weights"]))
    bus.subscribe(CallbackSubscriber(own.append, topics=["weights"], tag="eval"))

    for tag in ("train", "eval"):
        bus.publish(say("weights", tag=tag))

    assert [m.tag for m in every] == ["train", "eval"]
    assert [m.tag for m in own] == ["eval"]


def test_tensors_are_heard_by_those_who_name_them():
    bus, everything, named = Bus(), [], []
    bus.subscribe(CallbackSubscriber(everything.append))
    assert not bus.wanted("activations")
    bus.subscribe(CallbackSubscriber(named.append, topics=["activations", "loss"], tag="raw"))

    for topic, tag in (
        ("activations", "train"),
        ("loss", "train"),
        ("loss", "raw"),
        ("weights_norm2", "train"),
    ):
        bus.publish(say(topic, tag=tag))

    assert [(m.topic, m.tag) for m in everything] == [("loss", "train"), ("weights_norm2", "train")]
    assert [(m.topic, m.tag) for m in named] == [("loss", "raw")]
