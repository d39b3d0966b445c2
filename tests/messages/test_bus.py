"""The bus carries messages, and nobody who listens can harm who speaks."""

from __future__ import annotations

import logging
import threading

import pytest

from akidlab.errors import UnknownNameError
from akidlab.messages import Bus, CallbackSubscriber, Event, Log, Message, Subscriber, get_default_bus


class Deaf(Subscriber):
    """Fails on whatever it hears."""

    def hear(self, message: Message) -> None:
        raise RuntimeError("I am deaf")


def test_a_subscriber_hears_its_topics_only():
    bus, heard = Bus(), []
    bus.subscribe(CallbackSubscriber(heard.append, topics=["loss"]))

    bus.publish(Message("loss", 0.5, step=1))
    bus.publish(Message("accuracy", 0.9, step=1))

    assert [message.data for message in heard] == [0.5]


def test_without_topics_a_subscriber_hears_everything():
    bus, heard = Bus(), []
    bus.subscribe(CallbackSubscriber(heard.append))

    bus.publish(Message("loss"))
    bus.publish(Message("event"))

    assert [message.topic for message in heard] == ["loss", "event"]


def test_subscribers_hear_in_the_order_in_which_they_came():
    bus, heard = Bus(), []
    for name in "abc":
        bus.subscribe(CallbackSubscriber(lambda message, name=name: heard.append(name)))

    bus.publish(Message("loss"))

    assert heard == ["a", "b", "c"]


def test_whoever_subscribes_twice_hears_once():
    bus, heard = Bus(), []
    subscriber = CallbackSubscriber(heard.append)
    bus.subscribe(subscriber)
    bus.subscribe(subscriber)

    bus.publish(Message("loss"))

    assert len(heard) == 1


def test_whoever_unsubscribed_hears_nothing_more():
    bus, heard = Bus(), []
    subscriber = CallbackSubscriber(heard.append)
    bus.subscribe(subscriber)
    bus.unsubscribe(subscriber)
    bus.unsubscribe(subscriber)

    bus.publish(Message("loss"))

    assert heard == []
    assert bus.subscribers == ()


def test_a_subscriber_may_leave_while_it_hears():
    bus, heard = Bus(), []

    def once(message: Message) -> None:
        heard.append(message)
        bus.unsubscribe(subscriber)

    subscriber = CallbackSubscriber(once)
    bus.subscribe(subscriber)
    bus.publish(Message("loss"))
    bus.publish(Message("loss"))

    assert len(heard) == 1


def test_what_nobody_wants_need_not_be_computed():
    bus = Bus()
    bus.subscribe(CallbackSubscriber(print, topics=["loss"]))

    assert bus.wanted("loss")
    assert not bus.wanted("gradient")


def test_a_subscriber_that_fails_is_switched_off_and_the_others_are_told(caplog):
    bus, heard = Bus(), []
    bus.subscribe(Deaf())
    bus.subscribe(CallbackSubscriber(heard.append))

    with caplog.at_level(logging.ERROR):
        bus.publish(Message("loss", 1.0, step=7))
        bus.publish(Message("loss", 0.5, step=8))

    text = "Deaf failed on `loss` and was switched off: RuntimeError('I am deaf')"
    warning = Event("warning", {"text": text, "step": 7})
    assert [message.data for message in heard] == [Log(text, level="error"), warning, 1.0, 0.5]
    assert heard[0].step == 7
    assert "switched off" in caplog.text


def test_two_that_fail_at_once_are_both_switched_off(caplog):
    bus = Bus()
    bus.subscribe(Deaf())
    bus.subscribe(Deaf())

    bus.publish(Message("loss"))

    assert bus.subscribers == ()


def test_an_interrupt_is_not_swallowed():
    def interrupt(message: Message) -> None:
        raise KeyboardInterrupt("by hand")

    bus = Bus()
    bus.subscribe(CallbackSubscriber(interrupt))

    with pytest.raises(KeyboardInterrupt, match="by hand"):
        bus.publish(Message("loss"))


def test_threads_may_subscribe_at_once():
    bus = Bus()
    subscribers = [CallbackSubscriber(print) for _ in range(200)]
    threads = [threading.Thread(target=bus.subscribe, args=(one,)) for one in subscribers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(bus.subscribers) == set(subscribers)


def test_topics_belong_to_one_bus():
    first, second = Bus("first"), Bus("second")
    first.register_topic("weights", "weights_norm2")
    first.register_topic("weights")

    assert first.topics == ("weights", "weights_norm2")
    assert second.topics == ()
    first.deregister_topic("weights", "weights_norm2", "unknown")
    assert first.topics == ("weights",)
    first.deregister_topic("weights")
    assert first.topics == ()


def test_a_topic_that_nobody_publishes_is_told():
    bus = Bus()
    assert bus.check("gradients") == "gradients"
    bus.register_topic("weight_gradients", "weights")

    assert bus.check("weights") == "weights"
    with pytest.raises(UnknownNameError, match=r"no topic `wieghts`\. Did you mean `weights`\?"):
        bus.check("wieghts")


@pytest.mark.parametrize("name", ["", "weights/conv1"])
def test_a_topic_is_a_word(name):
    with pytest.raises(ValueError, match="A topic is a word without slashes, found"):
        Bus().register_topic(name)


def test_the_bus_around_is_the_one_that_is_found():
    default = get_default_bus()
    with Bus("outer") as outer:
        assert get_default_bus() is outer
        with Bus("inner") as inner, outer, outer:
            assert get_default_bus() is outer
        assert inner is not outer
        assert get_default_bus() is outer

    assert get_default_bus() is default
    assert default.name == "default"


def test_who_is_told_of_changes_hears_of_each_once():
    bus, changes = Bus(), []
    bus.on_change.append(lambda: changes.append(len(bus.subscribers)))
    subscriber = CallbackSubscriber(print)

    bus.subscribe(subscriber)
    bus.subscribe(subscriber)
    bus.unsubscribe(subscriber)

    assert changes == [1, 0]
