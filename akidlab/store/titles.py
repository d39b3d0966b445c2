"""Titles: what a scalar or a distribution is called above a chart, in words that people say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from akidlab.messages import META, TOPICS

_SAID = {
    "batch_loss": "loss of each batch",
    "gradient_noise_scale": "gradient noise scale (samples)",
    "hessian_eigenvalue": "Hessian eigenvalue",
    "layer_gradients": "output gradients",
    "observation_every": "steps from one look to the next",
    "observation_share": "share of the time spent looking",
    "self_similarity": "self-similarity (SVCCA)",
    "self_similarity_cka": "self-similarity (CKA)",
    "train_accuracy": "training accuracy",
}
_OF = {  # what metrics make of a topic, by the end of theirs
    "condition_number": "condition number of {}",
    "dead_units": "share of dead units in {}",
    "mean": "mean of {}",
    "message_mean": "mean {}",
    "norm2": "norm of {}",
    "norminf": "maximum norm of {}",
    "sparsity": "share of zeros in {}",
    "spectral_norm": "spectral norm of {}",
    "sum": "sum of {}",
    "variance": "variance of {}",
}
_NORM = re.compile(r"(\w+)_norm([\d.]+)")
_RATIO = re.compile(rf"({'|'.join(TOPICS)})_({'|'.join(TOPICS)})_ratio")
_ONE = {"weights": "weight", "biases": "bias", "activations": "activation"}


def title(tag: str) -> str:
    """What a tag is called in words; what it is not known as, it is called itself.

    Example:
        >>> title("weight_updates_weights_ratio/conv1")
        'update to weight ratio of conv1'
        >>> title("weights_norm2"), title("my_entropy")
        ('norm of weights', 'my entropy')
    """
    topic, slash, key = tag.partition("/")
    said = _words(topic)
    if said is None and topic.startswith("validation_"):
        said = f"validation {title(topic.removeprefix('validation_'))}"
    said = topic.replace("_", " ") if said is None else said
    return f"{said} {key}" if key.isdigit() else f"{said} of {key}" if slash else said


def subject(tags: Iterable[str]) -> str:
    """What tags are about together: each title once, of several that differ by their blocks one.

    Example:
        >>> subject(["weights_norm2/conv1", "weights_norm2/conv2"]), subject(["loss", "validation_loss"])
        ('norm of weights', 'loss, validation loss')
    """
    tags = list(tags)
    topics = list(dict.fromkeys(tag.partition("/")[0] for tag in tags))
    return ", ".join(title(name) for name in (tags if len(topics) == len(tags) else topics))


def heading(tag: str) -> str:
    """A title that begins with a capital.

    Example:
        >>> heading("learning_rate")
        'Learning rate'
    """
    said = title(tag)
    return said[:1].upper() + said[1:]


def _words(topic: str) -> str | None:
    """What a topic is called if it is one of ours, or what a metric of ours makes of one."""
    if topic in _SAID:
        return _SAID[topic]
    if topic in TOPICS or topic in META:
        return topic.replace("_", " ")
    if ratio := _RATIO.fullmatch(topic):
        return f"{_one(ratio[1])} to {_one(ratio[2])} ratio"
    if (norm := _NORM.fullmatch(topic)) and norm[2] != "2":
        return _of(norm[1], f"{norm[2]}-norm of {{}}")
    for end, said in _OF.items():
        if topic.endswith(f"_{end}") and (found := _of(topic.removesuffix(f"_{end}"), said)):
            return found
    return None


def _of(topic: str, said: str) -> str | None:
    words = _words(topic)
    return None if words is None else said.format(words)


def _one(topic: str) -> str:
    """A topic as one side of a ratio: `update` of `weight_updates`."""
    return _ONE.get(topic) or topic.rpartition("_")[2].removesuffix("s")
