"""Two notebooks that write to one store at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from akidlab import runs
from tests.kernels.conftest import SETUP
from tests.kernels.jupyter import Kernel, Server, until


@pytest.fixture
def two(server: Server) -> Iterator[list[Kernel]]:
    kernels = [server.kernel(), server.kernel()]
    yield kernels
    for kernel in kernels:
        kernel.close()


def test_two_notebooks_train_under_one_name_into_one_store(two: list[Kernel]) -> None:
    for kernel in two:
        kernel.run(SETUP)
    cells = [kernel.send("%%akid_train --name both\nkid = make(max_steps=400)") for kernel in two]
    until(lambda: "both-2" in runs() and all(runs()[name].is_live for name in ("both", "both-2")))
    for cell in cells:
        cell.well()

    for name in ("both", "both-2"):
        run = runs()[name]
        assert run.status == "finished"
        assert run.scalars("loss").steps.tolist() == list(range(1, 401))
