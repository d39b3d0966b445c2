"""A Watch: an exporter, percentiles, metrics, a doctor and a governor, put together around one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from torch import nn

from akidlab import metrics
from akidlab.exporter import Exporter
from akidlab.guards import Doctor
from akidlab.messages import Log, Message
from akidlab.messages.merging import ALIKE
from akidlab.metrics.bands import PercentilesSubscriber
from akidlab.metrics.metric import Metric
from akidlab.watching.governor import Governor
from akidlab.watching.options import WatchOptions

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from typing_extensions import Self

    from akidlab.messages import Bus, Subscriber

SKETCH = 129  # quantiles of a tensor that a rank sends to be merged with those of the others
FROM_PASSES = ("activations", "layer_gradients")


class Watch:
    """Watches a module while it learns, and publishes what it sees on a bus; closed, it leaves no trace.

    Args:
        module: what learns, ours or a stranger's.
        optimizer: what makes its steps; without one, whichever optimiser holds its parameters.
        options: what to watch, and how often.
        bus: where to publish.
        clock: gives the step being made, the epoch and the step within it; by default steps are counted.
        compiled: the module runs compiled: what passes through it cannot be seen, its parameters can.
        more: what some metrics need, by name: `data`, `loss`.
        ranks: how many processes train together; what differs between them is told so that it can be merged.
        rank: which of them this is; the first one looks for what goes wrong.

    Raises:
        UnknownNameError: if there is no such metric.
        MetricError: if a metric needs what is not there.

    Example:
        >>> from akidlab.messages import Bus, CallbackSubscriber
        >>> model, bus, heard = torch.nn.Linear(3, 2), Bus(), []
        >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
        >>> bus.subscribe(CallbackSubscriber(heard.append, topics=["percentiles"]))
        >>> with Watch(model, optimizer, WatchOptions(("gradients",)), bus):
        ...     model(torch.ones(4, 3)).sum().backward()
        ...     optimizer.step()
        >>> heard[0].data.tags
        ('weight_gradients/linear', 'bias_gradients/linear')
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: Optimizer | None,
        options: WatchOptions,
        bus: Bus,
        *,
        clock: Callable[[], tuple[int, int, int]] | None = None,
        compiled: bool = False,
        more: Mapping[str, Any] | None = None,
        ranks: int = 1,
        rank: int = 0,
    ) -> None:
        self.options, self.bus, self._more = options, bus, dict(more or {})
        self.exporter = Exporter(message_bus=bus, every=options.every, optimizer=optimizer, clock=clock)
        self.subscribers: list[Subscriber] = []
        self.governor: Governor | None = None
        self._parts: list[Any] = []
        try:
            self._assemble(module, compiled, ranks, rank)
        except BaseException:
            self.close()
            raise

    def conclude(self) -> None:
        """At the end of a run, say of each metric that recorded nothing what it still waited for."""
        step, every = self.exporter.step, self.exporter.every
        for metric in self.subscribers:
            if step and isinstance(metric, Metric) and metric.waits_for and not metric.values:
                ran = f"This run made {step} steps, and looked at 1 in {every}."
                text = f"`{metric.name}` recorded nothing: {metric.waits_for}. {ran}"
                self.bus.publish(Message("log", Log(text, "warning"), step=step))

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        self.exporter.detach()
        while self._parts:
            part = self._parts.pop()
            self.bus.unsubscribe(part)
            if hasattr(part, "close"):
                part.close()
        self.subscribers.clear()

    def _assemble(self, module: nn.Module, compiled: bool, ranks: int, rank: int) -> None:
        options = self.options
        percentiles = self._bands(compiled, ranks, rank)
        for spec in options.metrics:
            self._take(metrics.make(spec, self.bus, model=module, exporter=self.exporter, **self._more))
        if options.doctor and rank == 0:
            self._take(Doctor(self.bus, module, self.exporter))
        if options.budget is not None and rank == 0:
            self.governor = Governor(self.exporter, percentiles, options.budget, free=ranks == 1)
        self.exporter.compiled = compiled
        self.exporter.set_model(module)
        self.exporter.add_modules(module)

    def _bands(self, compiled: bool, ranks: int, rank: int) -> PercentilesSubscriber | None:
        unseen = FROM_PASSES if compiled else ()
        alike = () if rank == 0 else ALIKE  # those of the first rank stand for all
        kinds = tuple(kind for kind in self.options.kinds if kind not in (*unseen, *alike))
        if not kinds:
            return None
        exact, elements = self.options.exact, self.options.elements
        sketch = SKETCH if ranks > 1 else 0
        bands = PercentilesSubscriber(self.bus, kinds, exact=exact, elements=elements, sketch=sketch)
        self._take(bands)
        return bands

    def _take(self, subscriber: Any) -> None:
        self.bus.subscribe(subscriber)
        self._parts.append(subscriber)
        self.subscribers.append(subscriber)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Watch({', '.join(self.options.kinds) or 'no topics'}, every {self.exporter.every})"
