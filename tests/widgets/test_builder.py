"""A builder: what it answers the browser, and what is saved of it."""

from __future__ import annotations

import json

import pytest
import torch
from tapped import custom

from akidlab import Brain, DropoutLayer, InnerProductLayer, ReLULayer
from akidlab.widgets.builder import Builder


@pytest.fixture
def builder() -> Builder:
    brain = Brain(name="mine").attach(InnerProductLayer(out_channel_num=3, name="ip1"))
    return brain.edit((4,))


def _do(builder: Builder, act: str, **arguments: object) -> dict:
    return builder.ask("do", {"act": act, "arguments": arguments}).content  # type: ignore[return-value]


def test_an_act_is_done_to_the_living_brain_and_answered_with_all_that_is_shown(builder):
    state = _do(builder, "add", kind_name="ReLU", after="ip1")

    assert [block.name for block in builder.bench.brain] == ["ip1", "relu1"]
    assert [node["id"] for node in state["graph"]["nodes"]] == ["system_in", "ip1", "relu1"]
    assert state["graph"]["nodes"][2]["shape"] == [(None, 3)]
    assert 'ReLULayer(name="relu1")' in state["code"]
    assert (state["undo"], state["redo"], state["errors"], state["settled"]) == (True, False, {}, False)
    json.dumps(state)


def test_it_prints_as_what_it_is(builder):
    assert repr(builder) == "Builder('mine', 1 block)"


def test_what_is_wrong_is_told_at_its_block(builder):
    state = _do(builder, "add", kind_name="ConvolutionLayer", after="ip1")

    assert state["errors"] == {"conv1": "`conv1` (ConvolutionLayer) needs `ksize`."}
    assert "conv1" not in state["code"]
    options = builder.ask("form", {"id": "conv1"}).content["options"]
    assert (options[0]["name"], options[0]["required"], options[0]["text"]) == ("ksize", True, "")


def test_what_is_typed_is_checked_without_being_done(builder):
    told = builder.ask("check", {"id": "ip1", "option": "out_channel_num", "text": "0"}).content

    assert told == {"error": "`out_channel_num` of `ip1` is a number of 1 or more, found 0."}
    assert not builder.bench.can_undo


@pytest.mark.parametrize(
    ("question", "asked", "message"),
    [
        ("do", {"act": "explode"}, "no act `explode`"),
        ("do", {"act": "add", "arguments": {"kind_name": "Nothing"}}, "no kind of block `Nothing`"),
        ("do", {"act": "rename", "arguments": {"path": "ip1"}}, "missing 1 required"),
        ("form", {"id": "nowhere"}, "no block `nowhere`"),
        ("what", {}, "Nobody answers 'what'"),
    ],
)
def test_what_makes_no_sense_is_told(builder, question, asked, message):
    with pytest.raises(ValueError, match=message):
        builder.ask(question, asked)


def test_what_a_cell_does_is_told_to_the_browser(builder):
    assert builder.widget is not None
    builder.ask("state", {})
    builder.look()
    assert custom() == []

    builder.bench.brain.attach(DropoutLayer(name="drop"))
    builder.look()

    assert custom() == [({"kind": "changed"}, [])]
    nodes = builder.ask("state", {}).content["graph"]["nodes"]
    assert [node["id"] for node in nodes] == ["system_in", "ip1", "drop"]


def test_what_is_saved_is_small_and_reads_without_a_kernel(builder):
    builder.bench.add("ReLU")

    picture = builder.picture()

    assert picture["text/plain"].startswith("mine: Brain, 2 blocks")
    assert "relu1" in picture["image/svg+xml"]
    assert len(json.dumps(picture)) < 10_000


def test_the_palette_is_told_in_few_bytes(builder):
    kinds = builder.ask("palette", {}).content["kinds"]

    assert {"name", "section", "doc", "also"} == set(kinds[0])
    assert len(json.dumps(kinds)) < 20_000


def test_a_brain_that_cannot_be_said_in_code_says_why(builder):
    brain = builder.bench.brain
    brain.attach(ReLULayer(name="relu"))
    brain.setup(torch.zeros(2, 4))
    brain.attach(brain["ip1"].get_clone(name="other"))
    brain["other"].weight = brain["ip1"].weight
    assert builder.ask("state", {}).content["silent"].startswith("`other` shares parameters with `ip1`")
