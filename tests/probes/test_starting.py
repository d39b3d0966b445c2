"""What is asked of a probe is checked before anything starts; what travels is what is there now."""

from __future__ import annotations

import pickle
import threading

import pytest
import torch
from torch import Tensor, nn

from akidlab.errors import DataError, KindError, OptionError, UnknownNameError
from akidlab.probes import probe
from akidlab.probes.packing import pack


def a_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def some_data(n: int = 30) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 5, dtype=torch.float64), torch.randint(0, 3, (n,))


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (lambda: probe(a_net(), "hesian"), UnknownNameError, r"no probe `hesian`\. Did you mean `hessian`"),
        (lambda: probe(a_net(), "cka"), DataError, r"`cka` needs data: give data=inputs"),
        (lambda: probe(a_net(), data=some_data()), KindError, "has no loss of its own"),
        (lambda: probe(lambda x: x), KindError, "looks at a torch module, found a function"),
        (
            lambda: probe(a_net(), "svcca", data=some_data(), treshold=1),
            OptionError,
            r"option of the probe `svcca` `treshold`\. Did you mean `threshold`",
        ),
        (
            lambda: probe(a_net(), "cka", data=some_data(), to=_with_a_lock()),
            KindError,
            r"something in it cannot travel: .*lock.* Take hooks",
        ),
    ],
)
def test_what_cannot_be_measured_is_told_at_once(ask, error: type[Exception], text: str):
    with pytest.raises(error, match=text):
        ask()


def test_what_is_shared_stays_shared_and_views_travel_alone():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[1].weight = net[0].weight
    small = pack(torch.zeros(1_000_000)[:3], [])
    back = pickle.loads(pack(net, [net]))

    assert back[1].weight is back[0].weight
    assert isinstance(back[0].weight, nn.Parameter)
    assert len(small) < 10_000


def _with_a_lock() -> nn.Module:
    net = a_net()
    net.lock = threading.Lock()  # type: ignore[assignment]
    return net


def test_the_weights_that_travel_are_those_of_now_without_their_gradients():
    net = a_net()
    net(torch.ones(2, 5).double()).sum().backward()

    back = pickle.loads(pack(net, [net]))

    assert all(torch.equal(a, b) for a, b in zip(back.parameters(), net.parameters(), strict=True))
    assert all(p.grad is None and p.requires_grad for p in back.parameters())
