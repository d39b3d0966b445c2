"""Initialisers: what parameters hold before anything is learnt."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from akidlab.errors import BlockError, unknown

Fans = tuple[int, int]


@dataclass(frozen=True)
class _Kind:
    fill: Callable[..., Tensor]
    defaults: Mapping[str, object]
    required: tuple[str, ...] = ()


class Initializer:
    """Makes the tensor that a parameter starts from.

    Args:
        name: one of `names()`.
        paras: what that initialiser asks for.

    Raises:
        UnknownNameError: if the name or a parameter is not known.
        BlockError: if a required parameter is missing.
    """

    def __init__(self, name: str, **paras: object) -> None:
        if name not in _KINDS:
            raise unknown("initializer", str(name), names())
        kind = _KINDS[name]
        for key in paras:
            if key not in (*kind.defaults, *kind.required):
                raise unknown(f"parameter of initializer `{name}`", key, (*kind.required, *kind.defaults))
        for key in kind.required:
            if paras.get(key) is None:
                raise BlockError(
                    f'Initializer `{name}` needs `{key}`, as in init_para={{"name": "{name}", "{key}": ...}}.'
                )
        self.name, self.paras = name, paras
        self._fill = partial(kind.fill, **{**kind.defaults, **paras})

    def __call__(
        self,
        shape: Sequence[int],
        generator: torch.Generator | None = None,
        fans: Fans | None = None,
    ) -> Tensor:
        """A tensor of `shape` on the CPU.

        Args:
            shape: of a weight, `[out, in, ...]`.
            generator: where the random numbers come from; None takes torch's global generator.
            fans: how many inputs an output has and the reverse; None reads them off the shape.
        """
        shape = tuple(shape)
        return self._fill(shape, generator, fans or _fans(shape))

    def __repr__(self) -> str:
        paras = "".join(f", {key}={value!r}" for key, value in self.paras.items())
        return f"{self.name}{paras}"


class FunctionInitializer(Initializer):
    """Lets a function of yours make the tensor.

    Args:
        function: given a shape, returns a tensor or array of it. While it runs, torch's global generator is
            seeded for the one parameter that is made, and put back afterwards.

    Example:
        >>> layer = InnerProductLayer(out_channel_num=2, init_para=lambda shape: torch.eye(*shape))
        >>> layer(torch.tensor([[3.0, 4.0]]))
        tensor([[3., 4.]], grad_fn=<AddmmBackward0>)
    """

    def __init__(self, function: Callable[[tuple[int, ...]], Any]) -> None:
        self.name, self.paras = getattr(function, "__name__", "function"), {}
        self.function = function

    def __call__(
        self, shape: Sequence[int], generator: torch.Generator | None = None, fans: Fans | None = None
    ) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            if generator is not None:
                torch.manual_seed(generator.initial_seed())
            made = self.function(tuple(shape))
        return _tensor(tuple(shape), generator, (1, 1), value=made, name=self.name)


def get(
    name: str | Mapping[str, Any] | Initializer | Callable[..., Any] = "default", **paras: object
) -> Initializer:
    """The initialiser called `name`, or the one that `{"name": ..., ...}` describes, or a function of yours.

    Raises:
        UnknownNameError: if the name or a parameter is not known.
        BlockError: if a required parameter is missing.

    Example:
        >>> get("constant", value=0.1)([2])
        tensor([0.1000, 0.1000])
        >>> get({"name": "normal", "stddev": 0.1})
        normal, stddev=0.1
    """
    if isinstance(name, Initializer):
        return name
    if callable(name):
        return FunctionInitializer(name)
    if isinstance(name, Mapping):
        paras = {**name, **paras}
        name = paras.pop("name", "default")  # type: ignore[assignment]
    if not isinstance(name, str):
        raise BlockError(f'`init_para` is written as {{"name": "normal", "stddev": 0.1}}, found {name!r}.')
    return Initializer(name, **paras)


def names() -> list[str]:
    """The names of all initialisers."""
    return list(_KINDS)


def _fans(shape: tuple[int, ...]) -> Fans:
    if len(shape) < 2:
        return max(math.prod(shape), 1), max(math.prod(shape), 1)
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _uniform(shape: tuple[int, ...], generator: torch.Generator | None, low: float, high: float) -> Tensor:
    return torch.empty(shape).uniform_(low, high, generator=generator)


def _normal(shape: tuple[int, ...], generator: torch.Generator | None, mean: float, stddev: float) -> Tensor:
    return torch.empty(shape).normal_(mean, stddev, generator=generator)


def _scaled(
    shape: tuple[int, ...], generator: torch.Generator | None, normal: bool, stddev: float, bound: float
) -> Tensor:
    if normal:
        return _normal(shape, generator, 0.0, stddev)
    return _uniform(shape, generator, -bound, bound)


def _default(shape: Any, generator: Any, fans: Fans, *, normal_dist: bool, fan_out: bool) -> Tensor:
    scale = 1 / math.sqrt(sum(fans) / 2 if fan_out else fans[0])
    return _scaled(shape, generator, normal_dist, scale, scale)


def _xavier(shape: Any, generator: Any, fans: Fans, *, normal_dist: bool, fan_out: bool) -> Tensor:
    # Glorot & Bengio 2010
    both = sum(fans) if fan_out else 2 * fans[0]
    return _scaled(shape, generator, normal_dist, math.sqrt(2 / both), math.sqrt(6 / both))


def _msra(shape: Any, generator: Any, fans: Fans, *, fan_out: bool, factor: float, uniform: bool) -> Tensor:
    # He et al. 2015
    stddev = math.sqrt(factor * (4 / sum(fans) if fan_out else 2 / fans[0]))
    return _scaled(shape, generator, not uniform, stddev, math.sqrt(3) * stddev)


def _unit_scaling(shape: Any, generator: Any, fans: Fans, *, factor: float) -> Tensor:
    # Sussillo & Abbott 2014: what goes in with variance 1 comes out with variance factor squared.
    bound = factor * math.sqrt(3 / fans[0])
    return _uniform(shape, generator, -bound, bound)


def _plain_normal(shape: Any, generator: Any, fans: Fans, *, stddev: float, mean: float) -> Tensor:
    return _normal(shape, generator, mean, stddev)


def _truncated_normal(shape: Any, generator: Any, fans: Fans, *, stddev: float, mean: float) -> Tensor:
    # As TensorFlow does: what lies beyond two standard deviations is drawn again.
    if not stddev:
        return torch.full(shape, float(mean))
    low, high = mean - 2 * stddev, mean + 2 * stddev
    return torch.nn.init.trunc_normal_(torch.empty(shape), mean, stddev, low, high, generator=generator)


def _range(
    shape: Any, generator: Any, fans: Fans, *, range: float | None, low: float | None, high: float | None
) -> Tensor:
    if range is not None:
        return _uniform(shape, generator, -range, range)
    if low is None or high is None:
        raise BlockError(
            'Initializer `uniform` needs `range`, as in init_para={"name": "uniform", "range": 0.05}, '
            "or both `low` and `high`."
        )
    return _uniform(shape, generator, low, high)


def _constant(shape: Any, generator: Any, fans: Fans, *, value: float) -> Tensor:
    return torch.full(shape, float(value))


def _scalar(shape: Any, generator: Any, fans: Fans, *, value: float) -> Tensor:
    if shape:
        raise BlockError(f"Initializer `scalar` makes one number, while a tensor of {shape} is asked for.")
    return torch.tensor(float(value))


def _tensor(shape: Any, generator: Any, fans: Fans, *, value: object, name: str = "tensor") -> Tensor:
    tensor = torch.as_tensor(value)
    if tuple(tensor.shape) != shape:
        raise BlockError(
            f"Initializer `{name}` was given {tuple(tensor.shape)}, while {shape} is asked for. "
            "Give a value of that shape."
        )
    return tensor.detach().clone().to("cpu")


_KINDS = {
    "default": _Kind(_default, {"normal_dist": False, "fan_out": False}),
    "xavier": _Kind(_xavier, {"normal_dist": False, "fan_out": True}),
    "msra": _Kind(_msra, {"fan_out": False, "factor": 1.0, "uniform": False}),
    "he": _Kind(_msra, {"fan_out": False, "factor": 1.0, "uniform": False}),  # msra by its author's name
    "normal": _Kind(_plain_normal, {"mean": 0.0}, ("stddev",)),
    "truncated_normal": _Kind(_truncated_normal, {"mean": 0.0}, ("stddev",)),
    "uniform": _Kind(_range, {"range": None, "low": None, "high": None}),
    "uniform_unit_scaling": _Kind(_unit_scaling, {"factor": 1.0}),
    "range_uniform": _Kind(_range, {"range": None, "low": 0.0, "high": 1.0}),
    "constant": _Kind(_constant, {}, ("value",)),
    "scalar": _Kind(_scalar, {"value": 0.0}),
    "tensor": _Kind(_tensor, {}, ("value",)),
}
