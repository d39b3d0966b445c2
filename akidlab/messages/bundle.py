"""A Bundle: the messages of several kinds that are about the same module at the same step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Bundle:
    """What several topics say about one module at one step.

    Args:
        kinds: the topics, in the order in which they were asked for.
        data: what each says; also an attribute of that name, such as `bundle.weights`.
        key: the name of the module, None where all is about the network.
        step: the training step.
        epoch: whole epochs behind it.
        tag: the tag of the messages.
        train_step: the step within its epoch.

    Example:
        >>> bundle = Bundle(("weights", "biases"), {"weights": 4.0, "biases": 2.0}, step=3)
        >>> bundle.weights / bundle.biases
        2.0
    """

    kinds: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    step: int = 0
    epoch: int = 0
    tag: str = "train"
    train_step: int = 0

    @property
    def global_step(self) -> int:
        """Its step: Ikkuna's name for it."""
        return self.step

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["data"][name]
        except KeyError:
            kinds = ", ".join(self.__dict__.get("kinds", ()))
            raise AttributeError(f"A bundle of {kinds} has no `{name}`.") from None
