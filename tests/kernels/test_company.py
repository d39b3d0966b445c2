"""Two notebooks that write to one store at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from akidlab import runs
from tests.kernels.conftest import SETUP
from tests.kernels.jupyter import Kernel, Server
from tests.patience import until

TRAIN = """\
%%akid_train --name both
import os
def wait(kid):
    while not os.path.exists({flag!r}):
        time.sleep(0.01)
kid = make(max_steps=400)
kid.hooks.on_batch_end.append(wait)
"""


@pytest.fixture
def two(server: Server) -> Iterator[list[Kernel]]:
    kernels = [server.kernel(), server.kernel()]
    yield kernels
    for kernel in kernels:
        kernel.close()


def test_two_notebooks_train_under_one_name_into_one_store(two: list[Kernel], tmp_path: Path) -> None:
    for kernel in two:
        kernel.run(SETUP)
    cells = [kernel.send(TRAIN.format(flag=str(tmp_path / "flag"))) for kernel in two]
    until(lambda: "both-2" in runs() and all(runs()[name].step for name in ("both", "both-2")))
    (tmp_path / "flag").touch()
    for cell in cells:
        cell.well()

    for name in ("both", "both-2"):
        run = runs()[name]
        assert run.status == "finished"
        assert run.scalars("loss").steps.tolist() == list(range(1, 401))
