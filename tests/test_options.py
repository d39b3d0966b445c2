"""Options: what a class takes is told whole, and what it does not take is told with what was meant."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter

import akidlab
from akidlab import (
    AdamKongFu,
    Block,
    ConvolutionLayer,
    DigitsSource,
    DropoutLayer,
    FeedSensor,
    Kid,
    MaxPoolingLayer,
    MomentumKongFu,
    ParallelSensor,
    ReLULayer,
    SimpleSensor,
    TorchKongFu,
)
from akidlab._public import HOMES
from akidlab.models import zoo  # noqa: F401  (its brains are blocks, too)
from akidlab.options import signature


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Kid(None, None, None, max_step=9), "option of Kid `max_step`. Did you mean `max_steps`"),
        (lambda: DropoutLayer(prob=0.5), "option of DropoutLayer `prob`. Did you mean `keep_prob`"),
        (lambda: MomentumKongFu(momentun=0.5), "option of MomentumKongFu `momentun`. .* `momentum`"),
        (
            lambda: FeedSensor(DigitsSource(), batchsize=9),
            "option of FeedSensor `batchsize`. .* `batch_size`",
        ),
        (lambda: SimpleSensor(DigitsSource(), shufle=True), "`shufle`. Did you mean `shuffle`"),
    ],
)
def test_an_option_that_is_not_there_is_told_with_the_one_that_was_meant(make: Any, told: str):
    with pytest.raises(TypeError, match=told):
        make()


def test_a_layer_tells_all_that_it_takes():
    told = inspect.signature(ConvolutionLayer).parameters

    assert list(told)[:4] == ["ksize", "strides", "padding", "out_channel_num"]
    assert {"init_para", "wd", "in_channel_num", "inputs", "name", "moving_average_decay"} < set(told)
    assert "standardizes" not in told
    assert list(inspect.signature(MaxPoolingLayer).parameters)[:4] == [
        "ksize",
        "strides",
        "padding",
        "get_argmax_idx",
    ]


def test_sensors_and_kongfus_tell_all_that_they_take():
    assert {"num_workers", "queue_size", "timeout", "seed", "sampler"} < set(
        signature(ParallelSensor).parameters
    )
    assert list(inspect.signature(TorchKongFu).parameters)[-1] == "options"
    assert list(inspect.signature(AdamKongFu).parameters)[:3] == ["lr", "betas", "eps"]


def test_a_block_itself_has_the_signature_of_its_call():
    assert list(inspect.signature(ReLULayer()).parameters) == ["inputs", "options"]


@pytest.mark.parametrize("use_jedi", [False, True])
def test_a_notebook_completes_options_of_base_classes(use_jedi: bool):
    completer = IPCompleter(namespace={"ConvolutionLayer": ConvolutionLayer}, use_jedi=use_jedi)
    text = "ConvolutionLayer(5, init_"

    with provisionalcompleter():
        found = {completion.text for completion in completer.completions(text, len(text))}

    assert "init_para=" in found


def _classes(base: type) -> Iterator[type]:
    for cls in base.__subclasses__():
        yield cls
        yield from _classes(cls)


def test_a_class_does_not_offer_what_it_decides_itself():
    [getattr(akidlab, name) for name in HOMES]
    ours = {cls for cls in _classes(Block) if cls.__module__.startswith("akidlab.")}

    assert {cls: _decided(cls) - {*cls.SETTLED} for cls in ours if not _decided(cls) <= {*cls.SETTLED}} == {}


def _decided(cls: type) -> set[str]:
    """What the call of `super().__init__` in this class gives, and the class does not take."""
    if "__init__" not in vars(cls):
        return set()
    own = set(inspect.signature(cls.__init__).parameters)
    base = next(base for base in cls.__mro__[1:] if "__init__" in vars(base))
    takes = [
        p for p in inspect.signature(base.__init__).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    given: set[str] = set()
    for call in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(vars(cls)["__init__"])))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            given |= {keyword.arg for keyword in call.keywords if keyword.arg}
            values = [value for value in call.args if not isinstance(value, ast.Starred)]
            given |= {p.name for p, _ in zip(takes[1:], values, strict=False)}
    return given - own
