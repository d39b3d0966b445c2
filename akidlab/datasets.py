"""akid's `datasets`: its data sets by the name under which its scripts import them."""

from akidlab.sources import (
    NEW_LABEL_ORDER_LIST,
    OLD_LABEL_ORDER_LIST,
    Cifar10AkidSource,
    Cifar10FeedSource,
    Cifar10TorchSource,
    Cifar100TFSource,
    DataSet,
    DataSets,
    HCifar100TFSource,
    ImagenetTorchSource,
    MNISTFeedSource,
    MNISTSource,
    MNISTTorchSource,
    RotatedMNISTFeedSource,
)

__all__ = [
    "NEW_LABEL_ORDER_LIST",
    "OLD_LABEL_ORDER_LIST",
    "Cifar10AkidSource",
    "Cifar10FeedSource",
    "Cifar10TorchSource",
    "Cifar100TFSource",
    "DataSet",
    "DataSets",
    "HCifar100TFSource",
    "ImagenetTorchSource",
    "MNISTFeedSource",
    "MNISTSource",
    "MNISTTorchSource",
    "RotatedMNISTFeedSource",
]
