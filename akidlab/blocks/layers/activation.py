"""Activations: one number in, one number out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from akidlab.blocks.block import Block
from akidlab.blocks.kind import check_kind
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from jaxtyping import Float


class ActivationLayer(Block):
    """A function of each number by itself: the value is shaped as the input.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    NAME = "activation"

    def _check(self, signal: Signal) -> None:
        if not isinstance(signal, Tensor):
            raise BlockError(
                f"`{self.name}` wants one tensor, found {found(signal)}. "
                "Correct its `inputs`, or merge first."
            )

    def _fired(self, signal: Tensor) -> Tensor:
        """The value of the last pass, for a way back that `signal` takes."""
        data = self.data
        if data is None:
            raise BlockError(
                f"`{self.name}` goes back through its last pass, and there was none. Call it first."
            )
        if data.shape != signal.shape:
            raise BlockError(
                f"`{self.name}` emitted {found(data)} in its last pass, found {found(signal)} on the way "
                "back. Give back what is shaped as its value."
            )
        return data


class ReLULayer(ActivationLayer):
    """What is positive, and zero for the rest.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> ReLULayer()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    NAME = "relu"

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return torch.relu(signal)

    def backward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Top-down: what comes back, where the last pass was positive; zero elsewhere.

        Raises:
            BlockError: if there was no pass, or its value had another shape.
        """
        return torch.where(self._fired(signal) > 0, signal, 0)


class LeakyReLULayer(ActivationLayer):
    """What is positive as it is, and a small share of what is negative.

    Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Args:
        negative_slope: the share.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> LeakyReLULayer(0.1)(torch.tensor([-1.0, 2.0]))
        tensor([-0.1000,  2.0000])
    """

    NAME = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return F.leaky_relu(signal, self.negative_slope)

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        check_kind(self, signal)

    def extra_repr(self) -> str:
        return f"slope {self.negative_slope:g}"


class SigmoidLayer(ActivationLayer):
    """Between 0 and 1: 1 / (1 + exp(-x)).

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> SigmoidLayer()(torch.tensor([0.0, 100.0]))
        tensor([0.5000, 1.0000])
    """

    NAME = "sigmoid"

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return torch.sigmoid(signal)


class TanhLayer(ActivationLayer):
    """Between -1 and 1: the hyperbolic tangent.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> TanhLayer()(torch.tensor([0.0, 100.0]))
        tensor([0., 1.])
    """

    NAME = "tanh"

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return torch.tanh(signal)


class GELULayer(ActivationLayer):
    """Each number times the probability that a standard normal one is smaller.

    Source: Hendrycks and Gimpel, "Gaussian error linear units", arXiv 1606.08415.

    Args:
        approximate: `none` for the exact function, `tanh` for the approximation of the paper.
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> GELULayer()(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1587,  0.0000,  0.8413])
    """

    NAME = "gelu"

    def __init__(self, approximate: str = "none", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if approximate not in ("none", "tanh"):
            raise unknown("approximation of GELU", str(approximate), ("none", "tanh"))
        self.approximate = approximate

    def forward(self, signal: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return F.gelu(signal, approximate=self.approximate)

    def _check(self, signal: Signal) -> None:
        super()._check(signal)
        check_kind(self, signal)

    def extra_repr(self) -> str:
        return "" if self.approximate == "none" else self.approximate
