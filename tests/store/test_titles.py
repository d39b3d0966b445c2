"""What is drawn is called as people call it."""

from __future__ import annotations

import pytest

from akidlab.messages import TOPICS, Bus
from akidlab.metrics import make
from akidlab.store.titles import heading, subject, title


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("loss", "loss"),
        ("learning_rate", "learning rate"),
        ("validation_accuracy", "validation accuracy"),
        ("train_accuracy", "training accuracy"),
        ("weight_updates_weights_ratio", "update to weight ratio"),
        ("bias_updates_biases_ratio/ip1", "update to bias ratio of ip1"),
        ("layer_gradients_activations_ratio", "gradient to activation ratio"),
        ("weight_updates_weights_ratio_message_mean", "mean update to weight ratio"),
        ("weights_norm2/features/conv1", "norm of weights of features/conv1"),
        ("weight_gradients_norm1", "1-norm of weight gradients"),
        ("weights_norminf", "maximum norm of weights"),
        ("activations_sparsity", "share of zeros in activations"),
        ("gradient_noise_scale", "gradient noise scale (samples)"),
        ("hessian_eigenvalue/1", "Hessian eigenvalue 1"),
        ("layer_gradients/conv1", "output gradients of conv1"),
        ("my_mean", "my mean"),
        ("entropy_norm2", "entropy norm2"),
        ("", ""),
    ],
)
def test_a_tag_is_said_in_words(tag: str, said: str) -> None:
    assert title(tag) == said


@pytest.mark.parametrize("metric", ["norm", "ratio", "sparsity", "spectral_norm", "mean", "dead_units"])
def test_what_our_metrics_publish_is_said_without_their_spelling(metric: str) -> None:
    (topic,) = make(metric, Bus()).topics_published

    assert not any(known in title(topic).split(", ")[0] for known in (topic, topic.replace("_", " ")))


def test_topics_are_said_in_one_to_two_words() -> None:
    assert {len(title(topic).split()) for topic in TOPICS} == {1, 2}


def test_a_heading_begins_with_a_capital_and_leaves_names_alone() -> None:
    assert heading("learning_rate") == "Learning rate"
    assert heading("weights/Conv1") == "Weights of Conv1"
    assert heading("hessian_eigenvalue/1") == "Hessian eigenvalue 1"


def test_blocks_of_one_topic_have_one_title() -> None:
    assert subject(["weights_norm2/a", "weights_norm2/b"]) == "norm of weights"
    assert subject(["weights_norm2/a"]) == "norm of weights of a"
    assert subject(["loss", "validation_loss"]) == "loss, validation loss"
