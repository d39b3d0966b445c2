"""Metrics by name: ours and those of installed packages, made from a word such as `norm:weights?order=1`."""

from __future__ import annotations

import inspect
from typing import Any

from akidlab import registry
from akidlab.errors import MetricError, unknown
from akidlab.messages import Bus, Subscriber, get_default_bus
from akidlab.metrics.by_name import BandsSubscriber
from akidlab.metrics.deep import CKASubscriber, HessianEigenSubscriber, SVCCASubscriber
from akidlab.metrics.each import (
    ConditionNumberSubscriber,
    MeanSubscriber,
    NormSubscriber,
    RatioSubscriber,
    SparsitySubscriber,
    SpectralNormSubscriber,
    SumSubscriber,
    VarianceSubscriber,
)
from akidlab.metrics.kinds import check_word, listed
from akidlab.metrics.summaries import (
    DeadUnitsSubscriber,
    GradientNoiseScaleSubscriber,
    HistogramSubscriber,
    MessageMeanSubscriber,
)
from akidlab.metrics.training import LossSubscriber, TestAccuracySubscriber, TrainAccuracySubscriber
from akidlab.options import check, signature

GROUP = "akidlab.metrics"
OURS: dict[str, type[Subscriber]] = {
    "cka": CKASubscriber,
    "condition_number": ConditionNumberSubscriber,
    "dead_units": DeadUnitsSubscriber,
    "gradient_noise_scale": GradientNoiseScaleSubscriber,
    "hessian": HessianEigenSubscriber,
    "histogram": HistogramSubscriber,
    "loss": LossSubscriber,
    "mean": MeanSubscriber,
    "message_mean": MessageMeanSubscriber,
    "norm": NormSubscriber,
    "percentiles": BandsSubscriber,
    "ratio": RatioSubscriber,
    "sparsity": SparsitySubscriber,
    "spectral_norm": SpectralNormSubscriber,
    "sum": SumSubscriber,
    "svcca": SVCCASubscriber,
    "test_accuracy": TestAccuracySubscriber,
    "train_accuracy": TrainAccuracySubscriber,
    "variance": VarianceSubscriber,
}
_WORDS = {"true": True, "false": False, "none": None}


def names() -> list[str]:
    """The metrics there are: ours, and what installed packages offer under `akidlab.metrics`.

    Example:
        >>> "norm" in names()
        True
    """
    return sorted({*OURS, *registry.names(GROUP)})


def make(spec: str, bus: Bus | None = None, **more: object) -> Subscriber:
    """A metric from one word: `name`, `name:topic`, `name:topic,topic`, `name:topic?option=value`.

    It is subscribed.

    Args:
        spec: for instance `norm`, `norm:weights?order=1`, `ratio:weight_updates,weights`.
        bus: where it hears and publishes; by default that of the `with` one is in.
        more: what only some need, such as `model`, `data`, `loss` and `exporter`; it is given to those.

    Raises:
        UnknownNameError: if there is no such metric, topic or option.
        MetricError: if it needs more than a word can say.

    Example:
        >>> from akidlab.messages import Bus, Subscriber
        >>> make("norm:weights?order=1", Bus()).topics_published
        ('weights_norm1',)
    """
    bus = get_default_bus() if bus is None else bus
    name, kinds, options = parse(spec)
    maker, needed = find(name), needs(spec, bus)
    takes = signature(maker).parameters
    given: dict[str, Any] = {key: value for key, value in more.items() if key in takes} | options
    lacking = [part for part in needed if part not in given]
    if lacking:
        raise MetricError(
            f"`{name}` needs {' and '.join(f'`{part}`' for part in lacking)}, which no word can say. "
            f"Make it yourself: {maker.__name__}({', '.join(lacking)}, bus=bus)."
        )
    positional = [
        given.pop(p.name) for p in takes.values() if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in given
    ]
    made: Any = maker
    return made(*positional, *kinds, bus=bus, **given)


def needs(spec: str, bus: Bus | None = None) -> list[str]:
    """What a metric needs that no word can say, by name.

    Args:
        spec: as for `make`.
        bus: whose topics are known beside those of an exporter; by default that of the `with` one is in.

    Raises:
        UnknownNameError: if there is no such metric, topic or option.
        MetricError: if the word cannot be read.

    Example:
        >>> needs("svcca"), needs("norm")
        (['model', 'data'], [])
    """
    name, kinds, options = parse(spec)
    maker = find(name)
    check(maker, options)
    for kind in listed(kinds):
        check_word(kind, get_default_bus() if bus is None else bus, getattr(maker, "kinds", ()))
    takes = signature(maker).parameters.values()
    return [p.name for p in takes if _is_needed(p) and p.name not in options]


def parse(spec: str) -> tuple[str, list[str], dict[str, Any]]:
    """The name, the topics and the options in a word.

    Raises:
        MetricError: if it cannot be read.

    Example:
        >>> parse("norm:weights,biases?order=inf&subsample=2")
        ('norm', ['weights', 'biases'], {'order': inf, 'subsample': 2})
    """
    before, _, after = spec.strip().partition("?")
    name, colon, topics = before.partition(":")
    if "," in name:
        raise MetricError(f"Metrics are parted by spaces, topics by commas: `{name.replace(',', ' ')}`.")
    kinds = [kind.strip() for kind in topics.split(",")] if colon else []
    pairs = [pair.partition("=") for pair in after.split("&")] if after else []
    if not name or not all(kinds) or not all(key and equals for key, equals, _ in pairs):
        raise MetricError(
            f"A metric is asked for as `norm`, `norm:weights` or `norm:weights?order=1`, found {spec!r}."
        )
    return name.strip(), kinds, {key.strip(): _value(value.strip()) for key, _, value in pairs}


def find(name: str) -> type[Subscriber]:
    """The class of a metric: a `Metric`, or a subscriber that is made with topics and `bus=` as one is.

    Raises:
        UnknownNameError: if no installed package offers it.
        MetricError: if what a package offers is none, or cannot be imported.
    """
    if name in OURS:
        return OURS[name]
    if name not in registry.names(GROUP):
        raise unknown("metric", name, names())
    try:
        maker = registry.load(GROUP, name)
    except Exception as error:  # whatever importing it raises
        raise MetricError(
            f"The metric `{name}` of an installed package cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(maker, type) and issubclass(maker, Subscriber)):
        raise MetricError(f"The plug-in `{name}` of `{GROUP}` is {maker!r}, not a class such as `Metric`.")
    return maker


def describe() -> dict[str, str]:
    """What each metric publishes, in a sentence; of a plug-in that cannot be loaded, why.

    Example:
        >>> describe()["mean"]
        'Publishes the mean of each tensor: `metrics.mean`.'
    """
    return {name: _described(name) for name in names()}


def _described(name: str) -> str:
    try:
        return (inspect.getdoc(find(name)) or "").split("\n")[0]
    except Exception as error:  # a stranger's, which is not to hide the others
        return f"Cannot be loaded: {error}"


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
