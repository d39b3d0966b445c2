"""Whatever a system holds, by name."""

from __future__ import annotations

import pytest
import torch

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    ConvolutionLayer,
    GraphSystem,
    InnerProductLayer,
    ProcessingLayer,
    SoftmaxWithLossLayer,
)

IMAGES, LABELS = torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 2, 0])


def _brain() -> Brain:
    unit = GraphSystem(name="unit").attach(
        ConvolutionLayer(3, out_channel_num=2, name="conv"), BatchNormalizationLayer(name="bn")
    )
    outer = GraphSystem(name="outer").attach(unit)
    brain = Brain(name="deep").attach(
        outer,
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain.setup([IMAGES, LABELS], seed=0)


def test_blocks_of_any_depth_are_found_by_name():
    brain = _brain()

    assert brain.get_layer_by_name("outer.unit.bn") is brain["outer"]["unit"]["bn"]
    assert brain["outer.unit.conv"].name == "conv"
    assert "outer.unit.conv" in brain
    assert "outer.conv" not in brain
    assert "conv" not in brain
    assert brain.get_filters("outer.unit.conv")[0] is brain["outer.unit.conv"].weight


def test_parameters_statistics_and_activations_are_found_by_name():
    brain = _brain()
    brain(IMAGES, LABELS)
    conv = brain["outer.unit.conv"]

    assert brain.retrieve("outer.unit.conv") is conv
    assert brain.retrieve("outer.unit.conv.weight") is conv.weight
    assert brain.retrieve("outer.unit.conv.weights") is conv.weight
    assert brain.retrieve("outer.unit.bn.running_mean") is brain["outer.unit.bn"].running_mean
    assert brain.retrieve("outer.unit.conv.data") is conv.data
    assert brain.retrieve("outer.unit.data") is brain["outer.unit.bn"].data
    assert brain.retrieve("loss.loss") is brain["loss"].loss
    assert brain.retrieve("loss.evals").keys() == {"accuracy"}


def test_all_that_can_be_retrieved_is_listed_and_there():
    brain = _brain()
    brain(IMAGES, LABELS)

    assert {"outer.unit", "ip.bias", "outer.unit.bn.running_var", "loss.data"} <= set(brain.names())
    assert all(brain.retrieve(name) is not None for name in brain.names())


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("outer.unit.cnov", "outer.unit.conv"), ("ip.wieght", "ip.weight"), ("lss", "loss")],
)
def test_a_misspelt_name_tells_the_nearest(name, nearest):
    with pytest.raises(KeyError, match=rf"There is no .* `{name}`\. Did you mean `{nearest}`\?"):
        _brain().retrieve(name)


def test_a_misspelt_block_within_a_system_tells_the_nearest():
    with pytest.raises(KeyError, match=r"There is no block `cnov`\. Did you mean `conv`\?"):
        _brain()["outer.unit.cnov"]


def test_an_activation_is_there_after_a_pass():
    with pytest.raises(ValueError, match="`ip` has no `data` yet, or none at all"):
        _brain().retrieve("ip.data")


def test_akids_small_names_work():
    brain = _brain()
    brain(IMAGES, LABELS)

    assert ProcessingLayer is Block
    assert brain["ip"].outputs == [brain["ip"].data]
    assert brain["ip"].var_list == [brain["ip"].weight, brain["ip"].bias]
    brain.set_val(True)
    assert (brain.mode, brain["ip"].mode) == ("val", "val")
    brain.set_shadow()
    assert brain["outer.unit.bn"].is_shadow
