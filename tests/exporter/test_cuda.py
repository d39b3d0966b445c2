"""On a GPU the gradients come from another thread, and scales are taken off by the optimiser itself."""

from __future__ import annotations

import pytest
import torch
from torch.optim import AdamW

from tests.exporter.conftest import learn, net

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("fused", [False, True])
def test_mixed_precision_is_told_without_its_scale(watched, heard, fused):
    model, given = net().cuda(), torch.randn(5, 4, device="cuda")
    plain = torch.autograd.grad(model(given).square().mean(), model[0].weight)[0].clone()
    watched(model)
    optimizer, scaler = AdamW(model.parameters(), 0.1, fused=fused), torch.amp.GradScaler("cuda")

    scaler.scale(model(given).square().mean()).backward()
    scaler.step(optimizer)
    scaler.update()

    torch.testing.assert_close(heard.of("weight_gradients", "linear0")[0], plain)
    assert heard.keys("layer_gradients") == ["linear1", "relu0", "linear0"]


def test_looking_does_not_wait_for_the_gpu(watched, heard):
    model, given = net().cuda(), torch.randn(5, 4, device="cuda")
    optimizer = AdamW(model.parameters(), 0.1, fused=True)
    learn(model, optimizer, given=given)
    watched(model)

    torch.cuda.set_sync_debug_mode("error")
    try:
        learn(model, optimizer, steps=2, given=given)
    finally:
        torch.cuda.set_sync_debug_mode("default")

    assert len(heard.keys("activations")) == 6
