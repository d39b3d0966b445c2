"""Changing systems that are set up."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    ConvolutionLayer,
    GraphSystem,
    InnerProductLayer,
    MaxPoolingLayer,
    MergeLayer,
    ReLULayer,
    SequentialBrain,
    SoftmaxWithLossLayer,
    TanhLayer,
)

IMAGES, LABELS = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])


def _brain(**options) -> Brain:
    brain = Brain(name="small", **options)
    brain.attach(
        ConvolutionLayer(3, out_channel_num=4, name="conv"),
        BatchNormalizationLayer(name="bn"),
        ReLULayer(name="relu"),
        InnerProductLayer(out_channel_num=5, name="ip1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain.setup([IMAGES, LABELS], seed=0)


def _names(system) -> list[str]:
    return [block.name for block in system]


def test_a_block_goes_between_a_block_and_those_that_read_it():
    brain = _brain()

    edit = brain.insert_after("ip2", TanhLayer(name="tanh"))

    assert _names(brain)[-3:] == ["ip2", "tanh", "loss"]
    assert str(brain["loss"].inputs[0]) == "tanh"
    assert repr(edit) == "small: inserted `tanh` after `ip2`\n  kept     8 parameters"
    assert brain.edits == [edit]
    brain(IMAGES, LABELS)
    torch.testing.assert_close(brain["tanh"].data, torch.tanh(brain["ip2"].data))
    torch.testing.assert_close(brain.loss, F.cross_entropy(brain["tanh"].data, LABELS))


def test_what_still_fits_is_the_very_same_tensor_and_the_rest_is_made_anew():
    brain = _brain()
    before = dict(brain.named_parameters())

    edit = brain.insert_after("relu", MaxPoolingLayer(2, 2, name="pool"))

    after = dict(brain.named_parameters())
    assert [name for name in before if before[name] is not after[name]] == ["ip1.weight"]
    assert edit.anew == ("ip1.weight 5×256 → 5×64",)
    assert edit.kept == 7
    assert brain["ip1"].in_channel_num == 64
    assert brain(IMAGES, LABELS).shape == ()


def test_parameters_come_in_the_order_of_the_blocks():
    brain = _brain()

    brain.insert_after("relu", InnerProductLayer(out_channel_num=6, name="ip0"))

    names = [name.split(".")[0] for name, _ in brain.named_parameters()]
    assert list(dict.fromkeys(names)) == ["conv", "bn", "ip0", "ip1", "ip2"]


def test_blocks_can_be_put_at_the_very_beginning():
    brain = _brain()

    edit = brain.insert_after("system_in", ConvolutionLayer(3, out_channel_num=2, name="first"))

    assert str(edit) == "small: inserted `first` after `system_in`"
    assert edit.new == ("first.weight 2×1×3×3", "first.bias 2")
    assert edit.anew == ("conv.weight 4×1×3×3 → 4×2×3×3",)
    assert str(brain["loss"].inputs[1]) == "system_in[1]"


def test_several_blocks_are_put_in_a_row():
    brain = _brain()

    brain.insert_after("ip1", BatchNormalizationLayer(name="bn2"), ReLULayer(name="relu2"))

    assert _names(brain)[3:7] == ["ip1", "bn2", "relu2", "ip2"]
    assert brain(IMAGES, LABELS).isfinite()


def test_a_block_with_inputs_of_its_own_is_only_placed():
    brain = _brain()

    brain.insert_after("ip1", MergeLayer(name="twice", inputs=[{"name": "ip1"}, {"name": "ip1"}]))

    assert str(brain["ip2"].inputs[0]) == "ip1"
    brain.rewire("ip2", [{"name": "twice"}])
    brain(IMAGES, LABELS)
    torch.testing.assert_close(brain["twice"].data, 2 * brain["ip1"].data)


def test_a_block_may_be_replaced_by_another_kind():
    brain = _brain()
    before = list(brain.parameters())

    edit = brain.replace("relu", TanhLayer())

    assert str(edit) == "small: replaced `relu` by a TanhLayer"
    assert isinstance(brain["relu"], TanhLayer)
    assert all(a is b for a, b in zip(before, brain.parameters(), strict=True))


def test_a_block_that_is_replaced_by_its_like_hands_on_what_fits():
    brain = _brain()
    conv, bn = brain["conv"], brain["bn"]

    edit = brain.replace("conv", ConvolutionLayer(3, out_channel_num=4, wd={"type": "l2", "scale": 0.1}))
    brain.replace("bn", BatchNormalizationLayer(momentum=0.5))

    assert brain["conv"].weight is conv.weight
    assert brain["bn"].running_mean is bn.running_mean
    assert (edit.new, edit.anew, edit.gone, edit.kept) == ((), (), (), 8)


def test_a_block_that_brings_its_weights_keeps_them():
    brain, other = _brain(), ConvolutionLayer(3, out_channel_num=4, name="conv")
    other.setup(IMAGES, seed=7)
    weight = other.weight

    brain.replace("conv", other)

    assert brain["conv"].weight is weight


def test_a_wider_layer_widens_what_follows():
    brain = _brain()

    edit = brain.replace("conv", ConvolutionLayer(3, out_channel_num=8))

    assert set(edit.anew) == {
        "conv.weight 4×1×3×3 → 8×1×3×3", "conv.bias 4 → 8", "bn.weight 4 → 8", "bn.bias 4 → 8",
        "ip1.weight 5×256 → 5×512",
    }  # fmt: skip
    assert edit.shapes == (
        "conv N×4×8×8 → N×8×8×8", "bn N×4×8×8 → N×8×8×8", "relu N×4×8×8 → N×8×8×8",
    )  # fmt: skip
    assert brain["bn"].running_mean.shape == (8,)


def test_a_new_name_is_taken_over_by_those_that_read_the_old():
    brain = _brain()

    edit = brain.replace("ip2", InnerProductLayer(out_channel_num=3, name="scores"))

    assert str(edit) == "small: replaced `ip2` by an InnerProductLayer `scores`"
    assert str(brain["loss"].inputs[0]) == "scores"


def test_who_read_a_block_that_is_removed_reads_what_it_read():
    brain = _brain()

    edit = brain.remove("bn", "relu", "ip1")

    assert _names(brain) == ["conv", "ip2", "loss"]
    assert edit.gone == ("bn.weight 4", "bn.bias 4", "ip1.weight 5×256", "ip1.bias 5")
    assert edit.anew == ("ip2.weight 3×5 → 3×256",)
    brain.insert_after("ip2", TanhLayer(name="tanh"))
    brain.remove("tanh")
    assert str(brain["loss"].inputs[0]) == "ip2"


def test_a_copy_that_shares_parameters_still_shares_those_made_anew():
    brain = Brain(name="twins").attach(InnerProductLayer(out_channel_num=3, name="one"))
    brain(IMAGES)
    twin = brain["one"].get_copy(name="other")
    twin._rewire(None)
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="two", inputs=[{"name": "system_in"}]),
    )
    brain.remove("two")
    brain.insert_after("one", ReLULayer(name="relu"))
    with brain.editing():
        brain.attach(twin)
        brain.rewire("other", [{"name": "system_in"}])
    assert brain["other"].weight is brain["one"].weight

    brain.insert_after("system_in", MaxPoolingLayer(2, 2, name="pool"))

    assert brain["other"].weight is brain["one"].weight
    assert brain["one"].weight.shape == (3, 16)


def test_a_frozen_layer_stays_frozen():
    brain = _brain()
    brain["ip1"].requires_grad_(False)

    brain.insert_after("relu", MaxPoolingLayer(2, 2))

    assert not brain["ip1"].weight.requires_grad
    assert not brain["ip1"].bias.requires_grad


def test_moving_averages_go_with_their_parameters():
    brain = _brain(moving_average_decay=0.9)
    average = brain["conv"].weight_average

    brain.insert_after("relu", MaxPoolingLayer(2, 2))

    assert brain["conv"].weight_average is average
    assert brain["ip1"].weight_average.shape == brain["ip1"].weight.shape


def test_blocks_are_attached_to_what_is_set_up_at_once():
    brain = _brain()

    assert brain.attach(ReLULayer(name="a"), [TanhLayer(name="b")]) is brain
    assert brain.is_setup
    assert str(brain.edits[-1]) == "small: attached `a`, `b`"


def test_a_wire_can_be_led_elsewhere():
    brain = _brain()

    edit = brain.rewire("ip1", [{"name": "conv"}])

    assert str(edit) == "small: rewired `ip1` to conv"
    brain(IMAGES, LABELS)
    torch.testing.assert_close(brain["ip1"].data, brain["ip1"](brain["conv"].data))


def test_blocks_are_replaced_and_removed_as_attributes_of_a_module_are():
    brain = _brain()

    brain.relu = TanhLayer()
    del brain.bn

    assert [str(edit) for edit in brain.edits] == [
        "small: replaced `relu` by a TanhLayer", "small: removed `bn`",
    ]  # fmt: skip
    assert _names(brain)[:2] == ["conv", "relu"]


def test_several_changes_can_be_made_as_one():
    brain = Brain(name="residual").attach(
        ConvolutionLayer(1, out_channel_num=4, name="shortcut"),
        ConvolutionLayer(3, out_channel_num=4, name="conv", inputs=[{"name": "system_in"}]),
        MergeLayer(name="sum", inputs=[{"name": "conv"}, {"name": "shortcut"}]),
    )
    brain(IMAGES)
    with pytest.raises(ValueError, match=r"`sum` wants inputs of one shape"):
        brain.replace("conv", ConvolutionLayer(3, out_channel_num=8))

    with brain.editing():
        brain.replace("conv", ConvolutionLayer(3, out_channel_num=8))
        brain.replace("shortcut", ConvolutionLayer(1, out_channel_num=8))

    assert [str(edit) for edit in brain.edits] == [
        "residual: replaced `conv` by a ConvolutionLayer, replaced `shortcut` by a ConvolutionLayer"
    ]
    assert brain(IMAGES).shape == (4, 8, 8, 8)


def _everything(brain: Brain) -> list:
    return [
        (name, id(block), block.inputs, block.in_shape, [id(p) for p in block.parameters()])
        for name, block in brain.named_modules()
        if isinstance(block, Block)
    ]


WRONG = {
    "a name that is not there": (
        lambda b: b.insert_after("rleu", ReLULayer()), "no block `rleu`. Did you mean `relu`"
    ),
    "a name that is taken": (lambda b: b.insert_after("relu", ReLULayer(name="bn")), "has a block `bn`"),
    "no block": (lambda b: b.insert_after("relu", torch.nn.ReLU()), "can hold blocks"),
    "a block of its own": (lambda b: b.insert_after("bn", b["relu"]), "`relu` is attached already"),
    "maps that are gone": (
        lambda b: b.insert_after("system_in", InnerProductLayer(out_channel_num=2)),
        "`conv` wants",
    ),
    "sizes written down": (
        lambda b: b.replace("ip2", InnerProductLayer(out_channel_num=4)), "`loss` wants logits of N×3"
    ),
    "what is not read": (lambda b: b.rewire("ip1", [{"name": "cnov"}]), "There is no block `cnov`"),
    "no list": (lambda b: b.rewire("ip1", "conv"), "`inputs` is a list of entries"),
    "the block that all need": (lambda b: b.remove(*_names(b)), "is empty"),
    "an attached block": (lambda b: b.attach(ConvolutionLayer(3, out_channel_num=2)), "wants"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_an_edit_that_cannot_work_changes_nothing_and_says_why(case):
    brain = _brain()
    brain(IMAGES, LABELS)
    before, value = _everything(brain), brain.objective(IMAGES, LABELS)
    change, message = WRONG[case]

    with pytest.raises((ValueError, KeyError), match=message):
        change(brain)

    assert _everything(brain) == before
    assert brain.edits == []
    assert torch.equal(brain.objective(IMAGES, LABELS), value)


def test_a_block_that_was_refused_can_be_used_elsewhere():
    brain, block = _brain(), ConvolutionLayer(3, out_channel_num=2)
    with pytest.raises(ValueError, match="wants"):
        brain.insert_after("ip1", block)

    brain.insert_after("system_in", block)

    assert block.in_channel_num == 1


def test_a_block_that_reads_several_values_is_not_removed_while_it_is_read():
    brain = Brain(name="b").attach(
        ReLULayer(name="relu"),
        MergeLayer(name="sum", inputs=[{"name": "relu"}, {"name": "system_in"}]),
        TanhLayer(name="tanh"),
    )
    brain(torch.zeros(2, 3))

    with pytest.raises(ValueError, match=r"`tanh` reads it, and it reads 2 values\. Say first"):
        brain.remove("sum")
    brain.rewire("tanh", [{"name": "relu"}])
    brain.remove("sum")

    assert _names(brain) == ["relu", "tanh"]


def test_a_sequential_system_is_edited_by_place():
    brain = SequentialBrain(name="row").attach(
        InnerProductLayer(out_channel_num=4, name="a"), InnerProductLayer(out_channel_num=2, name="b")
    )
    brain(torch.zeros(2, 3))

    brain.insert_after("a", ReLULayer(name="relu"))
    brain.insert_after("system_in", InnerProductLayer(out_channel_num=7, name="wide"))
    brain.remove("relu")

    assert _names(brain) == ["wide", "a", "b"]
    with pytest.raises(ValueError, match="`row` is sequential: `b` reads the block before"):
        brain.rewire("b", [{"name": "wide"}])
    with pytest.raises(ValueError, match="takes no `inputs`"):
        brain.insert_after("a", ReLULayer(inputs=[{"name": "wide"}]))


def _nested() -> Brain:
    inner = GraphSystem(name="inner").attach(InnerProductLayer(out_channel_num=4, name="ip"))
    unit = GraphSystem(name="unit").attach(inner, ReLULayer(name="relu"))
    brain = Brain(name="outer").attach(unit, InnerProductLayer(out_channel_num=2, name="head"))
    brain(torch.zeros(2, 3))
    return brain


@pytest.mark.parametrize("way", ["by name", "from within"])
def test_what_follows_a_nested_system_is_fitted_too(way):
    brain, wide = _nested(), InnerProductLayer(out_channel_num=6)

    if way == "by name":
        edit = brain.replace("unit.inner.ip", wide)
    else:
        edit = brain["unit"]["inner"].replace("ip", wide)

    assert edit.anew[-1] == "head.weight 2×4 → 2×6"
    assert brain(torch.zeros(2, 3)).shape == (2, 2)
    assert brain.edits == [edit]


@pytest.mark.parametrize("duplicate", ["clone", "copy", "deepcopy", "pickle"])
def test_copies_are_edited_on_their_own(duplicate):
    brain = _nested()
    other = {
        "clone": brain.get_clone, "copy": brain.get_copy, "deepcopy": lambda: copy.deepcopy(brain),
        "pickle": lambda: pickle.loads(pickle.dumps(brain)),
    }[duplicate]()  # fmt: skip

    other.replace("unit.inner.ip", InnerProductLayer(out_channel_num=6))

    assert other["head"].weight.shape == (2, 6)
    assert brain["head"].weight.shape == (2, 4)
    assert brain(torch.zeros(2, 3)).shape == (2, 2)


def test_a_nested_system_takes_the_place_of_another_and_keeps_what_fits():
    brain = _nested()
    weight = brain["unit"]["inner"]["ip"].weight
    inner = GraphSystem().attach(InnerProductLayer(out_channel_num=4, name="ip"), TanhLayer(name="tanh"))

    brain.replace("unit.inner", inner)

    assert brain["unit.inner.ip"].weight is weight
    assert _names(brain["unit.inner"]) == ["ip", "tanh"]


def _recurrent(**options) -> Brain:
    brain = Brain(name="elman", **options).attach(
        InnerProductLayer(out_channel_num=4, name="in"),
        InnerProductLayer(out_channel_num=4, name="back", inputs=[{"name": "h"}]),
        MergeLayer(name="sum", inputs=[{"name": "in"}, {"name": "back"}]),
        TanhLayer(name="h"),
    )
    brain(torch.rand(2, 3))
    return brain


def test_a_feedback_stays_a_feedback():
    brain = _recurrent()
    before = brain["h"].data

    brain.insert_after("h", ReLULayer(name="relu"))

    assert [str(wire) for wire in brain["back"].inputs] == ["relu"]
    brain.remove("relu")
    assert [str(wire) for wire in brain["back"].inputs] == ["h (one step ago)"]
    assert before is not None


def test_a_memory_that_no_longer_fits_is_forgotten_and_the_rest_kept():
    brain = _recurrent()
    before = brain["h"].data

    brain.insert_after("in", TanhLayer(name="squash"))
    assert torch.equal(brain.state_dict()["_memory.h"], before)
    with brain.editing():
        brain.replace("in", InnerProductLayer(out_channel_num=6))
        brain.replace("back", InnerProductLayer(out_channel_num=6))

    assert "_memory.h" not in brain.state_dict()
    assert brain(torch.rand(2, 3)).shape == (2, 6)


def test_a_system_without_feedback_has_no_memory_any_more():
    brain = _recurrent(bptt=3)

    brain.rewire("back", [{"name": "in"}])

    assert not [key for key in brain.state_dict() if key.startswith("_memory")]
    brain.rewire("back", [{"name": "h", "bptt": 5}])
    assert brain._memory.bptt == 5


def test_a_feedback_cannot_become_two_steps_late():
    brain = GraphSystem(name="late").attach(
        TanhLayer(name="a", inputs=[{"name": "b", "init": torch.zeros(3)}]),
        ReLULayer(name="b", inputs=[{"name": "b", "delay": 1}]),
    )
    with pytest.raises(ValueError, match="`b` cannot be removed: `a` reads it, and it reads 0 values"):
        brain.remove("b")


def test_seeds_tell_what_new_weights_are():
    def edited(seed):
        brain = _brain()
        brain.insert_after("relu", MaxPoolingLayer(2, 2), seed=seed)
        return brain["ip1"].weight

    assert torch.equal(edited(3), edited(3))
    assert not torch.equal(edited(3), edited(4))


def test_an_edit_before_set_up_is_a_way_of_writing():
    brain = Brain(name="new").attach(ReLULayer(name="a"), InnerProductLayer(out_channel_num=2, name="b"))

    edit = brain.insert_after("a", TanhLayer(name="t"))

    assert repr(edit) == "new: inserted `t` after `a`"
    assert brain(torch.zeros(2, 3)).shape == (2, 2)


def test_what_is_inserted_in_validation_mode_validates():
    brain = _brain()
    brain.eval()

    brain.insert_after("ip1", BatchNormalizationLayer(name="late"))

    assert not brain["late"].training


def test_a_brain_loaded_before_set_up_can_be_edited():
    state, brain = _brain().state_dict(), Brain(name="loaded")
    brain.attach(
        ConvolutionLayer(3, out_channel_num=4, name="conv"), BatchNormalizationLayer(name="bn"),
        ReLULayer(name="relu"), InnerProductLayer(out_channel_num=5, name="ip1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
    )  # fmt: skip
    brain.load_state_dict(state)
    brain(IMAGES)
    weight = brain["ip1"].weight

    brain.insert_after("relu", TanhLayer())
    assert brain["ip1"].weight is weight
    brain.insert_after("relu", MaxPoolingLayer(2, 2))

    assert brain["ip1"].weight.shape == (5, 64)


def test_an_edit_shows_itself():
    shown = _brain().insert_after("relu", MaxPoolingLayer(2, 2, name="<b>"))._repr_html_()

    assert "&lt;b&gt;" in shown
    assert "ip1.weight 5×256 → 5×64" in shown


def test_a_compiled_brain_follows_its_edits():
    brain = _brain()
    objective = torch.compile(brain.objective, fullgraph=True, backend="eager")
    first = objective([IMAGES, LABELS])

    brain.insert_after("ip1", TanhLayer(name="tanh"))
    brain.rewire("ip2", [{"name": "ip1"}])
    torch.testing.assert_close(objective([IMAGES, LABELS]), first)
    brain.rewire("ip2", [{"name": "tanh"}])

    second = objective([IMAGES, LABELS])
    torch.testing.assert_close(second, brain.objective([IMAGES, LABELS]))
    assert second != first
    torch.compiler.reset()
