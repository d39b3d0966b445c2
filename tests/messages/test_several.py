"""What is said at once is heard one by one by those who do not take it together."""

from __future__ import annotations

from akidlab.messages import CallbackSubscriber, Message, Several

SEVERAL = Several((("weights", "a"), ("biases", "a"), ("weights", "b")), (1.0, 2.0, 3.0), 5, 1, "train", 4)


def test_each_becomes_a_message_of_its_own() -> None:
    said = list(SEVERAL)

    assert [(m.topic, m.key, m.data) for m in said] == [
        ("weights", "a", 1),
        ("biases", "a", 2),
        ("weights", "b", 3),
    ]
    assert {(m.step, m.epoch, m.tag, m.train_step) for m in said} == {(5, 1, "train", 4)}


def test_a_subscriber_hears_those_of_its_topics_in_their_order() -> None:
    heard: list[Message] = []
    CallbackSubscriber(heard.append, topics=["weights"]).hear_all(SEVERAL)

    assert [message.data for message in heard] == [1.0, 3.0]
