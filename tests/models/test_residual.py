"""Residual networks compute what the papers say, in each of their variants."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from akidlab import GroupSoftmaxLayer, MSELossLayer, ReLULayer
from akidlab.models.brains import VGG, CifarResNet, DenseNet, ImagenetResNet, VGGNet, resnet18
from tests.benchmarks import blocks, plain

IMAGES, LABELS = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(4)


def small(**options):
    brain = CifarResNet(depth=10, width=1, **options)
    return brain.setup([IMAGES, LABELS], seed=0)


@pytest.mark.parametrize("job", blocks.JOBS, ids=lambda job: job.name)
def test_blocks_compute_what_the_same_network_by_hand_does(job):
    ours, theirs = blocks.both(job)

    torch.testing.assert_close(ours(), theirs())


def test_the_gradients_are_those_of_the_network_by_hand():
    brain, module = small(), plain.WideResNet(depth=10, width=1)
    with torch.no_grad():
        for theirs, our in zip(module.parameters(), brain.parameters(), strict=True):
            theirs.copy_(our)

    brain.objective([IMAGES, LABELS]).backward()
    (F.cross_entropy(module(IMAGES), LABELS) + module.decay()).backward()

    for theirs, our in zip(module.parameters(), brain.parameters(), strict=True):
        torch.testing.assert_close(our.grad, theirs.grad, rtol=1e-3, atol=1e-5)


def test_where_shapes_change_the_shortcut_reads_what_fired():
    brain = small()

    assert [str(wire.name) for wire in brain["s2u1_shortcut"].inputs] == ["s2u1_relu1"]
    assert [str(wire.name) for wire in brain["s2u1_merge"].inputs] == ["s2u1_conv2", "s2u1_shortcut"]
    assert [str(wire.name) for wire in brain["s1u1_merge"].inputs] == ["s1u1_conv2", "conv0"]


def test_a_shortcut_without_weights_takes_means_and_fills_up_with_zeros():
    brain = small(projection_shortcut=False).eval()
    brain.infer(IMAGES)

    given, added = brain["s1u1_merge"].data, brain["s2u1_shortcut"].data
    torch.testing.assert_close(added[:, 8:24], F.avg_pool2d(given, 2))
    assert not added[:, :8].any()
    assert not added[:, 24:].any()
    assert brain["conv0"].wd.scale == 2e-4


def test_group_softmax_takes_the_place_of_every_relu():
    kinds = [type(block) for block in small(use_gsmax=True, group_size=4)]

    assert kinds.count(GroupSoftmaxLayer) == 7
    assert ReLULayer not in kinds


def test_dropout_stands_between_the_convolutions_of_a_unit():
    names = [block.name for block in small(dropout_prob=0.3)]

    assert names[names.index("s1u1_conv1") :][:5] == [
        "s1u1_conv1", "s1u1_bn2", "s1u1_relu2", "s1u1_dropout", "s1u1_conv2",
    ]  # fmt: skip


def test_superclasses_are_judged_by_the_mean_logits_of_their_classes():
    brain = CifarResNet(depth=10, width=1, class_num=100, h_loss=True, sub_class_multiplier_ratio=0.3)
    fine = torch.tensor([0, 7, 50, 99])

    brain.setup([IMAGES, fine // 5, fine], seed=0)
    loss = brain.objective([IMAGES, fine // 5, fine])

    logits = brain["ip"].data
    judged = 0.3 * F.cross_entropy(logits, fine)
    judged = judged + 0.7 * F.cross_entropy(logits.unflatten(1, (20, 5)).mean(2), fine // 5)
    decay = sum(
        block.loss
        for block in brain
        if block.name not in ("loss", "super_class_loss") and block.loss is not None
    )
    torch.testing.assert_close(loss, judged + decay)
    assert brain.infer(IMAGES).shape == (4, 100)


def test_depths_below_fifty_are_made_of_basic_units():
    """akid would have made bottlenecks of them."""
    convolutions = {
        depth: [b.ksize[0] for b in ImagenetResNet(depth) if b.name.startswith("s1u1_conv")]
        for depth in (34, 50)
    }

    assert convolutions == {34: [3, 3], 50: [1, 3, 1]}


@pytest.mark.parametrize("make", [resnet18, lambda: DenseNet(block_config=(2, 2), drop_rate=0.1), VGGNet])
def test_brains_of_the_zoo_are_copied_saved_and_loaded(make):
    brain = make().setup([IMAGES, LABELS], seed=0).eval()
    empty = make()

    empty.load_state_dict(brain.state_dict())

    expected = brain.infer(IMAGES)
    torch.testing.assert_close(empty.eval().infer(IMAGES), expected)
    torch.testing.assert_close(brain.get_clone().infer(IMAGES), expected)


def test_the_last_normalisation_of_vgg_is_what_is_judged():
    """akid's loss read the block before it, so that its parameters never learnt."""
    brain = VGGNet().setup([IMAGES, LABELS], seed=0)

    brain.objective([IMAGES, LABELS]).backward()

    assert brain.infer(IMAGES) is brain["bn_ip2"].data
    assert brain["bn_ip2"].weight.grad.any()


def test_vgg_takes_another_loss():
    brain = VGGNet(class_num=1, loss_layer=(MSELossLayer, {"multiplier": 2.0}))

    loss = brain([IMAGES, torch.zeros(4, 1)])

    assert brain["loss"].multiplier == 2
    torch.testing.assert_close(loss, 2 * brain["bn_ip2"].data.square().mean())


def test_models_of_ikkuna_are_set_up_at_once_by_their_input_shape():
    assert VGG((32, 32, 3), num_classes=10).is_setup
    assert not DenseNet().is_setup


def test_a_residual_network_is_taken_out_as_a_program(tmp_path):
    brain = small().eval()

    file = brain.export(tmp_path / "residual.pt2", IMAGES)

    program = torch.export.load(file).module()
    torch.testing.assert_close(program(IMAGES[:2]), brain.infer(IMAGES[:2]))
