"""What every block does: set-up, hooks, data, copies, errors."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from akidlab import (
    BatchNormalizationLayer,
    Block,
    ConvolutionLayer,
    DropoutLayer,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    ReLULayer,
    ReshapeLayer,
)

IMAGES = torch.randn(4, 3, 8, 8)


class Scale(Block):
    """One learnt factor."""

    NAME = "scale"

    def _setup(self, signal, seed):
        self.factor = nn.Parameter(torch.full((), 2.0))

    def forward(self, signal):
        return self.factor * signal


def test_calling_a_block_returns_its_value_and_keeps_it():
    layers = [
        ReLULayer(), DropoutLayer(), MergeLayer(), ReshapeLayer(), BatchNormalizationLayer(),
        ConvolutionLayer(3, out_channel_num=2), InnerProductLayer(out_channel_num=2),
    ]  # fmt: skip

    for layer in layers:
        value = layer(IMAGES)

        assert value is layer.data
        assert value.shape[0] == 4


def test_a_block_of_your_own_has_its_parameters_after_the_first_call():
    scale = Scale()
    assert not scale.is_setup

    value = scale(torch.ones(2))

    assert scale.is_setup
    assert value.tolist() == [2, 2]
    assert [name for name, _ in scale.named_parameters()] == ["factor"]


def test_sizes_are_taken_from_the_first_input():
    conv, ip = ConvolutionLayer(3, out_channel_num=5), InnerProductLayer(out_channel_num=2)

    ip(conv(IMAGES))

    assert conv.weight.shape == (5, 3, 3, 3)
    assert ip.weight.shape == (2, 320)
    assert (conv.in_channel_num, ip.in_channel_num) == (3, 320)


def test_set_up_and_a_first_call_do_the_same():
    one = ConvolutionLayer(3, out_channel_num=5, name="a").setup(IMAGES, seed=3)
    torch.manual_seed(0)
    other, again = ConvolutionLayer(3, out_channel_num=5), ConvolutionLayer(3, out_channel_num=5)
    other(IMAGES)
    torch.manual_seed(0)
    again.setup(IMAGES)

    assert one.weight.shape == other.weight.shape
    assert torch.equal(other.weight, again.weight)


def test_sizes_written_down_need_no_input():
    assert ConvolutionLayer(3, in_channel_num=3, out_channel_num=5).setup().weight.shape == (5, 3, 3, 3)


def test_sizes_left_out_need_an_input():
    with pytest.raises(
        ValueError, match=r"`conv` cannot be set up without an input: its `in_channel_num` was left out"
    ):
        ConvolutionLayer(3, out_channel_num=5).setup()


def test_a_contradicted_size_names_block_found_and_expected():
    conv = ConvolutionLayer(3, in_channel_num=1, out_channel_num=5, name="conv1")

    with pytest.raises(
        ValueError, match=r"`conv1` wants 1 channels, found 3 in an input of 4×3×8×8\. Correct"
    ):
        conv(IMAGES)


def test_another_shape_after_set_up_is_explained():
    ip = InnerProductLayer(out_channel_num=2, name="ip1")
    ip(IMAGES)

    with pytest.raises(ValueError, match=r"`ip1` wants 192 numbers per sample, found 3 in an input of 4×3"):
        ip(torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (IMAGES.byte(), r"`conv1` wants numbers with fractions, found uint8 on cpu\. Convert the input"),
        (
            IMAGES.double(),
            r"`conv1` holds float32 on cpu, found an input of float64 on cpu\. Bring both together",
        ),
        (IMAGES.numpy(), r"`conv1` wants feature maps of N×channels×height×width, found ndarray"),
    ],
)
def test_an_input_of_another_kind_is_explained(signal, message):
    conv = ConvolutionLayer(3, out_channel_num=5, name="conv1")
    conv(IMAGES)

    with pytest.raises(ValueError, match=message):
        conv(signal)


def test_what_is_set_up_can_be_set_up_with_data_from_elsewhere():
    conv = ConvolutionLayer(3, out_channel_num=5).setup(IMAGES).to("meta")

    assert conv.setup(IMAGES).out_shape == (4, 5, 8, 8)


def test_a_convolution_wants_maps():
    with pytest.raises(
        ValueError, match=r"`conv1` wants feature maps of N×channels×height×width, found 4×3\."
    ):
        ConvolutionLayer(3, out_channel_num=5, name="conv1")(torch.zeros(4, 3))


def test_a_merge_of_different_shapes_names_both():
    with pytest.raises(ValueError, match=r"`sum` wants inputs of one shape, found \[4×3, 4×1\]"):
        MergeLayer(name="sum")(torch.zeros(4, 3), torch.zeros(4, 1))


def test_a_merge_leaves_its_inputs_as_they_are():
    one, other = torch.ones(2), torch.ones(2)

    MergeLayer()(one, other)

    assert one.tolist() == [1, 1]


def test_a_reshape_keeps_a_batch_of_one():
    assert ReshapeLayer()(torch.zeros(1, 4, 1, 1)).shape == (1, 4)
    assert ReshapeLayer(shape=[2, 1, 2], squeeze=True)(torch.zeros(1, 4)).shape == (1, 2, 2)
    assert ReshapeLayer(shape=[2, -1])(torch.zeros(3, 4)).shape == (3, 2, 2)


def test_an_impossible_reshape_is_explained():
    with pytest.raises(
        ValueError, match=r"`reshape` cannot make \[3, 3\] out of an input of 2×4: a sample holds 4"
    ):
        ReshapeLayer(shape=[3, 3])(torch.zeros(2, 4))


def test_dropout_keeps_the_share_it_says_and_the_mean():
    torch.manual_seed(0)
    dropout, ones = DropoutLayer(keep_prob=0.8), torch.ones(100_000)

    kept = dropout(ones)

    assert (kept > 0).float().mean().item() == pytest.approx(0.8, abs=0.01)
    assert kept.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(ones), ones)


@pytest.mark.parametrize("keep_prob", [0, 1.5, "half"])
def test_a_probability_lies_between_zero_and_one(keep_prob):
    with pytest.raises(ValueError, match="`keep_prob` is the probability that a number is kept"):
        DropoutLayer(keep_prob=keep_prob)


def test_an_error_of_torch_names_the_block():
    class Wrong(Block):
        def forward(self, signal):
            return signal @ torch.ones(7, 7)

    with pytest.raises(RuntimeError) as caught:
        GraphSystem().attach(Wrong(name="wrong"))(torch.ones(2, 3))

    notes = getattr(caught.value, "__notes__", ["This happened in block `wrong`, which was given 2×3."])
    assert notes == ["This happened in block `wrong`, which was given 2×3."]


def test_hooks_around_set_up_are_called_once():
    calls, relu = [], ReLULayer()
    relu.pre_setup_hook.append(lambda block: calls.append(("before", block.is_setup)))
    relu.post_setup_hook.append(lambda block: calls.append(("after", block.is_setup)))

    relu(IMAGES)
    relu(IMAGES)

    assert calls == [("before", False), ("after", True)]


def test_hooks_around_a_pass_see_input_and_value():
    seen, relu = [], ReLULayer()
    relu.pre_forward_hook.append(lambda block, signal: seen.append(signal))
    relu.post_forward_hook.append(lambda block, signal: seen.append(block.data))

    value = relu(IMAGES)

    assert seen[0] is IMAGES
    assert seen[1] is value


def test_what_a_hook_after_a_pass_returns_replaces_the_value():
    relu = ReLULayer()
    relu.post_forward_hook.append(lambda block, signal: block.data + 1)

    assert relu(torch.zeros(1)).item() == 1
    assert relu.data.item() == 1


def test_hooks_work_within_a_system():
    system = GraphSystem()
    system.attach(ReLULayer(name="a"), ReLULayer(name="b"))
    system(IMAGES)

    system["a"].post_forward_hook.append(lambda block, signal: torch.full_like(signal, 7))

    assert system(IMAGES).max() == 7


def test_hooks_of_torch_work_within_a_system():
    system, seen = GraphSystem(), []
    system.attach(ReLULayer(name="a"), ReLULayer(name="b"))
    system(IMAGES)

    handle = system["b"].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    system(IMAGES)
    handle.remove()
    system(IMAGES)

    assert seen == [IMAGES.shape]


def test_hooks_of_torch_on_all_modules_work_within_a_system():
    system, seen = GraphSystem(), []
    system.attach(ReLULayer(name="a"))
    system(IMAGES)

    handle = nn.modules.module.register_module_forward_hook(lambda m, i, o: seen.append(type(m).__name__))
    system(IMAGES)
    handle.remove()

    assert seen == ["ReLULayer", "GraphSystem"]


def test_set_up_leaves_no_trace():
    bn, dropout = BatchNormalizationLayer(name="bn"), DropoutLayer(name="drop")
    system = GraphSystem()
    system.attach(bn, dropout)
    state = torch.get_rng_state()

    system.setup(IMAGES, seed=0)

    assert bn.running_mean.abs().sum() == 0
    assert torch.equal(state, torch.get_rng_state())
    assert all(module.training for module in system.modules())
    assert bn.data is None


def test_a_set_up_that_fails_leaves_nothing_behind():
    system = GraphSystem(name="system")
    conv = ConvolutionLayer(3, out_channel_num=2, name="conv")
    system.attach(conv, ConvolutionLayer(5, padding="VALID", out_channel_num=2, name="late"))
    with pytest.raises(ValueError, match=r"The window of `late`, 5×5, does not fit into maps of 3×8"):
        system(torch.zeros(4, 8, 3, 8))

    assert (conv.is_setup, conv.weight, conv.in_channel_num) == (False, None, None)
    assert system(IMAGES).shape == (4, 2, 4, 4)


def test_set_up_in_inference_mode_makes_parameters_that_learn():
    ip = InnerProductLayer(out_channel_num=1)
    with torch.inference_mode():
        ip(torch.ones(1, 2))

    ip(torch.ones(1, 2)).sum().backward()

    assert ip.weight.grad is not None


def test_set_up_under_autocast_makes_full_parameters():
    system = GraphSystem()
    system.attach(InnerProductLayer(out_channel_num=2), InnerProductLayer(out_channel_num=2))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = system(IMAGES)

    assert value.dtype == torch.bfloat16
    assert {p.dtype for p in system.parameters()} == {torch.float32}


def test_parameters_take_the_type_of_the_input():
    assert InnerProductLayer(out_channel_num=1)(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float64


def test_a_copy_shares_parameters_and_a_clone_has_its_own():
    conv = ConvolutionLayer(3, out_channel_num=2)
    conv(IMAGES)

    shared, clone = conv.get_copy(), conv.get_clone()

    assert shared.weight is conv.weight
    assert clone.weight is not conv.weight
    assert torch.equal(clone.weight, conv.weight)
    assert shared.bag is not conv.bag


def test_a_copy_of_what_is_not_set_up_is_refused():
    with pytest.raises(ValueError, match=r"`conv` is not set up, so a copy could not share its parameters"):
        ConvolutionLayer(3, out_channel_num=2).get_copy()


def test_a_validation_copy_shares_parameters_and_statistics():
    bn = BatchNormalizationLayer()
    bn(IMAGES)

    val = bn.get_val_copy()

    assert val.is_val
    assert not bn.is_val
    assert val.running_mean is bn.running_mean


def test_validation_mode_has_akids_name():
    bn = BatchNormalizationLayer()

    bn.set_val(True)

    assert bn.is_val
    assert not bn.training


def test_a_shadow_calls_no_set_up_hooks():
    calls, system = [], GraphSystem()
    system.attach(ReLULayer())
    system(IMAGES)
    shadow = system.get_shadow_copy()
    late = ReLULayer()
    late.is_shadow = True
    late.pre_setup_hook.append(calls.append)

    late(IMAGES)

    assert calls == []
    assert all(block.is_shadow for block in shadow)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda block: pickle.loads(pickle.dumps(block))])
def test_activations_are_not_copied(duplicate):
    system = GraphSystem()
    system.attach(InnerProductLayer(out_channel_num=2, name="ip"))
    value = system(IMAGES)

    again = duplicate(system)

    assert again["ip"].data is None
    assert torch.equal(again(IMAGES), value)


def test_a_bag_holds_what_you_like():
    assert ReLULayer(bag={"filters_to_visual": [0, 1]}).bag == {"filters_to_visual": [0, 1]}


def test_a_constant_moves_with_the_block():
    merge = MergeLayer(inputs=[{"name": "system_in"}, torch.ones(1)])
    system = GraphSystem()
    system.attach(merge)

    system.double()

    assert system(torch.ones(1, dtype=torch.float64)).dtype == torch.float64
    assert list(system.state_dict()) == []


def test_a_parameter_as_input_stays_the_very_one():
    ip = InnerProductLayer(in_channel_num=2, out_channel_num=2, initial_bias_value=None).setup(seed=0)
    system = GraphSystem()
    system.attach(MergeLayer(inputs=[ip.weight, {"name": "system_in"}]))

    system(torch.zeros(2, 2)).sum().backward()

    assert torch.equal(ip.weight.grad, torch.ones(2, 2))


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_channels_are_counted_in_whole_numbers(number):
    with pytest.raises(ValueError, match=r"`out_channel_num` of `conv1` is a number of 1 or more, found"):
        ConvolutionLayer(3, out_channel_num=number, name="conv1")


class Forgetful(Block):
    """Its `__init__` forgets the one of `Block`."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def forward(self, signal):
        return self.factor * signal


@pytest.mark.parametrize(
    "use", [repr, lambda block: block(IMAGES), lambda block: block.setup(IMAGES), GraphSystem().attach]
)
def test_a_block_that_was_not_begun_says_what_its_class_forgot(use):
    with pytest.raises(
        ValueError, match=r"`Forgetful.__init__` did not begin .*`super\(\).__init__\(\*\*kwargs\)`"
    ):
        use(Forgetful(2))
