"""How well a network does: its loss, and its accuracy on what it learns from and on what it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from akidlab.messages import Bundle, Message
from akidlab.metrics.answers import accuracy
from akidlab.metrics.metric import Metric
from akidlab.metrics.outcomes import accuracy_of
from akidlab.metrics.said import tensor_of, tensors_of


class LossSubscriber(Metric):
    """Publishes the loss of each batch, as the loss that an exporter was told of came to, as `batch_loss`.

    Args:
        kinds: topics.
        tag: under which it is heard; an exporter tells a loss under `raw`.
        options: as for every `Metric`.
    """

    name = "batch_loss"
    of_network = True
    kinds = ("loss",)
    merges = "mean"

    def __init__(self, *kinds: Any, tag: str | None = "raw", **options: Any) -> None:
        super().__init__(*kinds, tag=tag, **options)

    def compute(self, said: Message) -> Tensor:
        return tensor_of(said).mean()


class TrainAccuracySubscriber(Metric):
    """Publishes the share of right answers in each batch, as `train_accuracy`: `metrics.accuracy`.

    It needs the labels: give the exporter the loss (`set_loss`), or train a brain that has one.

    Args:
        kinds: topics.
        top: among how many of the best classes the right one has to be.
        options: as for every `Metric`.
    """

    name = "train_accuracy"
    of_network = True
    kinds = ("network_output", "input_labels")
    takes = 2
    merges = "mean"
    leaves_out_nan = True

    def __init__(self, *kinds: Any, top: int = 1, **options: Any) -> None:
        self.top = top
        super().__init__(*kinds, **options)

    def compute(self, said: Bundle) -> Tensor:
        output, labels = tensors_of(said)
        return accuracy(output, labels, self.top)

    def weight_of(self, said: Message | Bundle) -> float:
        assert isinstance(said, Bundle)
        return float(tensors_of(said)[1].numel())


class TestAccuracySubscriber(Metric):
    """Publishes the share of right answers on other data, as `test_accuracy`: `metrics.accuracy_of`.

    The model answers as in validation and without gradients; its mode, its statistics and the random numbers
    of training stay as they are. Each sample counts once, whatever the batches.

    Args:
        model: what is asked, or a function from inputs to scores.
        data: inputs and labels, or batches of these, as a `DataLoader` gives.
        kinds: topics after which it is asked.
        frequency: ask at the first step and at every so many, of those that are looked at.
        top: among how many of the best classes the right one has to be.
        options: as for every `Metric`.
    """

    __test__ = False  # for pytest
    name = "test_accuracy"
    of_network = True
    kinds = ("batch_finished",)

    def __init__(
        self,
        model: nn.Module | Callable[[Tensor], Tensor],
        data: Any,
        *kinds: Any,
        frequency: int = 100,
        top: int = 1,
        **options: Any,
    ) -> None:
        self.model, self.data, self.top = _module(model), data, top
        super().__init__(*kinds, subsample=frequency, **options)

    def compute(self, said: Message) -> float:
        return accuracy_of(self.model, self.data, self.top)


class _Called(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


def _module(model: nn.Module | Callable[[Tensor], Tensor]) -> nn.Module:
    return model if isinstance(model, nn.Module) else _Called(model)
