"""One number of each tensor: its mean, variance, sum, norm, how much of it is zero, how far it stretches."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from akidlab.messages import Bundle, Message
from akidlab.metrics.matrices import condition_number, power_iteration
from akidlab.metrics.metric import Metric
from akidlab.metrics.moments import mean, sparsity, sum, variance
from akidlab.metrics.norms import norm, ratio
from akidlab.metrics.said import tensor_of, tensors_of


class MeanSubscriber(Metric):
    """Publishes the mean of each tensor: `metrics.mean`."""

    name = "mean"
    kinds = ("activations",)
    merges = "mean"

    def compute(self, said: Message) -> Tensor:
        return mean(tensor_of(said))


class VarianceSubscriber(Metric):
    """Publishes the unbiased variance of each tensor: `metrics.variance`; nothing of a single element.

    Over ranks it is the mean of the variances, which leaves out how the means differ.
    """

    name = "variance"
    kinds = ("activations",)
    merges = "mean"

    def compute(self, said: Message) -> Tensor | None:
        values = tensor_of(said)
        return variance(values) if values.numel() > 1 else None


class SumSubscriber(Metric):
    """Publishes the sum of each tensor: `metrics.sum`."""

    name = "sum"
    kinds = ("activations",)
    merges = "sum"

    def compute(self, said: Message) -> Tensor:
        return sum(tensor_of(said))


class NormSubscriber(Metric):
    """Publishes the p-norm of each tensor, as `weights_norm2`: `metrics.norm`.

    Over ranks it is the mean of the norms.

    Args:
        kinds: topics.
        order: p; `inf` for the largest element.
        options: as for every `Metric`.
    """

    name = "norm"
    merges = "mean"

    def __init__(self, *kinds: Any, order: float = 2, **options: Any) -> None:
        self.order = float(order)
        super().__init__(*kinds, **options)

    @property
    def suffix(self) -> str:
        return f"norm{self.order:g}"

    def compute(self, said: Message) -> Tensor:
        return norm(tensor_of(said), self.order)


class RatioSubscriber(Metric):
    """Publishes how large one tensor of a module is beside another: `metrics.ratio`.

    By default of updates to weights, about 0.001 in a healthy training. Where the second is all zeros, as
    biases are at first, there is nothing to publish.
    """

    name = "ratio"
    kinds = ("weight_updates", "weights")
    takes = 2
    merges = "mean"
    leaves_out_nan = True

    def compute(self, said: Bundle) -> Tensor:
        of, to = tensors_of(said)
        return ratio(of, to)


class SparsitySubscriber(Metric):
    """Publishes which share of each tensor is zero: `metrics.sparsity`.

    Args:
        kinds: topics.
        threshold: how far from zero still counts as zero.
        options: as for every `Metric`.
    """

    name = "sparsity"
    kinds = ("activations",)
    merges = "mean"

    def __init__(self, *kinds: Any, threshold: float = 0.0, **options: Any) -> None:
        self.threshold = threshold
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> Tensor:
        return sparsity(tensor_of(said), self.threshold)


class SpectralNormSubscriber(Metric):
    """Publishes the largest singular value of each matrix of weights: `metrics.spectral_norm`.

    It is found from below by a few steps of `metrics.power_iteration`, begun where those of the step before
    ended: a few percent low in the first steps that are looked at, then sharp.

    Args:
        kinds: topics.
        steps: how many steps of it.
        options: as for every `Metric`.
    """

    name = "spectral_norm"
    merges = "mean"

    def __init__(self, *kinds: Any, steps: int = 3, **options: Any) -> None:
        self.steps = steps
        self._vectors: dict[tuple[str, str | None], Tensor] = {}
        super().__init__(*kinds, **options)

    def compute(self, said: Message) -> Tensor | None:
        weight, place = tensor_of(said), (said.topic, said.key)
        if weight.dim() < 2:
            return None
        sigma, self._vectors[place] = power_iteration(weight, self._vectors.get(place), self.steps)
        return sigma


class ConditionNumberSubscriber(Metric):
    """Publishes how unevenly each matrix of weights stretches: `metrics.condition_number`.

    It takes all singular values, which is much for large matrices: give a `subsample`.
    """

    name = "condition_number"
    merges = "mean"

    def compute(self, said: Message) -> Tensor | None:
        weight = tensor_of(said)
        return condition_number(weight) if weight.dim() > 1 else None
