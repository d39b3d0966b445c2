"""A pool belongs to kernels, and is forsaken when the last one has ended."""

from __future__ import annotations

import os

import pytest

from akidlab.dispatch import owners
from akidlab.dispatch.owners import Owners
from akidlab.processes import began

OURS = began(os.getpid()) or 0.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "OWNERLESS", 0.0)
    monkeypatch.setattr(owners, "LOOK", 0.0)


def test_the_first_owner_is_waited_for() -> None:
    assert not Owners().are_gone()


def test_an_owner_that_lives_keeps_its_pool() -> None:
    held = Owners()
    held.add(os.getpid(), OURS)

    assert not held.are_gone()
    assert held.pids == [os.getpid()]


def test_an_owner_whose_number_went_to_another_process_is_gone() -> None:
    held = Owners()
    held.add(os.getpid(), OURS - 100)

    assert held.are_gone()
    assert held.pids == []


def test_it_is_known_how_long_they_are_gone() -> None:
    held = Owners()
    held.add(os.getpid(), OURS)
    assert (held.are_gone(), held.gone_for) == (False, 0)
    held.add(os.getpid(), OURS - 100)

    assert held.are_gone()
    assert held.gone_for > 0
