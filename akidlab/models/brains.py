"""Brains that are known by name, all in one place."""

from akidlab.models.alexnet import AlexNet, AlexNetMini
from akidlab.models.all_conv import AllConvImagenet, AllConvNet
from akidlab.models.cifar_resnet import CifarResNet
from akidlab.models.densenet import DenseNet
from akidlab.models.imagenet_resnet import ImagenetResNet
from akidlab.models.intriguing import IntriguingConvNet
from akidlab.models.lenet import LeNet, MnistTfTutorialNet, NewMnistTfTutorialNet
from akidlab.models.one_layer import OneLayerBrain
from akidlab.models.original_resnet import (
    OriginalResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from akidlab.models.perceptron import FullyConnectedModel, PatriceNet
from akidlab.models.resnet import ResNet
from akidlab.models.vgg import VGG, VGGNet
from akidlab.models.zoo import get_model

__all__ = [
    "AlexNet",
    "AlexNetMini",
    "AllConvImagenet",
    "AllConvNet",
    "CifarResNet",
    "DenseNet",
    "FullyConnectedModel",
    "ImagenetResNet",
    "IntriguingConvNet",
    "LeNet",
    "MnistTfTutorialNet",
    "NewMnistTfTutorialNet",
    "OneLayerBrain",
    "OriginalResNet",
    "PatriceNet",
    "ResNet",
    "VGG",
    "VGGNet",
    "get_model",
    "resnet101",
    "resnet152",
    "resnet18",
    "resnet34",
    "resnet50",
]
