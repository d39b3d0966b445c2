"""KongFus: how to update what a brain has learned."""

from akidlab.kongfus.adam import AdamKongFu, AdamWKongFu
from akidlab.kongfus.gradient_descent import GradientDescentKongFu
from akidlab.kongfus.kongfu import KongFu
from akidlab.kongfus.momentum import MomentumKongFu
from akidlab.kongfus.scheme import LearningRateScheme
from akidlab.kongfus.torch_kongfu import TorchKongFu

__all__ = [
    "AdamKongFu",
    "AdamWKongFu",
    "GradientDescentKongFu",
    "KongFu",
    "LearningRateScheme",
    "MomentumKongFu",
    "TorchKongFu",
]
