"""The zoo: models by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from akidlab.blocks import Brain
from akidlab.errors import unknown
from akidlab.models.alexnet import AlexNet, AlexNetMini
from akidlab.models.all_conv import AllConvImagenet, AllConvNet
from akidlab.models.cifar_resnet import CifarResNet
from akidlab.models.densenet import DenseNet
from akidlab.models.imagenet_resnet import ImagenetResNet
from akidlab.models.intriguing import IntriguingConvNet
from akidlab.models.lenet import LeNet, MnistTfTutorialNet, NewMnistTfTutorialNet
from akidlab.models.one_layer import OneLayerBrain
from akidlab.models.original_resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from akidlab.models.perceptron import FullyConnectedModel, PatriceNet
from akidlab.models.vgg import VGG, VGGNet

MODELS: dict[str, Callable[..., Brain]] = {
    "OneLayerBrain": OneLayerBrain,
    "LeNet": LeNet,
    "MnistTfTutorialNet": MnistTfTutorialNet,
    "NewMnistTfTutorialNet": NewMnistTfTutorialNet,
    "AlexNet": AlexNet,
    "VGGNet": VGGNet,
    "CifarResNet": CifarResNet,
    "ImagenetResNet": ImagenetResNet,
    "PatriceNet": PatriceNet,
    "IntriguingConvNet": IntriguingConvNet,
    "AllConvNet": AllConvNet,
    "AllConvImagenet": AllConvImagenet,
    "AlexNetMini": AlexNetMini,
    "VGG": VGG,
    "DenseNet": DenseNet,
    "FullyConnectedModel": FullyConnectedModel,
    "ResNet18": resnet18,
    "ResNet34": resnet34,
    "ResNet50": resnet50,
    "ResNet101": resnet101,
    "ResNet152": resnet152,
}


def get_model(name: str, *args: Any, **kwargs: Any) -> Brain:
    """The model called `name`, made with the other arguments; capitals do not matter.

    Raises:
        UnknownNameError: if there is none.

    Example:
        >>> get_model("resnet18", num_classes=100).setup(torch.zeros(1, 3, 32, 32)).num_parameters()
        11220132
    """
    known = {model.lower(): make for model, make in MODELS.items()}
    if str(name).lower() not in known:
        raise unknown("model", str(name), MODELS)
    return known[str(name).lower()](*args, **kwargs)
