"""Sources: where data live."""

from akidlab.sources.array import ArraySource
from akidlab.sources.cifar10 import Cifar10FeedSource
from akidlab.sources.cifar10_augmented import Cifar10AkidSource, Cifar10TorchSource
from akidlab.sources.cifar100 import Cifar100Source, Cifar100TFSource, HCifar100Source, HCifar100TFSource
from akidlab.sources.cifar100_labels import NEW_LABEL_ORDER_LIST, OLD_LABEL_ORDER_LIST
from akidlab.sources.data_set import DataSet, DataSets
from akidlab.sources.dataset import DatasetSource, TorchSource
from akidlab.sources.digits import DigitsSource
from akidlab.sources.feed import FeedSource
from akidlab.sources.image_folder import ImageFolderSource
from akidlab.sources.imagenet import ImagenetTorchSource
from akidlab.sources.lazy import LazySource
from akidlab.sources.mnist import MNISTFeedSource
from akidlab.sources.mnist_standard import MNISTSource, MNISTTorchSource
from akidlab.sources.rotated_mnist import RotatedMNISTFeedSource
from akidlab.sources.source import Source
from akidlab.sources.whitening import ZCAWhitening, contrast_normalize

__all__ = [
    "NEW_LABEL_ORDER_LIST",
    "OLD_LABEL_ORDER_LIST",
    "ArraySource",
    "Cifar10AkidSource",
    "Cifar10FeedSource",
    "Cifar10TorchSource",
    "Cifar100Source",
    "Cifar100TFSource",
    "DataSet",
    "DataSets",
    "DatasetSource",
    "DigitsSource",
    "FeedSource",
    "HCifar100Source",
    "HCifar100TFSource",
    "ImageFolderSource",
    "ImagenetTorchSource",
    "LazySource",
    "MNISTFeedSource",
    "MNISTSource",
    "MNISTTorchSource",
    "RotatedMNISTFeedSource",
    "Source",
    "TorchSource",
    "ZCAWhitening",
    "contrast_normalize",
]
