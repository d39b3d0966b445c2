"""The parts of a Kid: each is what it should be, or the error says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn, optim

from akidlab.blocks import Block, Brain
from akidlab.errors import KindError
from akidlab.kongfus import KongFu
from akidlab.sensors import FeedSensor, Sensor
from akidlab.sources import Source


def sensor_of(what: Any) -> FeedSensor:
    """The sensor of a kid.

    Raises:
        KindError: if it is something else.
    """
    if isinstance(what, Sensor):
        return what  # type: ignore[return-value]  (one of your own counts its samples as a FeedSensor does)
    advice = "Wrap arrays or a data set in one: `FeedSensor((x, y), batch_size=100)`."
    if isinstance(what, Source):
        advice = f"Wrap the source in one: `FeedSensor({type(what).__name__}(...), batch_size=100)`."
    raise _wrong("first", "a sensor, what it senses", what, advice)


def brain_of(what: Any) -> Brain:
    """The brain of a kid.

    Raises:
        KindError: if it is something else.
    """
    if isinstance(what, Brain):
        return what
    advice = "Attach blocks and a loss to one: `Brain().attach(block, SoftmaxWithLossLayer(...))`."
    if isinstance(what, nn.Module) and not isinstance(what, Block):
        loss = 'SoftmaxWithLossLayer(inputs=[{"name": "net"}, {"name": "system_in", "idxs": [1]}])'
        advice = f'Make a block of it: `Brain().attach(TorchLayer(module, name="net"), {loss})`.'
    raise _wrong("second", "a brain, what it thinks with", what, advice)


def kongfu_of(what: Any) -> KongFu:
    """The kongfu of a kid; a name, a dictionary, or the class of an optimiser will do.

    Raises:
        KindError: if it is something else.
        UnknownNameError: if nothing is called so.
    """
    if isinstance(what, (KongFu, str, Mapping)):
        return KongFu.of(what)
    if isinstance(what, type) and issubclass(what, optim.Optimizer):
        return KongFu.of(what)
    advice = 'Give one such as `MomentumKongFu(lr=0.01)`, or `KongFu.of("rmsprop", lr=0.01)`.'
    if isinstance(what, optim.Optimizer):
        name = type(what).__name__
        advice = f'A kid makes its optimiser itself, from `KongFu.of("{name.lower()}", lr=...)`.'
    raise _wrong("third", "a kongfu, how it learns", what, advice)


def _wrong(place: str, wanted: str, what: object, advice: str) -> KindError:
    if isinstance(what, type):
        told, advice = f"the class {what.__name__}", f"Give an instance: `{what.__name__}(...)`."
    else:
        told = f"a {type(what).__name__}"
    if isinstance(what, (Sensor, Brain, KongFu)):
        advice = "They come in the order `Kid(sensor, brain, kongfu)`."
    return KindError(f"The {place} argument of a Kid is {wanted}; found {told}. {advice}")
