"""By hand: what a kongfu offers to loops that somebody writes around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from akidlab.errors import BlockError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter
    from torch.optim import Optimizer

    from akidlab.kongfus.kongfu import KongFu


class ByHand:
    """Gradients and updates, one by one, of the parameters in `var_list`.

    Example:
        >>> w = torch.nn.Parameter(torch.tensor([2.0]))
        >>> kongfu = GradientDescentKongFu(lr=0.25, var_list=[w])
        >>> kongfu.update(kongfu.forward(w.square().sum()))
        >>> w.item()
        1.0
    """

    var_list: list[Parameter]
    optimizer: Optimizer | None

    def forward(self, loss: Tensor) -> None:
        """Compute the gradients of `loss`."""
        self._ready().zero_grad()
        loss.backward()

    def update(self, grads: object = None) -> None:
        """Make one step along the gradients; akid passes what `forward` gave."""
        self._ready().step()

    def set_var_list(self, var_list: Iterable[Parameter]) -> None:
        """Update these from now on; what is known of those that stay is kept.

        Args:
            var_list: parameters.

        Raises:
            BlockError: if none of them can be trained; then nothing has changed.
        """
        found, before = list(var_list), self.optimizer
        if before is None:
            self.var_list = found
            return
        state = cast("KongFu", self).setup(found).state
        state.update({parameter: before.state[parameter] for parameter in found if parameter in before.state})

    def append_var_list(self, var_list: Iterable[Parameter]) -> None:
        """Update these, too.

        Args:
            var_list: parameters.
        """
        self.set_var_list([*self.var_list, *var_list])

    def _ready(self) -> Optimizer:
        if self.optimizer is None and not self.var_list:
            raise BlockError("The kongfu has no parameters yet. Call `kongfu.setup(brain.parameters())`.")
        return self.optimizer or cast("KongFu", self).setup(self.var_list)
