"""The metrics of a brain's layers, one from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from akidlab.blocks import SynapseLayer, System
from akidlab.errors import DataError
from akidlab.ops.riemann import nn_riemannic_metric

if TYPE_CHECKING:
    from jaxtyping import Float


def layer_metrics(
    brain: System, K: Float[Tensor, "inputs inputs"] | None = None, *, need_to_normalize_weights: bool = False
) -> dict[str, Tensor]:
    """The metric of each layer with weights, propagated from the input through a chain of them.

    What stands between two layers (activations, pooling) leaves the metric as it is. Of flattened maps,
    every position counts with the metric of its channels.

    Args:
        brain: set up; its layers with weights follow each other in the order in which they run.
        K: the metric of the input; None for the identity.
        need_to_normalize_weights: True to bring the weights of each unit to length 1 first.

    Returns:
        The metrics `[outputs, outputs]`, by the names of the layers; a layer of a nested system is called
        `outer.inner`.

    Raises:
        DataError: if there are no such layers, or one does not follow the other.

    Example:
        >>> from akidlab import InnerProductLayer, SequentialSystem
        >>> system = SequentialSystem().attach(InnerProductLayer(out_channel_num=2, name="ip"))
        >>> layer_metrics(system.setup(torch.zeros(1, 3)))["ip"].shape
        torch.Size([2, 2])
    """
    found: dict[str, Tensor] = {}
    for name, layer in brain.named_modules():
        if isinstance(layer, SynapseLayer) and getattr(layer, "weight", None) is not None:
            weight = layer.weight.detach()
            bias = None if layer.bias is None else layer.bias.detach()
            if K is not None and weight.dim() == 2:
                weight = _by_channel(name, weight, len(K))
            K = found[name] = nn_riemannic_metric(K, weight, bias, need_to_normalize_weights)
    if not found:
        raise DataError(f"`{brain.name}` has no layers with weights. Set it up first.")
    return found


def _by_channel(name: str, weight: Tensor, channels: int) -> Tensor:
    if weight.shape[1] % channels:
        raise DataError(
            f"`{name}` has {weight.shape[1]} inputs, which are no maps of the {channels} outputs before it: "
            "metrics are propagated along a chain of layers."
        )
    return weight.reshape(len(weight), channels, -1, 1)
