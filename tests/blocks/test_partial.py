"""Running a part of a system, and putting values in the place of blocks."""

from __future__ import annotations

import pytest
import torch

from akidlab import Block, Brain, GraphSystem, MergeLayer


class Adds(Block):
    """Adds one and counts its calls."""

    NAME = "adds"
    calls = 0

    def forward(self, signal):
        self.calls += 1
        return signal + 1


def _row() -> GraphSystem:
    system = GraphSystem(name="row")
    system.attach(Adds(name="a"), Adds(name="b"), Adds(name="c"))
    return system.setup(torch.zeros(1))


def _calls(system: GraphSystem) -> list[int]:
    return [block.calls for block in system]


def test_a_pass_may_end_early():
    system = _row()
    before = _calls(system)

    assert system(torch.zeros(1), end_block="b").item() == 2
    assert [now - was for now, was in zip(_calls(system), before, strict=True)] == [1, 1, 0]


def test_a_pass_may_start_late_with_injected_data():
    assert _row()(None, start_block="c", injected_data={"b": [torch.full((1,), 10.0)]}).item() == 11


def test_injected_data_may_be_a_bare_tensor():
    assert _row()(None, start_block="b", injected_data={"a": torch.zeros(1)}).item() == 2


def test_a_pass_that_starts_late_reads_the_last_pass():
    system = _row()
    system(torch.full((1,), 5.0))

    assert system(None, start_block="c").item() == 8


def test_a_block_that_is_injected_does_not_run():
    system = _row()
    before = system["b"].calls

    assert system(torch.zeros(1), injected_data={"b": [torch.full((1,), 7.0)]}).item() == 8
    assert system["b"].calls == before


def test_injected_lists_keep_their_elements():
    class Splits(Block):
        NAME = "splits"

        def forward(self, signal):
            return [signal, signal * 2]

    system = GraphSystem()
    system.attach(Splits(), MergeLayer(inputs=[{"name": "splits1", "idxs": [0, 1]}]))
    system(torch.ones(1))

    injected = {"splits1": [torch.full((1,), 3.0), torch.full((1,), 4.0)]}
    assert system(None, start_block="merge1", injected_data=injected).item() == 7


def test_a_part_without_its_data_says_what_to_give():
    with pytest.raises(
        ValueError, match=r"`c` reads `b`, which does not run in this part .* injected_data=\{\"b\""
    ):
        _row()(None, start_block="c")


def test_a_part_names_existing_blocks():
    with pytest.raises(KeyError, match=r"There is no block `d`\."):
        _row()(torch.zeros(1), end_block="d")


def test_a_part_is_told_in_blocks_of_the_system_itself():
    system = GraphSystem().attach(GraphSystem(name="unit").attach(Adds(name="a")))
    system(torch.zeros(1))

    with pytest.raises(KeyError, match=r"There is no block `unit\.a`\. Did you mean `unit`\?"):
        system(torch.zeros(1), end_block="unit.a")


def test_a_part_runs_forwards():
    with pytest.raises(ValueError, match=r"`c` runs after `a`: nothing lies between them"):
        _row()(torch.zeros(1), start_block="c", end_block="a")


def test_a_part_needs_something_to_run():
    with pytest.raises(ValueError, match="Every block of that part is injected"):
        _row()(torch.zeros(1), end_block="a", injected_data={"a": torch.zeros(1)})


def test_gradients_flow_through_a_part():
    brain = Brain()
    brain.attach(Adds(name="a"), Adds(name="b"))
    brain.setup(torch.zeros(1))
    injected = torch.zeros(1, requires_grad=True)

    brain(None, start_block="b", injected_data={"a": injected}).backward()

    assert injected.grad.item() == 1
