"""Synapses: what all layers that hold weights have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from akidlab.blocks import initializer, regularizer
from akidlab.blocks.block import Block
from akidlab.blocks.initializer import Fans, Initializer
from akidlab.blocks.kind import check_kind, like
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Signal, found
from akidlab.errors import BlockError

Sizes: TypeAlias = "tuple[int | None, ...]"  # None for what the first input decides


class SynapseLayer(Block):
    """A layer with weights, and biases unless they are switched off.

    Args:
        out_channel_num: how many channels (or numbers) it emits.
        in_channel_num: how many it is given; None takes it from the first input.
        initial_bias_value: what biases start from; None for no biases.
        init_para: how weights start, as `{"name": "msra"}` (see `akidlab.initializers`), or a function that
            is given their shape.
        max_norm: after each update the weights of an output whose L2 norm is larger are scaled down to it
            (Srebro & Shraibman 2005); None lets them grow.
        wd: weight decay, as `{"type": "l2", "scale": 5e-4}`.
        wd_on_bias: let weight decay count the biases too.
        kwargs: more of `Block`, such as `name` and `inputs`.
    """

    NAME = "synapse"
    WEIGHTS: tuple[str, ...] = ("weight",)
    BIASES: tuple[str, ...] = ("bias",)
    OUTPUTS = 0  # the dimension of the weights that counts what is emitted
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        *,
        out_channel_num: int | None = None,
        in_channel_num: int | None = None,
        initial_bias_value: float | None = 0.0,
        init_para: Mapping[str, Any] | str | Initializer | Callable[..., Any] = "default",
        max_norm: float | None = None,
        wd: Mapping[str, Any] | None = None,
        wd_on_bias: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = 1 if in_channel_num is None else in_channel_num
        for what, value in (("out_channel_num", out_channel_num), ("in_channel_num", given)):
            if not isinstance(value, int) or value < 1:
                raise BlockError(f"`{what}` of `{self.name}` is a number of 1 or more, found {value!r}.")
        if max_norm is not None and (not isinstance(max_norm, (int, float)) or not max_norm > 0):
            raise BlockError(f"`max_norm` of `{self.name}` is a number above 0, found {max_norm!r}.")
        self.in_channel_num, self.out_channel_num = in_channel_num, out_channel_num
        self.initial_bias_value, self.max_norm = initial_bias_value, max_norm
        self.initializer = initializer.get(init_para)
        self._wd = regularizer.get(wd)
        self.wd_on_bias = wd_on_bias
        for name in (*self.WEIGHTS, *self.BIASES):
            self.register_parameter(name, None)

    @property
    def weights(self) -> nn.Parameter:
        """akid's name for `weight`, `[out, in, ...]`."""
        return self.weight

    @property
    def biases(self) -> nn.Parameter | None:
        """akid's name for `bias`, `[out]`; None without biases."""
        return self.bias

    @property
    def wd(self) -> regularizer.Regularizer | None:
        """Its weight decay."""
        return self._wd

    @property
    def loss(self) -> Tensor | None:
        """What its weights cost, None without weight decay."""
        if self._wd is None or self._first is None:
            return None
        names = (*self.WEIGHTS, *self.BIASES) if self.wd_on_bias else self.WEIGHTS
        held = [self._parameters[name] for name in names]
        return self._wd([parameter for parameter in held if parameter is not None])

    def _contributes(self) -> bool:
        return self._wd is not None

    # -- after an update

    def _asks(self) -> bool:
        return self.max_norm is not None or super()._asks()

    def _on_para_update(self) -> None:
        super()._on_para_update()
        if self.max_norm is not None and self._first is not None:
            for name in self.WEIGHTS:
                getattr(self, name).renorm_(2, self.OUTPUTS, self.max_norm)

    # -- what a layer says about its weights

    @property
    def _first(self) -> nn.Parameter | None:
        """The first of its weights; None before they are made."""
        return self._parameters[self.WEIGHTS[0]]

    def _given(self, signal: Signal) -> int:
        """How many channels `signal` has."""
        raise NotImplementedError

    def _kernel(self) -> tuple[int, ...]:
        """What follows `[out, in]` in the shape of the weights."""
        return ()

    def _shapes(self) -> tuple[Sizes, ...]:
        """The shape of each of `WEIGHTS`."""
        return ((self.out_channel_num, self.in_channel_num, *self._kernel()),)

    def _bias_shapes(self) -> tuple[Sizes, ...]:
        """The shape of each of `BIASES`."""
        return ((self.out_channel_num,),) * len(self.BIASES)

    def _fans(self, name: str, shape: tuple[int, ...]) -> Fans | None:
        """How many inputs an output has and the reverse, where the shape does not tell."""
        return None

    def _starts(self, name: str) -> Initializer:
        """What fills the weights called `name`."""
        return self.initializer

    def _learn_sizes(self, state: dict[str, Tensor]) -> None:
        """Take what was left out from weights that fit."""
        self.in_channel_num = state["weight"].shape[1]

    # -- set-up

    def _setup(self, signal: Signal, seed: Seed) -> None:
        given = self.in_channel_num if signal is None else self._given(signal)
        if given is None:
            raise BlockError(
                f"`{self.name}` cannot be set up without an input: its `in_channel_num` was left out. "
                "Give it, or call `setup` with an example input."
            )
        self._settle(given)
        kind = like(signal)
        for name, shape in zip(self.WEIGHTS, self._shapes(), strict=True):
            weight = self._starts(name)(shape, seed.generator(name), self._fans(name, shape))  # type: ignore[arg-type]
            self._parameters[name] = nn.Parameter(weight.to(**kind))
        if self.initial_bias_value is not None:
            for name, shape in zip(self.BIASES, self._bias_shapes(), strict=True):
                bias = torch.full(shape, float(self.initial_bias_value))  # type: ignore[arg-type]
                self._parameters[name] = nn.Parameter(bias.to(**kind))

    def _settle(self, channels: int) -> None:
        """Fill in the sizes that were left out, now that the channels given are known."""
        self.in_channel_num = channels

    def _emitted(self) -> int:
        """How many channels it emits, once that is known."""
        assert self.out_channel_num is not None
        return self.out_channel_num

    def _parameters_made(self) -> list[str]:
        return [*self.WEIGHTS, *([] if self.initial_bias_value is None else self.BIASES)]

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        shapes = dict(zip(self.WEIGHTS, self._shapes(), strict=True))
        if self.initial_bias_value is not None:
            shapes |= dict(zip(self.BIASES, self._bias_shapes(), strict=True))
        for name, shape in shapes.items():
            if not _fits(state[name], shape):
                expected = "×".join("any" if size is None else str(size) for size in shape)
                has = found(state[name])
                return [f"`{self.name}` has a {name} of {expected}, while the state dict has {has}."]
        self._learn_sizes(state)
        for name in shapes:
            self._parameters[name] = nn.Parameter(torch.empty_like(state[name]))
        self._is_setup = True
        return []

    def _told(self) -> list[tuple[str, str]]:
        told = [("weights start as", repr(self.initializer))]
        if self._wd is not None:
            biases = ", biases too" if self.wd_on_bias else ""
            told.append(("weight decay", f"{self._wd.type} × {self._wd.scale:g}{biases}"))
        if self.max_norm is not None:
            told.append(("largest norm of an output", f"{self.max_norm:g}"))
        return told

    def _check_kind(self, signal: Tensor) -> None:
        check_kind(self, signal, self._first)

    def _contradicts(self, signal: Tensor, given: int, unit: str) -> BlockError:
        return BlockError(
            f"`{self.name}` wants {self.in_channel_num} {unit}, found {given} in an input of "
            f"{found(signal)}. Correct `in_channel_num` (or leave it out), or what comes before."
        )


def _fits(weight: Tensor, shape: Sizes) -> bool:
    return weight.dim() == len(shape) and all(
        size in (n, None) for size, n in zip(shape, weight.shape, strict=True)
    )
