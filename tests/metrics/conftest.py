"""Where metrics are computed: on the CPU, and on a GPU where there is one."""

from __future__ import annotations

import pytest
import torch

_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=_CUDA)])
def device(request: pytest.FixtureRequest) -> str:
    return request.param
