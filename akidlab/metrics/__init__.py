"""Metrics: what can be computed of what an exporter publishes; each a function and a subscriber."""

from akidlab.metrics.answers import accuracy
from akidlab.metrics.curvature import hessian_eigenvalues
from akidlab.metrics.histograms import Histogram, histogram
from akidlab.metrics.matrices import condition_number, power_iteration, spectral_norm
from akidlab.metrics.moments import mean, sparsity, sum, variance
from akidlab.metrics.noise import gradient_noise_scale
from akidlab.metrics.norms import norm, ratio
from akidlab.metrics.similarity import cca, cka, svcca
from akidlab.metrics.units import dead_units

__all__ = [
    "mean",
    "variance",
    "sum",
    "norm",
    "ratio",
    "histogram",
    "Histogram",
    "sparsity",
    "dead_units",
    "spectral_norm",
    "condition_number",
    "power_iteration",
    "accuracy",
    "gradient_noise_scale",
    "hessian_eigenvalues",
    "cka",
    "svcca",
    "cca",
]
