"""Probes against what is measured here, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest
import torch
from torch import Tensor, nn

from akidlab import Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer, metrics
from akidlab.errors import ProbeError, ProbeTimeoutError
from akidlab.messages import Bus, CallbackSubscriber, Log, Message
from akidlab.ops import hessian
from akidlab.probes import Probe, probe
from akidlab.probes.child import NICE
from tests.patience import PATIENCE, until
from tests.processes import lives, offspring

pytestmark = pytest.mark.ranks


def a_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def some_data(n: int = 30) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 5, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (n,), generator=generator)


class Slow(nn.Linear):
    """A model that takes its time."""

    def forward(self, input: Tensor) -> Tensor:
        time.sleep(600)
        return super().forward(input)


class Dying(nn.Linear):
    """A model that takes its process along."""

    def forward(self, input: Tensor) -> Tensor:
        print("last words", file=sys.stderr, flush=True)
        os._exit(7)


@pytest.fixture(autouse=True)
def _nothing_stays():
    yield
    until(lambda: not offspring("akidlab.probes"))


def test_a_snapshot_is_measured_and_training_goes_on():
    net, data = a_net(), some_data()
    dense = hessian(nn.functional.cross_entropy(net(data[0]), data[1]), list(net.parameters()))

    asked = probe(net, data=data, loss=nn.functional.cross_entropy, count=3, tolerance=1e-6)
    with torch.no_grad():
        for parameter in net.parameters():  # what training does meanwhile
            parameter.mul_(3)

    assert asked.result(PATIENCE) == pytest.approx(torch.linalg.eigvalsh(dense).flip(0)[:3].tolist())
    assert asked.done
    assert repr(asked).startswith("Probe('hessian', of step 0, done, ")


def test_a_brain_that_learns_is_measured_with_its_own_loss_and_its_result_is_published():
    brain = Brain(name="small").attach(
        InnerProductLayer(out_channel_num=4, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
        SoftmaxWithLossLayer(inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    x, y = some_data()
    data = (x.float(), y)
    brain.setup(list(data), seed=0)
    brain.objective(*data).backward()
    bus, heard = Bus(), list[Message]()
    bus.subscribe(CallbackSubscriber(heard.append))

    asked = probe(brain, "hessian", data=data, bus=bus, step=7, epoch=2)
    norms = probe(brain, "spectral_norm", bus=bus, step=7)

    wanted = metrics.hessian_eigenvalues(lambda batch: brain.objective(*batch), brain.parameters(), [data])
    assert asked.result(PATIENCE) == pytest.approx(wanted.tolist(), rel=1e-2)
    assert norms.result(PATIENCE) == pytest.approx(
        {name: float(metrics.spectral_norm(getattr(brain, name).weight)) for name in ("ip1", "ip2")}, rel=1e-4
    )
    assert len(heard) == 3
    told = {(m.topic, m.key, m.step, m.epoch): m.data.values[0] for m in heard}
    assert told[("hessian_eigenvalue", "1", 7, 2)] == pytest.approx(wanted.tolist()[0], rel=1e-2)
    assert ("weights_spectral_norm", "ip1", 7, 0) in told


def test_layers_are_compared_with_those_of_other_weights_or_with_each_other():
    net, data = a_net(), some_data(200)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        net[2].weight.copy_(torch.randn(3, 4))

    to_before, among = (
        probe(net, "cka", data=data, to=before),
        probe(net, "svcca", data=data[0], threshold=1.0),
    )

    found = to_before.result(PATIENCE)
    assert set(found) == {"linear0", "tanh0", "linear1"}
    assert found["linear0"] == pytest.approx(1)
    assert found["linear1"] < 0.999
    table = among.result(PATIENCE)
    hidden, out = net[:2](data[0]), net(data[0])
    assert table["tanh0"]["linear1"] == table["linear1"]["tanh0"]
    assert table["tanh0"]["linear1"] == pytest.approx(float(metrics.svcca(hidden, out, 1.0)))
    assert np.diag([[table[a][b] for b in table] for a in table]) == pytest.approx([1, 1, 1])


def test_its_process_is_nice_and_one_may_ask_again_or_give_it_up():
    asked = probe(Slow(5, 3), "cka", data=torch.zeros(4, 5))

    with pytest.raises(ProbeTimeoutError, match=r"`cka` is not done after .* Ask again, or `cancel` it"):
        asked.result(timeout=0.01)
    process = psutil.Process(asked._process.pid)
    until(lambda: process.nice() >= NICE)
    asked.cancel()

    assert asked.done
    with pytest.raises(ProbeError, match="The probe `cka` was cancelled"):
        asked.result()
    asked.cancel()
    assert "cancelled" in repr(asked)


def test_what_fails_over_there_is_told_here_with_its_traceback():
    bus, heard = Bus(), list[Message]()
    bus.subscribe(CallbackSubscriber(heard.append))

    asked = probe(a_net(), "cka", data=torch.zeros(4, 17, dtype=torch.float64), bus=bus)

    with pytest.raises(ProbeError, match=r"(?s)`cka` failed: RuntimeError: .*17.*Traceback"):
        asked.result(PATIENCE)
    assert isinstance(heard[0].data, Log)
    assert heard[0].data.text.startswith("The probe `cka` failed: RuntimeError")


def test_a_process_that_dies_leaves_its_last_words():
    asked = probe(Dying(5, 3), "cka", data=torch.zeros(4, 5))

    with pytest.raises(ProbeError, match=r"(?s)its process ended with code 7\..*last words"):
        asked.result(PATIENCE)


def test_it_ends_with_the_process_that_asked_for_it():
    code = """
        import sys, torch
        from tests.probes.test_probe import Slow
        from akidlab.probes import probe
        print(probe(Slow(5, 3), "cka", data=torch.zeros(4, 5))._process.pid, flush=True)
        sys.stdin.read()
        {end}
    """
    for end in ("", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"):
        program = textwrap.dedent(code).format(end=end)
        parent = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.communicate(timeout=PATIENCE)

        until(lambda child=child: not lives(child))


def test_many_may_be_under_way():
    net = a_net()

    asked: list[Probe] = [probe(net, "spectral_norm") for _ in range(2)]

    first, second = (one.result(PATIENCE) for one in asked)
    assert (
        first
        == second
        == pytest.approx({f"linear{i}": float(metrics.spectral_norm(net[2 * i].weight)) for i in (0, 1)})
    )
