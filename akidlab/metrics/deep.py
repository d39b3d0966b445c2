"""What takes longer than a step: the curvature of the loss, and how much layers still change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from akidlab.exporter import Exporter
from akidlab.messages import Message
from akidlab.metrics.curvature import hessian_eigenvalues
from akidlab.metrics.looking import (
    Loss,
    activations_of,
    batches_of,
    layers_of,
    looking_at,
    objective_of,
    to_device_of,
)
from akidlab.metrics.metric import Metric
from akidlab.metrics.similarity import cka, svcca
from akidlab.metrics.transfer import to_host

log = logging.getLogger(__name__)


class HessianEigenSubscriber(Metric):
    """Publishes the largest eigenvalues of the loss's Hessian, falling, as `hessian_eigenvalue/1`, `/2`, ...

    It is `metrics.hessian_eigenvalues`, and stops training meanwhile; `akidlab.probes.probe` does not.

    Args:
        model: what learns.
        data: inputs and labels, or batches of these.
        kinds: topics after which it is computed.
        loss: a mean over the samples, as `loss(model(inputs), labels)`; a brain has its own.
        count: how many eigenvalues.
        frequency: at the first step and at every so many, of those that are looked at.
        options: as for every `Metric`.
    """

    name = "hessian_eigenvalue"
    of_network = True
    kinds = ("batch_finished",)

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        *kinds: Any,
        loss: Loss | None = None,
        count: int = 1,
        frequency: int = 100,
        **options: Any,
    ) -> None:
        objective_of(model, loss)
        self.model, self.loss, self.count = model, loss, count
        self.batches = batches_of(data)
        super().__init__(*kinds, subsample=frequency, **options)

    def compute(self, said: Message) -> dict[str, Tensor]:
        with looking_at(self.model, gradients=True) as model:
            batches = [to_device_of(model, batch) for batch in self.batches]
            found = hessian_eigenvalues(
                objective_of(model, self.loss), model.parameters(), batches, count=self.count
            )
        return {str(number): value for number, value in enumerate(found, start=1)}


class SVCCASubscriber(Metric):
    """Publishes how similar each layer is to itself when it was last looked at, as `self_similarity/<layer>`.

    It is `metrics.svcca` of what the layer gives for the same data. A layer that changes no more may be
    frozen, and is then not looked at any more.

    Source: M. Raghu et al., SVCCA, arXiv 1706.05806, section 4: freeze training.

    Args:
        model: what learns.
        data: inputs (or inputs and labels); about ten times as many samples as a layer has units.
        kinds: topics after which it is computed.
        exporter: what freezes, and says which layers are looked at; by default all of the model.
        freeze_at: freeze a layer whose similarity comes to this; None to freeze none.
        threshold: which share of a layer's variance is compared.
        frequency: at the first step and at every so many, of those that are looked at.
        options: as for every `Metric`.
    """

    name = "svcca"
    of_network = True
    kinds = ("batch_finished",)

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        *kinds: Any,
        exporter: Exporter | None = None,
        freeze_at: float | None = None,
        threshold: float = 0.99,
        frequency: int = 100,
        **options: Any,
    ) -> None:
        self.model, self.exporter = model, exporter
        self.freeze_at, self.threshold = freeze_at, threshold
        self.batches = batches_of(data)
        self.frozen: list[str] = []
        self._before: dict[str, Tensor] = {}
        super().__init__(*kinds, subsample=frequency, **options)

    @property
    def suffix(self) -> str:
        return "self_similarity"

    @property
    def waits_for(self) -> str:
        often = self._subscription.subsample
        return (
            f"it compares layers with themselves {often} looks before; `{self.name}?frequency=1` at each look"
        )

    def measure(self, before: Tensor, now: Tensor) -> Tensor:
        """How similar two times of a layer are, from 0 to 1."""
        return svcca(before, now, self.threshold)

    def compute(self, said: Message) -> dict[str, float]:
        layers = self._layers()
        now = activations_of(self.model, self.batches, [name for name in layers if name not in self.frozen])
        alike = [name for name in now if name in self._before and now[name].shape == self._before[name].shape]
        found = to_host([self.measure(self._before[name], now[name]) for name in alike], self)
        self._before = now
        for name, value in zip(alike, found, strict=True):
            if self.freeze_at is not None and value >= self.freeze_at:
                self._freeze(name, layers[name])
        return dict(zip(alike, found, strict=True))

    def _layers(self) -> dict[str, nn.Module]:
        if self.exporter is None:
            return layers_of(self.model)
        return {name: module for module, name in self.exporter.named_modules}

    def _freeze(self, name: str, module: nn.Module) -> None:
        self.frozen.append(name)
        freeze: Callable[[nn.Module], object] = (
            freeze_module if self.exporter is None else self.exporter.freeze_module
        )
        freeze(module)


class CKASubscriber(SVCCASubscriber):
    """As `SVCCASubscriber`, by `metrics.cka`: quicker, and sound with fewer samples than units."""

    name = "cka"

    @property
    def suffix(self) -> str:
        return "self_similarity_cka"

    def measure(self, before: Tensor, now: Tensor) -> Tensor:
        return cka(before, now)


def freeze_module(module: nn.Module) -> None:
    """Train the parameters of `module` no more; momentum does not move them either."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
