"""A workbench: acts on a draft, which the living brain follows where it fits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import (
    Block,
    Brain,
    ConcatLayer,
    ConvolutionLayer,
    DropoutLayer,
    FeedSensor,
    GraphSystem,
    InnerProductLayer,
    Kid,
    MergeLayer,
    MomentumKongFu,
    ReLULayer,
    SequentialSystem,
    SoftmaxWithLossLayer,
    System,
    TanhLayer,
)
from akidlab.blocks.workbench import Workbench
from akidlab.errors import AkidlabError, BlockError, UnknownNameError
from akidlab.models.brains import LeNet
from akidlab.sources import DigitsSource
from tests.blocks.naive import signals, systems


@pytest.fixture
def brain() -> Brain:
    brain = Brain(name="mine").attach(
        InnerProductLayer(out_channel_num=8, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
    )
    return brain.setup(torch.zeros(2, 4), seed=0)


def _lenet() -> Workbench:
    """LeNet, made act by act from nothing."""
    bench = Workbench(Brain(name="mine"), [(1, 28, 28), ()])
    for channels, window in (("32", "2"), ("64", "5")):
        bench.add("Conv2D", ksize="5", out_channel_num=channels).add("ReLU")
        bench.add("PoolingLayer", ksize=window, strides="2", padding="SAME")
    bench.add("InnerProductLayer", out_channel_num="512").add("ReLU")
    return bench.add("InnerProductLayer", out_channel_num="10").add("SoftmaxWithLossLayer", class_num="10")


def test_lenet_is_made_from_nothing_and_learns():
    bench = _lenet()

    assert bench.errors == {}
    assert [node.shape for node in bench.graph.nodes if node.kind == "PoolingLayer"] == [
        [(None, 32, 14, 14)],
        [(None, 64, 7, 7)],
    ]
    assert bench.graph.parameters == 1_663_370
    assert not bench.brain.is_setup  # it waits for the first batch
    small = bench.code.build()
    assert isinstance(small, Brain)
    kid = Kid(FeedSensor(DigitsSource(), batch_size=16), small, MomentumKongFu(), max_steps=2)
    kid.practice()
    assert kid.step == 2


def test_shapes_are_told_while_the_brain_waits_for_its_first_input():
    bench = Workbench(Brain(), [(1, 8, 8)])

    bench.add("Conv2D", ksize="3", out_channel_num="4", padding="VALID")

    assert bench.graph.node("conv1").shape == [(None, 4, 6, 6)]
    assert bench.graph.node("conv1").parameters == 40
    assert [(e.source, e.target, e.shape) for e in bench.graph.edges] == [
        ("system_in", "conv1", (None, 1, 8, 8))
    ]
    assert not bench.brain.is_setup


def test_half_a_block_is_a_draft_and_the_brain_is_as_it_was(brain):
    bench = Workbench(brain)

    bench.add("ConvolutionLayer", after="ip1")

    assert bench.errors == {"conv1": "`conv1` (ConvolutionLayer) needs `ksize`."}
    assert [block.name for block in brain] == ["ip1", "relu1", "ip2"]
    assert [(e.source, e.target) for e in bench.graph.edges] == [
        ("system_in", "ip1"), ("ip1", "conv1"), ("conv1", "relu1"), ("relu1", "ip2")
    ]  # fmt: skip


def test_an_error_is_shown_at_the_block_that_causes_it_and_those_after_it_wait():
    bench = Workbench(Brain(), [(4,)])
    bench.add("InnerProductLayer", out_channel_num="3").add("Conv2D", ksize="3", out_channel_num="2")

    bench.add("ReLU").add("InnerProductLayer", out_channel_num="2")

    assert list(bench.errors) == ["conv1"]
    assert "wants" in bench.errors["conv1"]
    assert bench.graph.node("ip1").shape == [(None, 3)]
    assert bench.graph.node("ip2").shape is None


def test_several_errors_are_shown_at_once_where_they_do_not_follow_from_each_other():
    bench = Workbench(Brain(), [(4,)])
    bench.add("Conv2D", ksize="3", out_channel_num="2", name="one")

    bench.add("Dropout", after="system_in", name="other", keep_prob="7")

    assert sorted(bench.errors) == ["one", "other"] or sorted(bench.errors) == ["other"]
    assert bench.errors["other"].startswith("`keep_prob` is the probability that a number is kept")


def test_a_typed_text_that_is_no_value_is_kept_with_what_is_wrong(brain):
    bench = Workbench(brain)

    bench.set("ip1", out_channel_num="ten times two")

    option, typed, error = next(row for row in bench.form("ip1") if row[0].name == "out_channel_num")
    assert typed == "ten times two"
    assert error == bench.errors["ip1"]
    assert error.startswith("`out_channel_num` is int | None, found 'ten times two'. Write a value such as 3")
    assert brain["ip1"].out_channel_num == 8
    assert option.help == "how many channels (or numbers) it emits."


def test_nothing_that_is_typed_is_run(brain):
    bench = Workbench(brain)

    bench.set("ip1", init_para="__import__('os').system('exit 1')")

    assert "found \"__import__('os').system('exit 1')\"" in bench.errors["ip1"]


def test_weights_that_fit_stay(brain):
    bench = Workbench(brain)
    first, second = brain["ip1"].weight, brain["ip2"].weight

    bench.set("ip1", wd='{"type": "l2", "scale": 0.1}').add("Dropout", after="relu1")

    assert brain["ip1"].weight is first
    assert brain["ip2"].weight is second
    assert brain["ip1"].wd is not None
    assert [str(edit) for edit in brain.edits] == [
        'mine: set wd={"type": "l2", "scale": 0.1} of `ip1`', "mine: added `dropout1`",
    ]  # fmt: skip


def test_undo_brings_back_the_very_weights(brain):
    bench = Workbench(brain)
    weight = brain["ip2"].weight
    with torch.no_grad():
        brain["ip1"].weight.fill_(0.5)

    bench.set("ip1", out_channel_num="5")
    assert brain["ip2"].weight.shape == (3, 5)
    bench.undo()

    assert brain["ip2"].weight is weight
    assert brain["ip1"].weight.unique().tolist() == [0.5]
    assert bench.said == "opened"
    bench.redo()
    assert brain["ip2"].weight.shape == (3, 5)
    assert not bench.can_redo


def test_what_was_learnt_between_two_acts_survives_an_undo():
    brain = Brain().attach(InnerProductLayer(out_channel_num=8, name="ip1"))
    bench = Workbench(brain, [(4,)])
    bench.add("ReLU")
    brain.setup(torch.zeros(2, 4), seed=0)
    weight = brain["ip1"].weight
    bench.look()

    bench.undo()

    assert brain.is_setup
    assert brain["ip1"].weight is weight


def test_an_act_after_an_undo_forgets_what_was_undone(brain):
    bench = Workbench(brain)
    bench.remove("relu1").undo().rename("relu1", "fire")

    assert not bench.can_redo
    with pytest.raises(BlockError, match="There is nothing to do again"):
        bench.redo()


def test_what_a_cell_does_is_taken_over_and_can_be_undone(brain):
    bench = Workbench(brain)
    assert not bench.look()

    brain.insert_after("relu1", DropoutLayer(0.5, name="drop"))

    assert bench.look()
    assert bench.graph.node("drop").shape == [(None, 8)]
    assert not bench.look()
    bench.undo()
    assert "drop" not in brain


def test_an_option_that_a_cell_changes_is_taken_over(brain):
    brain.attach(DropoutLayer(0.5, name="drop"))
    bench = Workbench(brain)

    brain["drop"].keep_prob = 0.25

    assert bench.look()
    assert next(typed for option, typed, _ in bench.form("drop") if option.name == "keep_prob") == "0.25"


def test_a_first_input_is_no_change_but_its_shapes_are_shown():
    brain = Brain().attach(InnerProductLayer(out_channel_num=8, name="ip1"))
    bench = Workbench(brain)
    assert bench.graph.node("ip1").shape is None

    brain(torch.zeros(2, 4))

    assert bench.look()
    assert bench.graph.node("ip1").shape == [(None, 8)]
    assert not bench.can_undo


def test_wires_are_led_and_cut():
    bench = Workbench(Brain(), [(4,)])
    bench.add("InnerProductLayer", out_channel_num="4").add("MergeLayer")

    bench.connect("system_in", "merge1")
    assert [str(w) for w in bench.brain["merge1"].inputs or ()] == ["ip1", "system_in"]
    bench.disconnect("ip1", "merge1")
    assert [str(w) for w in bench.brain["merge1"].inputs or ()] == ["system_in"]
    bench.disconnect("system_in", "merge1")

    assert bench.errors == {"merge1": "`merge1` reads nothing. Connect it with a block that it is to read."}


def test_a_block_that_reads_one_tensor_is_led_to_another(brain):
    bench = Workbench(brain)

    bench.connect("system_in", "ip2")

    assert [str(w) for w in brain["ip2"].inputs or ()] == ["system_in"]
    assert brain["ip2"].weight.shape == (3, 4)


def test_a_feedback_is_a_wire_with_a_delay():
    bench = Workbench(Brain(), [(4,)])
    bench.add("InnerProductLayer", out_channel_num="4").add("MergeLayer")

    bench.connect("merge1", "merge1", delay=1)

    assert bench.errors == {}
    assert [(e.source, e.delay) for e in bench.graph.edges if e.target == "merge1"] == [
        ("ip1", 0),
        ("merge1", 1),
    ]


def test_a_loss_is_led_to_the_answer_and_the_labels(brain):
    Workbench(brain).add("SoftmaxWithLossLayer", class_num="3")

    assert [str(wire) for wire in brain.blocks[-1].inputs or ()] == ["ip2", "system_in[1]"]


@pytest.mark.parametrize("after", [None, "loss", "top"])
def test_a_block_goes_before_what_judges(brain, after):
    bench = Workbench(brain, [(4,), ()]).add("SoftmaxWithLossLayer", name="loss")
    bench.add("BinaryAccuracy", after="loss", name="top")

    bench.add("Dropout", after=after)

    assert [block.name for block in brain] == ["ip1", "relu1", "ip2", "dropout1", "loss", "top"]
    wires = {block.name: [str(wire) for wire in block.inputs or ()] for block in brain.blocks[3:]}
    assert wires == {
        "dropout1": [],  # what is before
        "loss": ["dropout1", "system_in[1]"],
        "top": ["dropout1", "system_in[1]"],
    }


def test_what_judges_goes_beside_what_is_there(brain):
    bench = Workbench(brain)

    bench.add("SoftmaxWithLossLayer", name="loss").add("SoftmaxWithLossLayer", after="ip1", name="early")

    wires = {block.name: [str(wire) for wire in block.inputs or ()] for block in brain}
    assert wires["loss"] == ["ip2", "system_in[1]"]
    assert wires["early"] == ["ip1", "system_in[1]"]
    assert wires["relu1"] == ["ip1"]
    assert list(wires) == ["ip1", "early", "relu1", "ip2", "loss"]


def test_a_renamed_block_is_still_read():
    brain = Brain().attach(
        ReLULayer(name="a"), TanhLayer(name="b"), MergeLayer(name="c", inputs=[{"name": "a"}, {"name": "b"}])
    )
    bench = Workbench(brain, [(4,)])

    bench.rename("a", "fire")

    assert [str(wire) for wire in brain["c"].inputs or ()] == ["fire", "b"]
    with pytest.raises(BlockError, match="There is a block `b` already"):
        bench.rename("fire", "b")
    with pytest.raises(BlockError, match="A name is a word without dots"):
        bench.rename("fire", "x.y")


def test_a_removed_block_that_joins_leaves_its_readers_open():
    brain = Brain().attach(
        ReLULayer(name="a"),
        ConcatLayer(name="both", inputs=[{"name": "a"}, {"name": "system_in"}]),
        TanhLayer(name="end"),
    )
    bench = Workbench(brain, [(4,)])

    bench.remove("both")

    assert list(bench.errors) == ["end"]
    assert bench.connect("a", "end").errors == {}


def test_blocks_move_into_systems_and_out_of_them(brain):
    bench = Workbench(brain)
    weight = brain["ip2"].weight
    bench.add("GraphSystem", name="unit")
    assert bench.errors == {"unit": "`unit` is empty. Add a block within it."}

    bench.move("ip2", into="unit").add("Tanh", after="unit.ip2")

    assert bench.errors == {}
    assert brain["unit.ip2"].weight is weight
    assert [block.name for block in brain["unit"]] == ["ip2", "tanh1"]
    bench.move("unit.ip2", after="relu1")
    assert [block.name for block in brain] == ["ip1", "relu1", "ip2", "unit"]
    assert brain["ip2"].weight is weight


def test_a_sequential_system_wires_itself():
    bench = Workbench(SequentialSystem(name="row"), [(4,)])
    bench.add("ReLU").add("Tanh").remove("relu1")

    with pytest.raises(BlockError, match="`row` is sequential"):
        bench.connect("system_in", "tanh1")


@pytest.mark.parametrize(
    ("act", "arguments", "message"),
    [
        ("add", {"kind_name": "ConvolutonLayer"}, "no kind of block `ConvolutonLayer`. Did you mean `Conv"),
        ("add", {"kind_name": "ReLU", "after": "nowhere"}, "no block `nowhere`"),
        ("set", {"path": "ip1", "out_chanel_num": "3"}, "Did you mean `out_channel_num`"),
        ("connect", {"source": "nowhere", "target": "ip1"}, "no block `nowhere`"),
        ("disconnect", {"source": "system_in", "target": "ip2"}, "no wire `system_in`"),
        ("remove", {"paths": "x"}, "There is no act `remov`"),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(brain, act, arguments, message):
    bench = Workbench(brain)
    before = bench.draft

    with pytest.raises(UnknownNameError, match=message):
        bench.do("remov" if act == "remove" else act, **arguments)

    assert bench.draft is before


def test_a_kid_goes_on_with_what_was_changed():
    brain = Brain().attach(
        InnerProductLayer(out_channel_num=16, name="ip1"),
        InnerProductLayer(out_channel_num=10, name="ip2"),
        SoftmaxWithLossLayer(10, name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    kid = Kid(FeedSensor(DigitsSource(), batch_size=16), brain, MomentumKongFu(), max_steps=2)
    kid.practice()
    weight = brain["ip2"].weight
    bench = Workbench(brain)

    bench.add("ReLU", after="ip1").set("ip1", wd='{"type": "l2", "scale": 0.1}').undo()
    kid.max_steps = 4
    kid.practice()

    assert kid.step == 4
    assert brain["ip2"].weight is weight


def test_an_edit_of_lenet_shows_new_shapes():
    bench = Workbench(LeNet(), [(1, 28, 28), ()])

    bench.remove("pool1")

    assert bench.graph.node("pool2").shape == [(None, 64, 14, 14)]
    assert bench.graph.node("loss").shape == [()]


# -- acts drawn at random


def _paths(system: System, prefix: str = "") -> list[str]:
    found = []
    for block in system.blocks:
        found.append(prefix + block.name)
        if isinstance(block, System):
            found += _paths(block, f"{prefix}{block.name}.")
    return found


def _facts(system: System) -> list[object]:
    blocks = [(path, m) for path, m in system.named_modules() if isinstance(m, Block)]
    return [
        (path, id(b), b.inputs and [str(wire) for wire in b.inputs], b.out_shape, b.is_setup)
        for path, b in blocks
    ]


def _tensors(system: System) -> dict[str, int]:
    return {name: id(parameter) for name, parameter in system.named_parameters()}


@st.composite
def _acts(draw):
    return draw(
        st.lists(st.tuples(st.sampled_from(["add", "remove", "connect", "cut", "set", "rename", "move"]),
                           st.integers(0, 50), st.integers(0, 50), st.integers(1, 4)), min_size=1, max_size=6)
    )  # fmt: skip


def _act(bench: Workbench, act: str, one: int, other: int, number: int) -> None:
    paths = [node.id for node in bench.graph.nodes if node.role != "input"]
    first = paths[one % len(paths)] if paths else ""
    second = ["system_in", *paths][other % (len(paths) + 1)]
    if act == "add":
        kinds = ("InnerProductLayer", "ReLU", "MergeLayer", "GraphSystem")
        options = {"out_channel_num": str(number)} if number == 1 else {}
        bench.add(kinds[number - 1], after=second, **options)
    elif act == "remove":
        bench.remove(first)
    elif act == "connect":
        bench.connect(second, first, delay=number // 4)
    elif act == "cut":
        bench.disconnect(second, first)
    elif act == "set":
        bench.set(first, **{"out_channel_num": str(number)})
    elif act == "rename":
        bench.rename(first, f"n{number}")
    else:
        bench.move(first, after=second)


@settings(deadline=None, max_examples=80)
@given(systems(), _acts(), st.booleans())
def test_the_brain_is_what_is_drafted_or_what_it_was(system, acts, is_setup):
    if is_setup:
        system.setup(signals(1, 2)[0], seed=0)
    bench = Workbench(system, [(3,)])
    history = [(_facts(system), _tensors(system))]
    for act in acts:
        before = _facts(system)
        try:
            _act(bench, *act)
        except AkidlabError:
            assert _facts(system) == before
            continue
        history.append((_facts(system), _tensors(system)))
        if bench.fits:
            assert _paths(system) == [node.id for node in bench.graph.nodes if node.role != "input"]
            if system.blocks:
                system.get_clone()(signals(1, 2)[0])
        else:
            assert _facts(system) == before
            assert set(bench.errors) <= {"", *(node.id for node in bench.graph.nodes)}
    end = bench.graph
    while bench.can_undo:
        bench.undo()
    assert (_facts(system), _tensors(system)) == history[0]
    while bench.can_redo:
        bench.redo()
    assert (_facts(system), _tensors(system)) == history[-1]
    assert bench.graph == end


def test_a_block_that_is_no_block_of_a_convolution_stays_a_draft():
    bench = Workbench(Brain().attach(ConvolutionLayer(3, out_channel_num=2, name="conv")), [(1, 8, 8)])

    bench.set("conv", ksize="[1, 2, 3]")

    assert "ksize" in bench.errors["conv"]
    assert bench.check("conv", ksize="3") == ""
    assert "ksize" in bench.check("conv", ksize="-")


def test_a_system_within_is_told_with_its_blocks():
    unit = GraphSystem(name="unit").attach(InnerProductLayer(out_channel_num=2, name="ip"))
    bench = Workbench(Brain().attach(unit), [(4,)])

    assert bench.graph == bench.brain.get_clone().setup(torch.zeros(2, 4)).graph()
