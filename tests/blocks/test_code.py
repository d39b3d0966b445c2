"""A brain becomes code, and code the same brain."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from functools import partial
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings

from akidlab import (
    Block,
    Brain,
    ConvolutionLayer,
    DropoutLayer,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    PoolingLayer,
    ReLULayer,
    SequentialBrain,
    SequentialSystem,
    System,
    TorchLayer,
)
from akidlab.errors import BlockError
from akidlab.models.brains import CifarResNet, LeNet, OneLayerBrain
from tests.blocks.naive import signals, systems
from tests.models.test_zoo import LARGE, SIZES


class Scale(Block):
    """A block as users write them."""

    NAME = "scale"

    def __init__(self, factor: float, powers: tuple[int, ...] = (1,), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor, self.powers = factor, list(powers)

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.factor * signal


class Deaf(Block):
    """A block that takes no options."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return signal


class Unit(GraphSystem):
    """A system that attaches its blocks itself."""

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(InnerProductLayer(out_channel_num=width, name="ip"), ReLULayer(name="relu"))


class Chatty(Brain):
    """A brain that does more than attach blocks."""

    def __init__(self, width: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attach(InnerProductLayer(out_channel_num=width, name="ip"))

    def chat(self) -> str:
        return "hello"


def ones(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.ones(shape)


def _facts(system: System) -> list[object]:
    blocks = [
        (path, b.inputs and [str(w) for w in b.inputs], b.flags, b.bag, b.moving_average_decay)
        for path, b in system.named_modules()
        if isinstance(b, Block)
    ]
    kinds = [type(block).__name__ for block in system.modules() if not isinstance(block, System)]
    return [*blocks, kinds]


def _check_again(system: System, *example: torch.Tensor) -> System:
    """Code makes the same system, which gives the same code, weights and values."""
    code = system.to_code()
    again = code.build()
    assert again.to_code() == code
    assert _facts(again) == _facts(system)
    one, other = system.get_clone().eval(), again.eval()
    for made in (one, other):
        made.setup(*example, seed=3)
    states = one.state_dict(), other.state_dict()
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))
    values = one(*example), other(*example)
    _same(values[0], values[1])
    return again


def _same(one: Any, other: Any) -> None:
    if isinstance(one, list):
        for a, b in zip(one, other, strict=True):
            _same(a, b)
    else:
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("make", "options", "size", "_"), SIZES, ids=lambda v: v.__name__ if callable(v) else None
)
def test_each_brain_of_the_zoo_is_the_same_again(make, options, size, _):
    brain = make(**options)

    _check_again(brain, torch.randn(2, *size), torch.tensor([0, 1]))


@pytest.mark.parametrize(("make", "options"), [case[:2] for case in LARGE])
def test_the_large_ones_of_the_zoo_give_the_same_code_again(make, options):
    brain = make(**options)

    again = brain.to_code().build()

    assert again.to_code() == brain.to_code()
    assert _facts(again) == _facts(brain)


@settings(deadline=None, max_examples=60)
@given(systems())
def test_a_random_graph_is_the_same_again(system):
    _check_again(system, signals(1, 2)[0])


@settings(deadline=None, max_examples=20)
@given(systems())
def test_a_random_graph_that_was_set_up_gives_the_code_that_it_gave_before(system):
    before = system.to_code()

    system.setup(signals(1, 2)[0], seed=0)

    assert system.to_code() == before


def test_code_reads_as_a_person_would_write_it():
    brain = Brain(name="small", bptt=2, do_summary=True, bag={"filters_to_visual": [0, 1]}).attach(
        ConvolutionLayer(
            5, 1, "SAME", out_channel_num=8, init_para={"name": "normal", "stddev": 0.1}, name="conv"
        ),
        Unit(4, name="unit", inputs=[{"name": "system_in"}]),
        SequentialSystem(name="tail").attach(ReLULayer(), DropoutLayer(0.3)),
        MergeLayer(
            name="sum",
            inputs=[{"name": "tail"}, {"name": "sum", "delay": 1, "init": 0.5}, torch.tensor([1.0, 2.5])],
        ),
    )

    code = brain.to_code()

    assert code == (
        "import torch\n\n"
        "from akidlab import (\n    Brain,\n    ConvolutionLayer,\n    DropoutLayer,\n    MergeLayer,\n"
        "    ReLULayer,\n    SequentialSystem,\n)\n"
        f"from {__name__} import Unit\n"
        "\n\n"
        "class Small(Brain):\n"
        '    NAME = "small"\n'
        "\n"
        "    def __init__(self, **options):\n"
        '        super().__init__(**{"bptt": 2, "do_summary": True, "bag": {"filters_to_visual": [0, 1]}} '
        "| options)\n"
        "        self.attach(\n"
        "            ConvolutionLayer(\n"
        "                ksize=5,\n"
        "                out_channel_num=8,\n"
        '                init_para={"name": "normal", "stddev": 0.1},\n'
        '                name="conv",\n'
        "            ),\n"
        '            Unit(width=4, name="unit", inputs=[{"name": "system_in"}]),\n'
        '            SequentialSystem(name="tail").attach(\n'
        '                ReLULayer(name="relu1"),\n'
        '                DropoutLayer(keep_prob=0.3, name="dropout1"),\n'
        "            ),\n"
        "            MergeLayer(\n"
        '                name="sum",\n'
        "                inputs=[\n"
        '                    {"name": "tail"},\n'
        '                    {"name": "sum", "delay": 1, "init": 0.5},\n'
        "                    torch.tensor([1.0, 2.5]),\n"
        "                ],\n"
        "            ),\n"
        "        )\n"
    )


