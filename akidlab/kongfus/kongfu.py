"""KongFu: how to update what a brain has learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab.clock import Clock
from akidlab.errors import BlockError
from akidlab.kongfus.by_hand import ByHand
from akidlab.kongfus.check import at_least_zero
from akidlab.kongfus.curves import Scheme
from akidlab.kongfus.scheme import Told, hearing, scheme_of
from akidlab.options import Options

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class KongFu(Options, ByHand, ABC):
    """How to update what a brain has learned: an optimiser of torch, and a learning rate that may change.

    Args:
        lr: the learning rate, before any scheme.
        lr_scheme: how the rate changes: a dictionary (see `LearningRateScheme`), or a function of the clock,
            such as `lambda clock: 0.1 / (1 + clock)`.
        weight_decay: how strongly parameters are drawn to 0.
        name: what to call it.
        var_list: what it updates in a loop written by hand; a Kid gives it the parameters of its brain.

    Raises:
        DataError: if a number makes no sense.

    Example:
        >>> from akidlab import MomentumKongFu
        >>> kongfu = MomentumKongFu(lr=0.1, lr_scheme={"name": "cosine", "max_steps": 100})
        >>> kongfu.lr_at(50)
        0.05
    """

    NAME = "kongfu"

    def __init__(
        self,
        lr: float | None = 0.01,
        *,
        lr_scheme: Mapping[str, Any] | Scheme | None = None,
        weight_decay: float = 0.0,
        name: str | None = None,
        var_list: Iterable[Parameter] | None = None,
    ) -> None:
        self.name = name or self.NAME
        self.var_list: list[Parameter] = list(var_list or ())
        self.lr_scheme = lr_scheme
        self.base_lr, self._scheme = scheme_of(lr_scheme, lr)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.optimizer: Optimizer | None = None
        self._lr, self._by_hand, self._at_zero, self._clock = self.base_lr, 1.0, 0.0, Clock()
        self._lr = self.lr_at(self._clock)

    @staticmethod
    def of(what: str | Mapping[str, Any] | type[Optimizer] | KongFu, **options: Any) -> KongFu:
        """The kongfu meant by a name, ours or torch's, by a dictionary, or by itself.

        Args:
            what: `"momentum"`, `"adamw"`, the name of any optimiser of torch, the class of an optimiser, or a
                dictionary with a `name` and options.
            options: of the kongfu.

        Raises:
            UnknownNameError: if nothing is called so, or has such an option.

        Example:
            >>> KongFu.of("rmsprop", lr=0.01)
            TorchKongFu('RMSprop', lr=0.01)
        """
        from akidlab.kongfus.named import named

        return named(what, options)

    @abstractmethod
    def _make(self, parameters: list[Parameter], lr: float, fused: bool) -> Optimizer:
        """The optimiser of torch."""

    def setup(self, parameters: Iterable[Parameter] | Iterable[tuple[str, Parameter]]) -> Optimizer:
        """Make the optimiser, fused where torch can, for parameters or pairs of a name and a parameter.

        Raises:
            BlockError: if none of them can be trained.
        """
        found = [p[1] if isinstance(p, tuple) else p for p in parameters]
        found = [p for p in found if p.requires_grad]
        if not found:
            raise BlockError(
                "There is nothing to train: no parameter requires a gradient. Set the brain up first "
                "(`brain.setup(inputs)`), and give it a layer with parameters."
            )
        fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in found)
        self.optimizer = self._make(found, self._lr, fused)
        self.var_list = found
        return self.optimizer

    @property
    def scheduled(self) -> bool:
        """True if the rate depends on the clock: only then must `adjust` be called."""
        return self._scheme is not None

    def lr_at(self, clock: Clock | int) -> float:
        """The rate at a moment: the scheme's, scaled by what was set by hand."""
        if self._scheme is None:
            return self._lr
        planned = self._scheme(Clock(clock) if isinstance(clock, int) else clock)
        return self._by_hand * planned if planned else self._at_zero

    def adjust(self, clock: Clock) -> None:
        """Set the rate for the step that `clock` is about to make."""
        if self._scheme is not None:
            self._clock = clock
            self._put(self.lr_at(clock))

    @property
    def lr(self) -> float:
        """The rate now; setting it is `set_lr`."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self.set_lr(lr)

    def get_lr(self) -> float:
        """The rate now."""
        return self._lr

    def hear(self, values: Mapping[str, float], clock: Clock) -> None:
        """Let the scheme know what a validation measured; a `plateau` may lower the rate.

        Args:
            values: the metrics by name, such as `validation_loss`.
            clock: the moment of the validation.

        Raises:
            UnknownNameError: if the scheme waits for a metric that is not there.
        """
        scheme = hearing(self._scheme)
        if scheme is not None:
            scheme.hear(values)
            self.adjust(clock)

    def set_lr(self, lr: float, clock: Clock | None = None) -> None:
        """Set the rate from now on; a scheme goes on from here, scaled so that it gives `lr` now.

        Where the scheme gives 0 (a cosine that has ended), nothing can be scaled: `lr` is used as it is for
        as long as that lasts.

        Args:
            lr: the new rate.
            clock: the moment at which the scheme shall give `lr`; by default the last one.

        Raises:
            DataError: if it is no number of 0 or more.
        """
        lr = at_least_zero("lr", lr)
        if self._scheme is not None:
            now = self._scheme(clock or self._clock)
            self._by_hand, self._at_zero = lr / (now or self.base_lr or 1.0), 0.0 if now else lr
        self._put(lr)

    def _put(self, lr: float) -> None:
        self._lr = lr
        if self.optimizer is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = lr

    def state_dict(self) -> dict[str, Any]:
        """The rate and what was set by hand; the optimiser's own state is `optimizer.state_dict()`."""
        scheme = hearing(self._scheme)
        return {
            "lr": self._lr,
            "by_hand": self._by_hand,
            "at_zero": self._at_zero,
            "step": self._clock.step,
            "epoch": self._clock.epoch,
            **({} if scheme is None else {"scheme": scheme.state_dict()}),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the rate that `state` had."""
        scheme = hearing(self._scheme)
        if scheme is not None and "scheme" in state:
            scheme.load_state_dict(state["scheme"])
        self._by_hand, self._at_zero = state["by_hand"], state.get("at_zero", 0.0)
        self._clock = Clock(int(state["step"]), int(state["epoch"]))
        self._put(state["lr"])

    def __getstate__(self) -> dict[str, object]:
        # The optimiser holds the brain's parameters, which travel on their own; a scheme is a closure.
        return self.__dict__ | {"optimizer": None, "_scheme": None, "var_list": []}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._scheme = scheme_of(self.lr_scheme, self.base_lr)[1]

    def __repr__(self) -> str:
        """How it was made and, where that is another, the rate now."""
        facts = [*self._arguments(), *(f"{name}={value!r}" for name, value in self._facts().items())]
        now = "" if self._lr == self.base_lr else f", at a rate of {self._lr:.4g} now"
        return f"{type(self).__name__}({', '.join(facts)}){now}"

    def _arguments(self) -> list[str]:
        """What comes first in its representation."""
        return []

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {} if callable(self.lr_scheme) else {"lr": self.base_lr}
        if self.lr_scheme is not None:
            facts["lr_scheme"] = Told(self.lr_scheme)
        return facts | ({"weight_decay": self.weight_decay} if self.weight_decay else {})
