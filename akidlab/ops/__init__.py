"""Ops: mathematics for research: second derivatives, spectra of large matrices, metrics."""

from akidlab.ops import image_ops, matrix_ops, random_ops
from akidlab.ops.curvature import Spectrum, hessian_spectrum
from akidlab.ops.derivatives import grad, hessian, hessian_vector_product
from akidlab.ops.image_ops import rescale_image
from akidlab.ops.lanczos import (
    drive,
    lanczos_tridiagonalization_fast,
    lanczos_tridiagonalization_fast_cr,
    lanczos_tridiagonalization_slow,
    lanczos_tridiagonalization_slow_cr,
)
from akidlab.ops.layer_metrics import layer_metrics
from akidlab.ops.riemann import nn_riemannic_metric, pullback_metric
from akidlab.ops.spectrum import lanczos_spectrum_approx, lanczos_spectrum_approx_cr
from akidlab.ops.unit_range import (
    center_unit_eig_denormalization,
    center_unit_eig_normalization,
    center_unit_eig_normalization_cr,
)

__all__ = [
    "grad",
    "hessian",
    "hessian_vector_product",
    "hessian_spectrum",
    "Spectrum",
    "drive",
    "lanczos_tridiagonalization_slow",
    "lanczos_tridiagonalization_slow_cr",
    "lanczos_tridiagonalization_fast",
    "lanczos_tridiagonalization_fast_cr",
    "lanczos_spectrum_approx",
    "lanczos_spectrum_approx_cr",
    "center_unit_eig_normalization",
    "center_unit_eig_normalization_cr",
    "center_unit_eig_denormalization",
    "layer_metrics",
    "nn_riemannic_metric",
    "pullback_metric",
    "rescale_image",
    "image_ops",
    "matrix_ops",
    "random_ops",
]
