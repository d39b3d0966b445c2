"""Summaries: one number of all modules, or of many steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from akidlab.exporter import tensors_of
from akidlab.messages import Message
from akidlab.metrics.histograms import Histogram, histogram
from akidlab.metrics.metric import Metric
from akidlab.metrics.noise import noise_scale
from akidlab.metrics.numbers import real
from akidlab.metrics.said import tensor_of
from akidlab.metrics.units import silent


class MessageMeanSubscriber(Metric):
    """Publishes the mean over all modules of what another metric publishes: `metrics.message_mean`.

    A step in which nothing was published has no mean. The other metric is made first.

    Args:
        kinds: what others publish, such as `weights_norm2`.
        options: as for every `Metric`.
    """

    name = "message_mean"
    kinds = ("weight_updates_weights_ratio",)
    merges = "mean"
    ends = ("step_finished",)  # the others publish at the end of the batch

    def __init__(self, *kinds: Any, **options: Any) -> None:
        self._heard: dict[str, list[Tensor]] = {}
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> None:
        self._heard.setdefault(said.topic, []).append(tensor_of(said).detach().to(torch.float64).mean())

    def conclude(self, message: Message) -> Mapping[str, Tensor]:
        heard, self._heard = self._heard, {}
        return {self.topic_of(kind): torch.stack(values).mean() for kind, values in heard.items()}


class HistogramSubscriber(Metric):
    """Keeps the histogram of each tensor, and publishes it as `weights_histogram`: `metrics.histogram`.

    Histograms stay in the process, on their device; what the dashboard and the store show of distributions
    are their percentiles.

    Args:
        kinds: topics.
        bins: how many intervals.
        options: as for every `Metric`.

    Attributes:
        histograms: the last one of each tensor, by topic and key, such as `weights/conv1`.
    """

    name = "histogram"

    def __init__(self, *kinds: Any, bins: int = 64, **options: Any) -> None:
        self.bins = bins
        self.histograms: dict[str, Histogram] = {}
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> None:
        found = histogram(tensor_of(said), self.bins)
        self.histograms[said.topic if said.key is None else f"{said.topic}/{said.key}"] = found
        topic = self.topic_of(said.topic)
        self.bus.publish(Message(topic, found, said.step, said.epoch, said.tag, said.key))


class DeadUnitsSubscriber(Metric):
    """Publishes which share of a layer's units has been zero for every sample lately: `metrics.dead_units`.

    Args:
        kinds: topics.
        patience: at how many steps in a row (of those that are looked at) a unit is to be silent.
        dim: where the units are; by default the second dimension, the last where there are three.
        options: as for every `Metric`.
    """

    name = "dead_units"
    kinds = ("activations",)
    merges = "min"  # what speaks on one rank is alive: over ranks it is at most this

    def __init__(self, *kinds: Any, patience: int = 3, dim: int | None = None, **options: Any) -> None:
        self.patience, self.dim = patience, dim
        self._silences: dict[tuple[str, str | None], Tensor] = {}
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> Tensor | None:
        activations, place = tensor_of(said), (said.topic, said.key)
        if activations.dim() < 2:
            return None
        now = silent(activations, self.dim)
        before = self._silences.get(place)
        if before is None or before.shape != now.shape:
            before = torch.zeros_like(now, dtype=torch.int32)
        self._silences[place] = steps = (before + 1) * now.to(before)
        return (steps >= self.patience).to(torch.float32).mean()


class GradientNoiseScaleSubscriber(Metric):
    """Publishes, every `window` steps, the batch size that is worth it: `metrics.gradient_noise_scale`.

    The gradients of the steps of a window stand for those of independent batches; the weights shall move
    little meanwhile. All weights and biases count together. A sum of gradients is kept. Where noise hides the
    signal there is nothing to publish.

    Args:
        kinds: topics.
        window: how many steps (of those that are looked at) make one estimate, 2 or more.
        options: as for every `Metric`.
    """

    name = "gradient_noise_scale"
    of_network = True
    kinds = ("weight_gradients", "bias_gradients", "input_data")
    leaves_out_nan = True

    def __init__(self, *kinds: Any, window: int = 20, **options: Any) -> None:
        self.window = max(2, window)
        self._forget()
        super().__init__(*kinds, **options)

    @property
    def waits_for(self) -> str:
        fewer = max(2, self.window // 4)
        return (
            f"an estimate takes {self.window} looks, and a gradient that its noise does not hide; "
            f"`{self.name}?window={fewer}` takes {fewer}"
        )

    def compute(self, said: Message) -> None:
        if said.topic == "input_data":
            self._samples += next((len(part) for _, part in tensors_of(said.data) if part.dim()), 0)
            return
        gradient, place = real(tensor_of(said)), (said.topic, said.key)
        size = torch.linalg.vector_norm(gradient) ** 2
        self._small = size if self._small is None else self._small + size.to(self._small)
        held = self._sums.get(place)
        self._sums[place] = gradient.clone() if held is None else held.add_(gradient)

    def conclude(self, message: Message) -> Mapping[str, Tensor] | None:
        if message.topic != "batch_finished" or self._small is None:
            return None
        self._steps += 1
        if self._steps < self.window:
            return None
        n, small, samples = self._steps, self._small / self._steps, self._samples
        sizes = [torch.linalg.vector_norm(held).to(small) ** 2 for held in self._sums.values()]
        self._forget()
        if not samples:
            return None
        return {
            self.topic_of(self.kinds[0]): noise_scale(small, torch.stack(sizes).sum() / n**2, n, samples / n)
        }

    def _forget(self) -> None:
        self._sums: dict[tuple[str, str | None], Tensor] = {}
        self._small: Tensor | None = None
        self._steps = self._samples = 0
