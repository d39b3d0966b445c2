"""The launcher without Horovod."""

from __future__ import annotations

import importlib.util

import pytest

from akidlab.dispatch.launcher import launcher
from akidlab.dispatch.torch_launcher import TorchLauncher
from akidlab.errors import DispatchError


def test_it_is_found_as_a_plug_in_and_names_its_engine() -> None:
    found = launcher("torch")

    assert isinstance(found, TorchLauncher)
    assert found.engine == "torch"
    found.check()


def test_without_torch_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(DispatchError, match="torch is not installed here, and the ranks need it"):
        TorchLauncher().check()


def test_a_rank_asks_its_environment_which_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")

    assert TorchLauncher().rank() == (2, 3)


def test_a_rank_of_a_job_that_starts_a_pool_does_not_lend_its_number() -> None:
    base = {"PATH": "/bin", "RANK": "1", "WORLD_SIZE": "2", "AKIDLAB_RENDEZVOUS": "/x", "MASTER_ADDR": "y"}

    assert set(TorchLauncher().environment(2, base)) == {"PATH", "OMP_NUM_THREADS"}
