"""akid's `initializers`: what parameters hold before anything is learnt, by name and by class."""

from __future__ import annotations

from akidlab.blocks.initializer import FunctionInitializer, Initializer, get, names

__all__ = [
    "get",
    "names",
    "Initializer",
    "FunctionInitializer",
    "TheOldInitializer",
    "XavierInitializer",
    "MSRAInitializer",
    "FixedStdInitializer",
    "RangeUniformInitializer",
    "ConstantInitializer",
    "ScalarInitializer",
]


class TheOldInitializer(Initializer):
    """A deviation of 1/√inputs, or a uniform range of that: `default`.

    Args:
        normal_dist: draw from a normal distribution.
        fan_out: count the mean of inputs and outputs.
    """

    def __init__(self, normal_dist: bool = False, fan_out: bool = False) -> None:
        super().__init__("default", normal_dist=normal_dist, fan_out=fan_out)


class XavierInitializer(Initializer):
    """Keeps variances on the way forward and back (Glorot & Bengio 2010): `xavier`.

    Args:
        normal_dist: draw from a normal distribution.
        fan_out: count outputs too.
    """

    def __init__(self, normal_dist: bool = False, fan_out: bool = True) -> None:
        super().__init__("xavier", normal_dist=normal_dist, fan_out=fan_out)


class MSRAInitializer(Initializer):
    """Keeps variances through rectifiers (He et al. 2015): `msra`.

    Args:
        fan_out: count outputs too.
        factor: of the variance.
        uniform: draw from a uniform distribution.
    """

    def __init__(self, fan_out: bool = False, factor: float = 1.0, uniform: bool = False) -> None:
        super().__init__("msra", fan_out=fan_out, factor=factor, uniform=uniform)


class FixedStdInitializer(Initializer):
    """A normal distribution: `normal`."""

    def __init__(self, stddev: float, mean: float = 0.0) -> None:
        super().__init__("normal", stddev=stddev, mean=mean)


class RangeUniformInitializer(Initializer):
    """A uniform distribution: `range_uniform`."""

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__("range_uniform", low=low, high=high)


class ConstantInitializer(Initializer):
    """One number everywhere: `constant`."""

    def __init__(self, value: float) -> None:
        super().__init__("constant", value=value)


class ScalarInitializer(Initializer):
    """A parameter that is one number: `scalar`."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__("scalar", value=value)
