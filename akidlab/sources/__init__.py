"""Sources: where data live."""

from akidlab.sources.array import ArraySource
from akidlab.sources.digits import DigitsSource
from akidlab.sources.lazy import LazySource
from akidlab.sources.mnist import MNISTFeedSource
from akidlab.sources.source import Source

__all__ = ["ArraySource", "DigitsSource", "LazySource", "MNISTFeedSource", "Source"]
