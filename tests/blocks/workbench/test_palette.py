"""The palette, and forms made from signatures."""

from __future__ import annotations

import sys

import pytest

from akidlab import (
    BatchNormalizationLayer,
    Block,
    CollapseOutLayer,
    ConvolutionLayer,
    ReLULayer,
)
from akidlab.blocks.workbench import form, palette
from akidlab.blocks.workbench.forms import read, text
from akidlab.blocks.workbench.palette import kind
from akidlab.errors import BlockError, UnknownNameError


def _option(cls: type[Block], name: str):
    return next(option for option in form(cls) if option.name == name)


def test_every_kind_has_a_section_and_a_sentence():
    kinds = palette()

    assert len({one.name for one in kinds}) == len(kinds) > 50
    assert all(one.doc and one.section for one in kinds)
    assert kind("Conv2D").cls is ConvolutionLayer


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ConvolutonLayer", "`ConvolutionLayer`"),
        ("relu", "`ReLULayer`"),
        ("dropuot", "`DropoutLayer`"),
        ("softmaxw", "`SoftmaxW"),
    ],
)
def test_a_kind_that_is_not_there_is_told_with_the_nearest(name, near):
    with pytest.raises(UnknownNameError, match=rf"no kind of block `{name}`\. Did you mean {near}.*\?"):
        kind(name)


def test_of_a_kind_that_is_nowhere_near_it_is_told_where_all_are():
    with pytest.raises(UnknownNameError) as raised:
        kind("zzzz")

    told = f"`palette()` of the workbench lists all {len(palette())}."
    assert str(raised.value) == f"There is no kind of block `zzzz`. {told}"


def test_every_option_of_every_kind_is_told():
    lacking = [
        f"{one.name}.{option.name}" for one in palette() for option in form(one.cls) if not option.help
    ]

    assert lacking == []


def test_blocks_of_the_notebook_are_offered(monkeypatch):
    own = type("OwnLayer", (ReLULayer,), {"__module__": "__main__", "__doc__": "Mine."})
    monkeypatch.setattr(sys.modules["__main__"], "OwnLayer", own, raising=False)

    assert (kind("OwnLayer").section, kind("OwnLayer").doc) == ("yours", "Mine.")


def test_an_unknown_kind_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean `ReLULayer`"):
        kind("RelULayer")


def test_a_form_tells_what_is_needed_first():
    ksize = form(ConvolutionLayer)[0]

    assert (ksize.name, ksize.required, ksize.type, ksize.default) == (
        "ksize", True, "int | Sequence[int]", "",
    )  # fmt: skip
    assert ksize.help == "of the window, as 5, [5, 5] or [1, 5, 5, 1]."
    assert _option(ConvolutionLayer, "wd").help.startswith("weight decay, as")
    assert [option.name for option in form(ConvolutionLayer) if option.common] == [
        "call_on_update",
        "moving_average_decay",
    ]


@pytest.mark.parametrize(
    ("cls", "name", "choices"),
    [
        (BatchNormalizationLayer, "fix_gamma", ("True", "False")),
        (CollapseOutLayer, "type", ("maxout", "average_out")),
        (ConvolutionLayer, "padding", ("SAME", "VALID")),
        (ConvolutionLayer, "ksize", ()),
    ],
)
def test_choices_are_offered(cls, name, choices):
    assert _option(cls, name).choices == choices


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("5", "ksize", 5),
        (" [5, 3] ", "ksize", [5, 3]),
        ("SAME", "padding", "SAME"),
        ('"SAME"', "padding", "SAME"),
        ("2", "padding", 2),
        ("None", "max_norm", None),
        ("5e-4", "max_norm", 5e-4),
        ("inf", "max_norm", float("inf")),
        ("msra", "init_para", "msra"),
        ('{"name": "normal", "stddev": 0.1}', "init_para", {"name": "normal", "stddev": 0.1}),
        ("mine", "init_para", len),
        ("True", "bn", True),
    ],
)
def test_a_text_becomes_a_value(typed, name, value):
    assert read(typed, _option(ConvolutionLayer, name), {"mine": len}) == value


@pytest.mark.parametrize("typed", ["five", "1 +", "len([])", "[" * 500, "print", "x.y"])
def test_a_text_that_is_no_value_is_told(typed):
    with pytest.raises(BlockError, match=r"`ksize` is int \| Sequence"):
        read(typed, _option(ConvolutionLayer, "ksize"), {})


def test_values_are_told_as_they_are_typed():
    assert [text(value) for value in (5, "SAME", "a b", {"name": "msra"}, None, object())] == [
        "5", "SAME", '"a b"', '{"name": "msra"}', "None", "…",
    ]  # fmt: skip
