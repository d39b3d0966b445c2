"""One server for all kernels, one kernel for each ipykernel that is to work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels.environment import VERSIONS, NoPackagesError, python_of
from tests.kernels.jupyter import Kernel, Server

SETUP = """
%load_ext akidlab
import numpy as np, time
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

def make(**told):
    random = np.random.RandomState(0)
    data = random.rand(96, 1, 4, 4).astype('float32'), random.randint(0, 10, 96)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    told = {'max_steps': 10**9, 'name': 'tiny', 'train_log_step': 10, **told}
    kid = Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **told)
    kid.hooks.on_batch_end.append(lambda kid: time.sleep(0.002))
    kid.hooks.on_training_log_step.append(lambda kid: print('hook at', kid.step))
    return kid
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session", params=VERSIONS)
def kernel(request: pytest.FixtureRequest, server: Server) -> Iterator[Kernel]:
    try:
        python = python_of(request.param)
    except NoPackagesError as error:
        pytest.skip(str(error))
    server.add_kernel(request.param, python)
    kernel = server.kernel(request.param)
    found = kernel.run("import ipykernel; print(ipykernel.__version__)").printed.strip()
    assert found == request.param
    kernel.run(SETUP)
    yield kernel
    kernel.close()


@pytest.fixture(autouse=True)
def _the_store_of_the_server(server: Server, _own_folders: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AKID_RUNS", server.env["AKID_RUNS"])
    monkeypatch.setenv("AKIDLAB_RUNTIME", server.env["AKIDLAB_RUNTIME"])
    return Path(server.env["AKID_RUNS"])
