"""Metrics: what can be computed of what an exporter publishes; each a function and a subscriber.

Other packages add theirs by an entry point in the group `akidlab.metrics`: a name, and a class of metrics.
"""

from akidlab.metrics.answers import accuracy
from akidlab.metrics.bands import PercentilesSubscriber
from akidlab.metrics.by_name import BandsSubscriber
from akidlab.metrics.curvature import hessian_eigenvalues
from akidlab.metrics.deep import CKASubscriber, HessianEigenSubscriber, SVCCASubscriber
from akidlab.metrics.each import (
    ConditionNumberSubscriber,
    MeanSubscriber,
    NormSubscriber,
    RatioSubscriber,
    SparsitySubscriber,
    SpectralNormSubscriber,
    SumSubscriber,
    VarianceSubscriber,
)
from akidlab.metrics.histograms import Histogram, histogram
from akidlab.metrics.making import describe, make, names
from akidlab.metrics.matrices import condition_number, power_iteration, spectral_norm
from akidlab.metrics.metric import Metric
from akidlab.metrics.moments import mean, sparsity, sum, variance
from akidlab.metrics.noise import gradient_noise_scale
from akidlab.metrics.norms import norm, ratio
from akidlab.metrics.outcomes import accuracy_of, loss_of, message_mean
from akidlab.metrics.percentiles import percentiles
from akidlab.metrics.similarity import cca, cka, svcca
from akidlab.metrics.summaries import (
    DeadUnitsSubscriber,
    GradientNoiseScaleSubscriber,
    HistogramSubscriber,
    MessageMeanSubscriber,
)
from akidlab.metrics.training import LossSubscriber, TestAccuracySubscriber, TrainAccuracySubscriber
from akidlab.metrics.units import dead_units

__all__ = [
    "names",
    "make",
    "describe",
    "Metric",
    "mean",
    "variance",
    "sum",
    "norm",
    "ratio",
    "percentiles",
    "histogram",
    "Histogram",
    "sparsity",
    "dead_units",
    "spectral_norm",
    "condition_number",
    "power_iteration",
    "accuracy",
    "accuracy_of",
    "loss_of",
    "message_mean",
    "gradient_noise_scale",
    "hessian_eigenvalues",
    "cka",
    "svcca",
    "cca",
    "MeanSubscriber",
    "VarianceSubscriber",
    "SumSubscriber",
    "NormSubscriber",
    "RatioSubscriber",
    "SparsitySubscriber",
    "SpectralNormSubscriber",
    "ConditionNumberSubscriber",
    "MessageMeanSubscriber",
    "HistogramSubscriber",
    "PercentilesSubscriber",
    "BandsSubscriber",
    "DeadUnitsSubscriber",
    "GradientNoiseScaleSubscriber",
    "LossSubscriber",
    "TrainAccuracySubscriber",
    "TestAccuracySubscriber",
    "HessianEigenSubscriber",
    "SVCCASubscriber",
    "CKASubscriber",
]
