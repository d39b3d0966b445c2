"""Which ways there are for gradients, and which is taken."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from akidlab.engines.ranks import RanksEngine
from akidlab.engines.shared import PIECE, Shared
from akidlab.engines.single import SingleEngine
from akidlab.errors import DispatchError
from tests.engines.hood import together


class Own(RanksEngine, SingleEngine):
    """Ranks that have found each other already, and another way by which nothing moves."""

    name = "own"

    def __init__(self, shared: Shared | None = None) -> None:
        self.rank, self.size = (0, 1) if shared is None else (shared.rank, shared.size)
        self._found = shared
        super().__init__(device="cpu")

    def _average(self, tensors: Sequence[Tensor]) -> None:
        pass

    def _average_elsewhere(
        self, gradients: Sequence[Tensor], loss: Tensor, flag: bool
    ) -> tuple[Tensor, bool]:
        raise NotImplementedError

    def _is_one_host(self) -> bool:
        return self._found is not None

    def _meet_neighbours(self) -> Shared | None:
        return self._found


def tried(engine: Own, elements: int = 3) -> list[str]:
    while not engine.reduction:
        engine.average([torch.ones(elements)], torch.zeros(()), False)
    return list(engine.reduction["ms"])


def average(engine: Own) -> dict[str, object]:
    engine.average([torch.ones(3)], torch.zeros(()), False)
    return engine.reduction


@pytest.mark.skipif(sys.platform != "linux", reason="ranks share memory on Linux only")
@pytest.mark.parametrize(
    ("size", "elements", "ways"),
    [
        (2, 10, ["shared", "own"]),
        (2, PIECE, ["shared", "shared, large pieces", "own"]),
        (3, PIECE, ["shared", "shared, large pieces"]),  # another order of summation gives other bits
    ],
)
def test_only_ways_of_the_same_bits_are_tried(size: int, elements: int, ways: list[str]) -> None:
    assert together(size, lambda shared: tried(Own(shared), elements)) == [ways] * size


@pytest.mark.skipif(sys.platform != "linux", reason="ranks share memory on Linux only")
def test_after_an_error_all_ranks_measure_anew() -> None:
    def settle(shared: Shared) -> tuple[bool, list[str]]:
        engine = Own(shared)
        average(engine)
        if shared.rank == 1:  # as if rank 0 had been broken off before it noted the time
            for choice in engine._choices.values():
                choice._trials.pop()
        return engine.settle(30.0), tried(engine)

    assert together(2, settle) == [(True, ["shared", "own"])] * 2


def test_where_there_is_one_way_nothing_is_measured() -> None:
    assert average(Own()) == {"path": "own", "ms": {}}


def test_a_user_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_REDUCTION", "own")
    assert average(Own()) == {"path": "own", "ms": {}}


def test_a_way_that_there_is_not_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_REDUCTION", "pigeons")
    with pytest.raises(DispatchError, match="AKIDLAB_REDUCTION is `pigeons`, expected `shared` or `own`"):
        Own()
