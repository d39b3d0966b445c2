"""A loop of one's own that is watched can be asked, too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from akidlab.session import ask, watch
from tests.patience import PATIENCE


def test_a_plain_loop_answers_at_the_end_of_its_steps() -> None:
    model, loss = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    begun, over = threading.Event(), threading.Event()
    chance = torch.Generator().manual_seed(0)

    def train() -> None:
        with watch(model, optimizer, "none", doctor=False, loss=loss, dashboard=False, name="plain"):
            while not over.is_set():
                optimizer.zero_grad()
                target = torch.randn(5, 1, generator=chance)  # never learnt: no gradient of exactly 0
                loss(model(torch.ones(5, 3)), target).backward()
                optimizer.step()
                begun.set()

    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(train)
        try:
            assert begun.wait(PATIENCE)
            found = ask("step > 0, lr, brain[1].out.shape, brain[0].weight.grad.norm() > 0", "plain")
            stands = ask("epoch, rank, loss > 0", "plain")
        finally:
            over.set()
        training.result(PATIENCE)

    assert found == [True, 0.1, [5, 4], True]
    assert stands == [0, 0, True]
    assert not model[1]._forward_hooks


def test_a_loop_that_told_no_loss_says_how_to_tell_it() -> None:
    model = nn.Linear(3, 1)
    with watch(
        model, torch.optim.SGD(model.parameters(), 0.1), "none", doctor=False, dashboard=False
    ) as watching:
        answers: list[dict[str, object]] = []
        watching._questions().ask("loss", answers.append)
        watching.controls.take()

    assert answers == [{"ok": False, "error": "No loss was told yet: give `loss=`, or `log(loss=...)`."}]
