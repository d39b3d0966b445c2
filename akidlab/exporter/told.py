"""Told: what is said of each parameter around a step, found once for as long as the model stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import nn
from torch.nn.parameter import is_lazy

from akidlab.exporter.tree import Held, parameters_of

TOPICS = (("weights", "weight_gradients", "weight_updates"), ("biases", "bias_gradients", "bias_updates"))
Name = tuple[str, str]  # topic and key


class Told(NamedTuple):
    """A parameter, and under which names it is told; None for what nobody hears.

    Args:
        weight: the name of its values.
        gradient: the name of its gradient.
        update: the name of what a step changes.
        parameter: the parameter.
    """

    weight: Name | None
    gradient: Name | None
    update: Name | None
    parameter: nn.Parameter


class Plan:
    """Remembers what is told of whom."""

    def __init__(self) -> None:
        self._held: Sequence[Held] = ()
        self._routes: Mapping[str, object] = {}
        self._there: list[nn.Parameter | None] = []
        self._told: list[Told] = []
        self._lazy = False  # some have no values yet; they get them without being moved

    def of(self, held: Sequence[Held], routes: Mapping[str, Sequence[object]]) -> list[Told]:
        """What is told of the parameters in these places to those who hear the topics in `routes`.

        Parameters of whom nobody hears anything are left out.
        """
        if held is not self._held or routes is not self._routes or self._lazy or not self._stays():
            self._held, self._routes = held, routes
            self._there = [place.get(name) for place, name, _, _ in held]
            self._lazy = any(p is not None and is_lazy(p) for p in self._there)
            told = [_told(*found, routes) for found in parameters_of(held)]
            self._told = [one for one in told if any(one[:3])]
        return self._told

    def _stays(self) -> bool:
        """Whether each place still holds what it held."""
        for (place, name, _, _), parameter in zip(self._held, self._there, strict=True):
            if place.get(name) is not parameter:
                return False
        return True


def _told(is_bias: bool, key: str, parameter: nn.Parameter, routes: Mapping[str, Sequence[object]]) -> Told:
    names = [(topic, key) if routes[topic] else None for topic in TOPICS[is_bias]]
    return Told(names[0], names[1], names[2], parameter)
