"""akid's place for the Lanczos tools, under akid's names."""

from __future__ import annotations

from akidlab.ops.lanczos import (
    lanczos_tridiagonalization_fast,
    lanczos_tridiagonalization_fast_cr,
    lanczos_tridiagonalization_slow,
)
from akidlab.ops.spectrum import lanczos_spectrum_approx, lanczos_spectrum_approx_cr
from akidlab.ops.unit_range import (
    center_unit_eig_denormalization,
    center_unit_eig_normalization,
    center_unit_eig_normalization_cr,
)

__all__ = [
    "lanczos_tridiagonalization_slow",
    "lanczos_tridiagonalization_fast",
    "lanczos_tridiagonalization_fast_cr",
    "lanczos_spectrum_approx",
    "lanczos_spectrum_approx_cr",
    "center_unit_eig_normalization",
    "center_unit_eig_normalization_cr",
    "center_unit_eig_denormalization",
]
