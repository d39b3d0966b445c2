"""Every model of the zoo can be made, run at its own input size, and has the parameters that it should."""

from __future__ import annotations

import pytest
import torch

from akidlab.errors import BlockError, UnknownNameError
from akidlab.models import brains, zoo
from akidlab.models.brains import (
    VGG,
    AlexNet,
    AlexNetMini,
    AllConvImagenet,
    AllConvNet,
    CifarResNet,
    DenseNet,
    FullyConnectedModel,
    ImagenetResNet,
    IntriguingConvNet,
    LeNet,
    MnistTfTutorialNet,
    NewMnistTfTutorialNet,
    OneLayerBrain,
    PatriceNet,
    VGGNet,
    get_model,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)

MNIST, CIFAR, IMAGENET = (1, 28, 28), (3, 32, 32), (3, 224, 224)

# torchvision's ResNets normalise after each convolution and in the shortcuts; ours before each convolution,
# and once at the end. What that changes is counted here, two numbers for each channel that is normalised.
R18 = 11_689_512 - 2 * (128 + 256 + 512) - 2 * (64 + 128 + 256) + 2 * 512
R50 = 25_557_032 - 2 * (256 + 512 + 1024 + 2048) - 2 * (2048 - 64) + 2 * 2048
WIDE50 = R50 + 68_883_240 - 25_557_032

SIZES = [
    (OneLayerBrain, {}, MNIST, 12_362),
    (LeNet, {}, MNIST, 1_663_370),
    (MnistTfTutorialNet, {}, MNIST, 1_663_370),
    (NewMnistTfTutorialNet, {}, MNIST, 1_663_370),  # 1,237,386 with akid's pooling, which lost a row
    (PatriceNet, {}, MNIST, 636_010),
    (IntriguingConvNet, {}, MNIST, 855_626),  # 745,034 as akid wrote it, for maps that do not come up
    (AlexNet, {"in_channel_num": 2304, "dataset": "cifar10"}, (3, 24, 24), 1_068_298),
    (AlexNet, {"dataset": "cifar10"}, CIFAR, 1_756_426),
    (VGGNet, {}, CIFAR, 8_695_902),
    (CifarResNet, {}, CIFAR, 1_467_610),
    (CifarResNet, {"projection_shortcut": False}, CIFAR, 1_456_858),
    (CifarResNet, {"color_channel_num": 3, "use_gsmax": True}, CIFAR, 1_467_610),
    (CifarResNet, {"depth": 16, "width": 1, "pool_size": 7}, MNIST, 174_778),
    (AllConvNet, {}, CIFAR, 1_369_738),
    (AlexNetMini, {"num_classes": 10}, MNIST, 18_954),
    (VGG, {"num_classes": 10}, CIFAR, 9_231_114),
    (DenseNet, {}, CIFAR, 769_162),
    (resnet18, {}, CIFAR, 11_173_962),
]
LARGE = [
    (AlexNet, {}, IMAGENET, 49_566_504),
    (AllConvImagenet, {}, IMAGENET, 9_372_840),
    (ImagenetResNet, {"depth": 18}, IMAGENET, R18),
    (ImagenetResNet, {}, IMAGENET, R50),
    (ImagenetResNet, {"width": 2}, IMAGENET, WIDE50),
    (CifarResNet, {"width": 10}, CIFAR, 36_479_194),
    (FullyConnectedModel, {"num_classes": 10}, (1, 8, 8), 36_279_010),
    (resnet34, {}, CIFAR, 21_282_122),
    (resnet50, {}, CIFAR, 23_520_842),
    (resnet101, {}, CIFAR, 42_512_970),
    (resnet152, {}, CIFAR, 58_156_618),
]


def _named(case):
    return "-".join([case[0].__name__, *(f"{key}={value}" for key, value in case[1].items())])


@pytest.mark.parametrize(("make", "options", "shape", "parameters"), SIZES, ids=map(_named, SIZES))
def test_a_model_runs_and_has_the_parameters_that_it_should(make, options, shape, parameters):
    brain = make(**options)

    loss = brain([torch.randn(2, *shape), torch.tensor([0, 1])])

    assert brain.num_parameters() == parameters
    assert loss.isfinite()
    assert brain.infer(torch.randn(2, *shape)).shape == (2, brain["loss"].class_num)


@pytest.mark.parametrize(("make", "options", "shape", "parameters"), LARGE, ids=map(_named, LARGE))
def test_a_large_model_has_the_parameters_that_it_should(make, options, shape, parameters):
    """Where there is no memory to fill: the shapes are worked out, the numbers are not."""
    brain = make(**options)
    with torch.device("meta"):
        brain.setup(torch.empty(2, *shape), seed=0)

    assert brain.num_parameters() == parameters
    assert brain.infer(torch.empty(2, *shape, device="meta")).shape == (2, brain["loss"].class_num)


def test_every_model_is_had_by_its_name_whatever_its_capitals():
    assert all(callable(getattr(brains, name)) for name in brains.__all__)
    assert get_model("lenet").name == "brain"
    assert {*zoo.MODELS} >= {"ResNet18", "ResNet152", "AlexNetMini", "DenseNet", "VGGNet"}


def test_a_misspelt_model_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean `DenseNet`"):
        get_model("DensNet")


def test_what_a_model_cannot_be_is_told_before_it_is_made():
    with pytest.raises(BlockError, match="a multiple of 6 plus 4, such as 16, 22, 28 or 40; found 30"):
        CifarResNet(depth=30)
    with pytest.raises(BlockError, match="one of 18, 34, 50, 101, 152, 200; found 20"):
        ImagenetResNet(20)
    with pytest.raises(BlockError, match="`width` of `brain` is a number of 1 or more, found 0"):
        CifarResNet(width=0)
    with pytest.raises(BlockError, match=r"dropped, below 1; found 1\.5"):
        CifarResNet(dropout_prob=1.5)
    with pytest.raises(UnknownNameError, match="`cifar10`"):
        AlexNet(dataset="cifar")
    with pytest.raises(BlockError, match="`loss_layer` is a class and its options"):
        VGGNet(loss_layer="hinge")  # type: ignore[arg-type]
    with pytest.raises(BlockError, match=r"`n_stages` says how many channels .* found \[16, 32\]"):
        CifarResNet(n_stages=[16, 32])
    with pytest.raises(BlockError, match="With `h_loss`, `class_num` is a multiple of 5"):
        CifarResNet(h_loss=True, class_num=99)
    with pytest.raises(BlockError, match=r"`compression` is the share .* found 0 and 0.0"):
        DenseNet(compression=0)
    with pytest.raises(BlockError, match=r"`input_shape` is \(height, width, channels\), found \(28,\)"):
        AlexNetMini((28,))
