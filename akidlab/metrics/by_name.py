"""Bands by name: percentiles as other metrics are asked for, `percentiles:activations?exact=true`."""

from __future__ import annotations

from collections.abc import Sequence

from akidlab.messages import Bus, get_default_bus
from akidlab.metrics.bands import ALL, PercentilesSubscriber
from akidlab.metrics.kinds import listed
from akidlab.metrics.sampling import ELEMENTS


class BandsSubscriber(PercentilesSubscriber):
    """Publishes the percentiles of each tensor, of which bands are drawn: `metrics.percentiles`.

    Args:
        kinds: topics or groups of them; by default all but `layer_gradients`.
        bus: where it hears and publishes; by default that of the `with` one is in.
        exact: look at all values.
        elements: how many values to look at of a tensor that has more.

    Raises:
        UnknownNameError: if a kind is no topic of tensors.

    Example:
        >>> from akidlab.messages import Bus
        >>> BandsSubscriber("gradients", bus=Bus()).kinds
        ('weight_gradients', 'bias_gradients')
    """

    def __init__(
        self,
        *kinds: str | Sequence[str],
        bus: Bus | None = None,
        exact: bool = False,
        elements: int = ELEMENTS,
    ) -> None:
        bus = get_default_bus() if bus is None else bus
        super().__init__(bus, listed(kinds) or ALL, exact=bool(exact), elements=elements)
        self.bus.subscribe(self)

    def close(self) -> None:
        """Hear and publish nothing more; a second time does nothing."""
        self.bus.unsubscribe(self)