def test_code_runs_in_a_fresh_process():
    code = OneLayerBrain(name="tiny").to_code()

    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(Tiny().to_code() if 0 else {code.name}().name)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert told.stdout == "tiny\n"


def test_what_was_changed_after_a_block_was_made_is_said():
    brain = Brain().attach(
        DropoutLayer(0.5, name="drop"), Scale(2.0, name="scale"), PoolingLayer(2, 2, name="pool")
    )

    brain["drop"].keep_prob = 0.25
    brain["scale"].powers.append(3)
    brain["pool"].set_flag("is_mon", True)

    code = brain.to_code()
    assert 'DropoutLayer(keep_prob=0.25, name="drop")' in code
    assert 'Scale(factor=2.0, powers=[1, 3], name="scale")' in code
    assert 'PoolingLayer(ksize=2, strides=2, name="pool", is_mon=True)' in code


def test_a_system_within_that_was_edited_is_written_out():
    brain = Brain().attach(Unit(4, name="kept"), Unit(4, name="edited"))
    brain["edited"].remove("relu")

    code = brain.to_code()

    assert 'Unit(width=4, name="kept")' in code
    assert 'GraphSystem(name="edited").attach(\n' in code
    _check_again(brain, torch.randn(2, 3))


def test_an_edited_brain_of_the_zoo_is_the_same_again():
    brain = LeNet()
    brain.insert_after("relu2", DropoutLayer(0.5, name="drop"))
    brain.replace("conv2", ConvolutionLayer(3, out_channel_num=16))

    _check_again(brain, torch.randn(2, 1, 28, 28), torch.tensor([0, 1]))


def test_a_class_with_methods_of_its_own_is_called_while_nobody_edited_it():
    brain = Chatty(5)

    code = brain.to_code()
    again = code.build()

    assert f"from {__name__} import Chatty" in code
    assert "return Chatty(width=5)" in code
    assert type(again) is Chatty
    assert again.to_code() == code


def test_a_class_with_methods_of_its_own_that_was_edited_cannot_be_said():
    brain = Chatty(5)
    brain.attach(ReLULayer())

    with pytest.raises(BlockError, match=r"is a Chatty that was edited .*\(chat\). Make the edits in its"):
        brain.to_code()


def test_what_cannot_be_said_is_an_argument():
    linear = torch.nn.Linear(3, 3)
    brain = SequentialBrain().attach(
        TorchLayer(linear, name="wrapped"),
        InnerProductLayer(out_channel_num=2, init_para=lambda shape: torch.ones(shape), name="ip"),
        Scale(2.0, bag={"what": object()}, name="scale"),
    )

    code = brain.to_code()
    again = code.build()

    assert "def __init__(self, *, wrapped_module, ip_init_para, scale_bag, **options):" in code
    assert code.given["wrapped_module"] is linear
    assert again["wrapped"].module is not linear
    _check_again(brain, torch.randn(2, 3))


def test_a_class_from_within_a_function_is_an_argument():
    class Local(Scale):
        pass

    brain = Brain().attach(Local(1.0, name="one"), Local(2.0, name="two"))

    code = brain.to_code()

    assert 'Local(factor=2.0, name="two")' in code
    assert code.given == {"Local": Local}


def test_a_class_of_the_notebook_needs_no_import(monkeypatch):
    main = sys.modules["__main__"]
    made = type("Own", (Scale,), {"__module__": "__main__", "__qualname__": "Own"})
    monkeypatch.setattr(main, "Own", made, raising=False)

    code = Brain().attach(made(3.0, name="own")).to_code()

    assert "__main__" not in code
    assert 'Own(factor=3.0, name="own")' in code
    assert isinstance(code.build()["own"], made)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ones, "ones"),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), 'torch.device("cpu")'),
        (torch.tensor([1, 2]), "torch.tensor([1, 2])"),
        (torch.tensor([0.1]), "torch.tensor([0.1])"),
        (torch.tensor(0.1, dtype=torch.float64), "torch.tensor(0.1, dtype=torch.float64)"),
        (numpy.float32(0.5), "numpy.float32(0.5)"),
        (numpy.arange(2), 'numpy.array([0, 1], dtype="int64")'),
        (float("inf"), 'float("inf")'),
        ((1,), "(1,)"),
        ({"a": {"b"}}, '{"a": {"b"}}'),
        (partial(ones, 3), "partial(ones, 3)"),
        ("it's", '"it\'s"'),
    ],
    ids=str,
)
def test_values_are_said(value, text):
    brain = Brain().attach(Scale(value, name="scale"))

    code = brain.to_code()

    text = re.sub(r"\s", "", text)
    assert f'Scale(factor={text},name="scale"' in re.sub(r"\s", "", code)
    assert code.build().to_code() == code


def test_a_shared_parameter_cannot_be_said():
    brain = Brain().attach(InnerProductLayer(out_channel_num=3, name="ip1"))
    brain(torch.zeros(1, 3))
    brain.attach(brain["ip1"].get_copy(name="ip2"))

    with pytest.raises(BlockError, match="`ip2` shares parameters with `ip1`, which begins after the set-up"):
        brain.to_code()


def test_a_block_that_takes_no_name_cannot_be_said():
    with pytest.raises(BlockError, match=r"`block1` \(Deaf\) takes no option `name`"):
        Brain().attach(Deaf()).to_code()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b)), Block.get_clone])
def test_a_copy_gives_the_same_code(copied):
    brain = CifarResNet(depth=16, width=1)

    assert copied(brain).to_code() == brain.to_code()


def test_an_empty_brain_is_the_same_again():
    code = Brain(name="mine").to_code()

    assert code.name == "Mine"
    assert code.build().to_code() == code
    assert code.build().is_empty
