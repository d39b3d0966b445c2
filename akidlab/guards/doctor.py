"""The Doctor: hears what an exporter publishes, and finds what goes wrong in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from akidlab.guards import checks, learning
from akidlab.guards.finding import Finding
from akidlab.guards.learning import block_of
from akidlab.guards.leaves import leaves, tensors_in
from akidlab.guards.observed import Observed, units_of
from akidlab.messages import Bus, CallbackSubscriber, Message, Several, Subscriber

if TYPE_CHECKING:
    from akidlab.exporter import Exporter

Check = Callable[[Observed], Iterator[Finding]]
FAMILIES = {"weights": "weight", "biases": "bias"}
KINDS = {
    "weights": ("weight", "weights"), "biases": ("bias", "weights"),
    "weight_gradients": ("weight", "gradients"), "bias_gradients": ("bias", "gradients"),
    "weight_updates": ("weight", "updates"), "bias_updates": ("bias", "updates"),
}  # fmt: skip
FORGOTTEN = 20  # examined steps without it, and a finding may be told anew
BEGIN = 100  # so many observed steps are all examined, as most faults show then
REST = 100  # after each later one it rests so many times as long as that step was looked at


class Doctor(Subscriber):
    """Says once what is wrong, in which block, and what to do.

    It examines each of the first hundred steps that an exporter observes; later, as many as take a hundredth
    of the time.

    It knows dead ReLUs, saturated units, constant outputs, activations that explode, gradients that vanish or
    explode, rates too large or small, parameters that get no gradient or are not updated, gradients that were
    not cleared, layers left in eval mode, units that are alike, weights that collapse, inputs that are not
    normalised, labels without information, and a softmax taken twice.

    Args:
        bus: where the exporter publishes, and where findings are told, as events of the kind `warning`.
        module: what is trained.
        exporter: whose steps; it knows the optimiser.
        checks: what to look for; by default all.

    Example:
        >>> from akidlab.exporter import Exporter
        >>> from akidlab.messages import Bus
        >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        >>> bus = Bus()
        >>> _ = torch.nn.init.constant_(net[0].bias, -100.0)
        >>> optimizer, exporter = torch.optim.SGD(net.parameters(), 0.1), Exporter(message_bus=bus)
        >>> doctor = Doctor(bus, net, exporter)
        >>> bus.subscribe(doctor)
        >>> exporter.add_modules(net)
        >>> for _ in range(5):
        ...     optimizer.zero_grad()
        ...     net(torch.randn(16, 4)).square().mean().backward()
        ...     optimizer.step()
        >>> [(finding.kind, finding.block) for finding in doctor.findings]
        [('dead_relu', 'relu0')]
        >>> exporter.detach()
    """

    topics = frozenset(
        {
            *KINDS,
            "activations",
            "layer_gradients",
            "input_data",
            "input_labels",
            "network_output",
            "batch_finished",
        }
    )
    tag = "train"

    def __init__(
        self,
        bus: Bus,
        module: nn.Module,
        exporter: Exporter | None = None,
        checks: Iterable[Check] | None = None,
    ) -> None:
        self.bus, self.module, self.exporter = bus, module, exporter
        self.others: Sequence[torch.optim.Optimizer] = ()  # train parts of the module, too
        self.findings: list[Finding] = []
        self.checks = list(all_checks() if checks is None else checks)
        self._active: dict[tuple[str, str | None], int] = {}
        self._seen: Observed | None = None
        self._norms: list[tuple[object, str, Tensor]] = []
        self._ear = CallbackSubscriber(self._hear_loss, topics=["loss"], tag="raw")
        self._rests, self._until = False, 0.0
        bus.subscribe(self._ear)
        if exporter is not None:
            exporter.on_step.append(self._pause)

    def close(self) -> None:
        """Hear no more."""
        if self.exporter is not None and self._pause in self.exporter.on_step:
            self.exporter.on_step.remove(self._pause)
        self._leave()

    def _leave(self) -> None:
        self.bus.unsubscribe(self._ear)
        self.bus.unsubscribe(self)

    def _pause(self, exporter: Exporter) -> None:
        """After an observed step: what nobody hears is not published, and costs nothing."""
        if self._rests and perf_counter() >= self._until:
            self._rests = False
            self.bus.subscribe(self._ear)
            self.bus.subscribe(self)
        elif not self._rests and self._count >= BEGIN and self in self.bus.subscribers:  # not switched off
            self._rests, self._until = True, perf_counter() + REST * exporter.cost
            self._leave()

    # -- what it hears

    def hear(self, message: Message) -> None:
        topic, key, data = message.topic, message.key, message.data
        if topic == "batch_finished":
            return self._examine(message)
        seen = self._of(message.step)
        if topic == "activations" and key is not None and isinstance(data, Tensor):
            self._activation(seen, key, data, message)
        elif topic == "layer_gradients" and key is not None:
            if not seen.passed_back:
                self._turn(seen, message)
            elif seen.uncleared:  # another pass went back before, such as that of a GAN's other half
                seen.uncleared = self._has_gradients()
            seen.passed_back.add(block_of(key))
        elif topic == "input_data":
            seen.inputs = next((t.detach() for t in tensors_in(data) if t.is_floating_point()), None)
        elif topic == "network_output":
            seen.answer = next(tensors_in(data), None)
        elif topic == "input_labels":
            seen.labels = next(tensors_in(data), None)
        elif topic in KINDS and key is not None and isinstance(data, Tensor):
            self._parameters(seen, topic, [key], [data])

    def hear_all(self, several: Several) -> None:
        by_topic: dict[str, tuple[list[str], list[Tensor]]] = {}
        for (topic, key), data in zip(several.names, several.data, strict=True):
            if topic in KINDS and key is not None:
                keys, tensors = by_topic.setdefault(topic, ([], []))
                keys.append(key)
                tensors.append(data)
        for topic, (keys, tensors) in by_topic.items():
            self._parameters(self._of(several.step), topic, keys, tensors)

    def _hear_loss(self, message: Message) -> None:
        loss = message.data
        if isinstance(loss, Tensor) and loss.numel() == 1:
            seen = self._of(message.step)
            if (
                not seen.has_loss
            ):  # those that a closure finds later are of weights on the way to the next step
                seen.has_loss = True
                self._norms.append((seen, "loss", loss.detach().reshape(())))

    def _of(self, step: int) -> Observed:
        if self._seen is None or self._seen.step != step:
            optimizer = None if self.exporter is None else self.exporter.optimizer
            self._seen = Observed(step, self._count, self.module, leaves(self.module), optimizer, self.others)
            self._norms = []
        return self._seen

    def _activation(self, seen: Observed, key: str, data: Tensor, message: Message) -> None:
        units = units_of(data)
        if units is None or key in seen.units:
            return
        seen.units[key] = units
        self._norms.append((units, "spread", units.rows.float().std()))
        self._norms.append((units, "range", (units.highest - units.lowest).amax()))
        if seen.spoilt is None and data.device.type == "cpu" and bool(torch.isnan(units.highest).any()):
            seen.spoilt = _not_a_number(key, data, message.step)

    def _parameters(self, seen: Observed, topic: str, keys: list[str], tensors: list[Tensor]) -> None:
        family, field = KINDS[topic]
        floating = [t if t.is_floating_point() else t.float() for t in tensors]
        for key, tensor, norm in zip(keys, tensors, _norms(floating), strict=True):
            sizes = seen.sizes(family, key)
            sizes.dims = tensor.dim()
            self._norms.append((sizes, field, norm))

    def _turn(self, seen: Observed, message: Message) -> None:
        """A pass turns back: its loss was good enough for that, and no gradient of this step is there yet."""
        seen.uncleared = self._has_gradients()
        if seen.spoilt is not None:  # a guard that saw the loss told more; now there is time till the step
            self._tell(seen.spoilt, message)

    def _has_gradients(self) -> bool:
        trained = [p.grad for p in self.module.parameters() if p.requires_grad]
        there = [grad for grad in trained if grad is not None]
        if 2 * len(there) <= len(trained):  # what is not in the optimiser is told of by itself
            return False
        return any(bool((grad != 0).any()) for grad in there)

    # -- what it makes of it

    def _examine(self, message: Message) -> None:
        seen = self._of(message.step)
        self._seen = None
        if self._norms:  # one transfer for all numbers
            values = torch.stack([norm.detach().float() for _, _, norm in self._norms]).tolist()
            for (place, field, _), value in zip(self._norms, values, strict=True):
                setattr(place, field, value)
        for check in self.checks:
            for finding in check(seen):
                self._tell(finding, message)
        self._active = {k: at for k, at in self._active.items() if at + FORGOTTEN > self._count}
        self._count += 1

    _count = 0  # steps that were examined

    def _tell(self, finding: Finding, message: Message) -> None:
        known = (finding.kind, finding.block) in self._active
        self._active[finding.kind, finding.block] = self._count
        if not known:
            self.findings.append(finding)
            finding.publish(self.bus, message.epoch)


def all_checks() -> list[Check]:
    """One of each, with nothing seen yet."""
    return [
        checks.NotNormalised(), checks.LeftInEval(), checks.Constant(), checks.DeadReLUs(),
        checks.Saturated(), checks.Exploding(), checks.SoftmaxTwice(), learning.NoGradient(),
        learning.NotUpdated(),
        learning.GradientsKept(), learning.Rate(), learning.Unbalanced(), learning.Identical(),
        learning.Collapsing(), learning.NoInformation(),
    ]  # fmt: skip


def _norms(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    return torch._foreach_norm(tensors)  # type: ignore[attr-defined]


def _not_a_number(key: str, data: Tensor, step: int) -> Finding:
    count = int(torch.isnan(data).sum())
    return Finding(
        "activation_not_finite", block_of(key), step,
        f"`{key}` emits {count:,} NaN among {data.numel():,} numbers at step {step}, though the loss may not "
        "show it. Look for a logarithm, a root or a division of 0 in it, and at what goes in.", "error",
    )  # fmt: skip
