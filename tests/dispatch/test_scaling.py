"""The simulator of scaling: its formulas against what they stand for, played through, and measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.cli import main
from akidlab.dispatch.measured import ALLREDUCE, MODELS, Measured
from akidlab.dispatch.scaling import BACKWARD, Network, Work, exposed, fitted, predict
from akidlab.errors import DispatchError

SECONDS = st.floats(1e-6, 10.0)


@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_a_ring_played_through_sends_what_the_formula_says(ranks: int) -> None:
    size = 24 * ranks
    parts = np.random.default_rng(0).integers(0, 9, (ranks, ranks, size // ranks))  # of a rank, by number
    total, sent, messages = parts.sum(axis=0), 0, 0

    for turn in range(2 * (ranks - 1)):  # first they add up, then they spread
        moving = [parts[rank, (rank - turn) % ranks].copy() for rank in range(ranks)]
        for rank, part in enumerate(moving):
            mine = parts[(rank + 1) % ranks, (rank - turn) % ranks]
            mine[:] = mine + part if turn < ranks - 1 else part
        sent, messages = sent + moving[0].size, messages + 1

    assert (parts == total).all()
    assert Network(latency=1.0, bandwidth=1e12).allreduce(0, ranks) == messages
    assert Network(latency=0.0, bandwidth=1.0).allreduce(size, ranks) == sent


@given(each=SECONDS, buckets=st.integers(1, 50), backward=SECONDS)
def test_buckets_played_through_wait_as_long_as_the_formula_says(
    each: float, buckets: int, backward: float
) -> None:
    free = 0.0
    for number in range(1, buckets + 1):
        ready = backward * number / buckets
        free = max(free, ready) + each

    assert exposed(each, buckets, backward) == pytest.approx(free - backward, rel=1e-6, abs=1e-9)


@given(st.integers(2, 64), st.floats(1e8, 1e11), st.floats(0, 1e-2))
def test_a_network_is_found_again_from_what_it_takes(ranks: int, bandwidth: float, overhead: float) -> None:
    network = Network(2e-5, bandwidth, overhead)
    times = {size: network.allreduce(size, ranks) for size in (10_000, 1_000_000, 100_000_000)}

    found = fitted(times, ranks)

    assert found.bandwidth == pytest.approx(bandwidth, rel=1e-2)
    assert found.overhead == pytest.approx(overhead, abs=1e-5)


def test_one_rank_waits_for_nobody_and_is_the_measure_of_the_others() -> None:
    step = predict(Work(4e6, 64, 0.01, 1e-3), Network(1e-5, 1e9, 1e-3), ranks=1)

    assert (step.waiting, step.efficiency, step.speedup) == (0.0, 1.0, 1.0)


def test_shared_batches_scale_until_the_network_is_all_there_is() -> None:
    work, network = Work(100e6, 256, 0.0, 1e-2), Network(2e-5, 1.25e9)
    steps = [predict(work, network, ranks) for ranks in (2, 8, 64, 4096)]

    waits = [step.waiting for step in steps]
    assert waits == sorted(waits)
    assert waits[-1] > 2 * work.size / network.bandwidth
    assert steps[0].efficiency > 0.9 > 0.2 > steps[2].efficiency
    assert predict(work, network, 64, weak=True).efficiency > 0.9


def test_what_is_sent_during_the_backward_pass_is_not_waited_for() -> None:
    work, network = Work(100e6, 256, 0.0, 1e-2), Network(2e-5, 1.25e9)

    after, during = predict(work, network, 4), predict(work, network, 4, buckets=10)

    assert during.waiting == pytest.approx(network.allreduce(work.size / 10, 4))
    assert during.waiting < after.waiting / 9
    assert network.allreduce(work.size, 4) < BACKWARD * after.compute


def test_work_is_split_into_what_the_batch_costs_and_what_comes_anyway() -> None:
    work = Work.measured(4e6, {64: 0.10, 32: 0.06})

    assert (work.compute(64), work.compute(32)) == (pytest.approx(0.10), pytest.approx(0.06))
    assert Work.measured(4e6, {64: 0.10}).compute(32) == pytest.approx(0.05)
    assert Work.measured(4e6, {64: 0.10, 32: 0.11}).compute(1) == pytest.approx(0.10)  # noise, not a bargain


@pytest.mark.parametrize("found", MODELS.values(), ids=MODELS.keys())
def test_one_and_two_measured_ranks_are_near_what_is_told_of_them(found: Measured) -> None:
    work, network = Work.measured(found.size, found.alone), fitted(ALLREDUCE, ranks=2)

    one, two = predict(work, network, ranks=1), predict(work, network, ranks=2)

    assert one.seconds == pytest.approx(found.alone[64])
    assert two.compute == pytest.approx(found.alone[32])
    assert two.seconds == pytest.approx(found.two, rel=0.3)


def test_the_page_tells_what_the_simulator_tells() -> None:
    page = (Path(__file__).parents[2] / "akidlab/dispatch/SCALING.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (.*) \|$", page, re.MULTILINE)
    networks = [Network(50e-6, bits * 1e9 / 8, 2e-3) for bits in (1, 10, 25, 100)]

    for millions, megabytes, cells in rows:
        work = Work(4e6 * int(millions), 64, 0.0, 0.25 / 64)
        told = [f"{predict(work, network, 16, weak=True).efficiency:.0%}" for network in networks]
        assert (int(megabytes), cells.split(" | ")) == (round(2 * 15 / 16 * work.size / 1e6 + 1e-6), told)
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Network(-1.0, 1e9), "a latency of 0 s or more"),
        (lambda: Network(0.0, 0.0), "a bandwidth above 0"),
        (lambda: Network(0.0, 1.0).allreduce(1, 0), "one rank or more"),
        (lambda: fitted({1000: 1.0}, 2), "times of several sizes"),
        (lambda: fitted({1000: 2.0, 2000: 1.0}, 2), "larger ones take longer"),
    ],
)
def test_what_makes_no_sense_is_told(make: object, told: str) -> None:
    with pytest.raises(DispatchError, match=told):
        make()  # type: ignore[operator]


def test_the_command_draws_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--parameters",
        "25e6",
        "--step",
        "0.3",
        "--batch",
        "64",
        "--bandwidth",
        "25",
        "--ranks",
        "1,16",
    ]

    status = main(["scaling", *options, "--weak"])

    out = capsys.readouterr().out
    assert status == 0
    assert "25 million parameters, 64 samples a step and rank, 25 Gbit/s" in out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert rows[0] == ["1", "300.00", "0.00", "1.00", "100%", "█" * 20]
    assert [row[0] for row in rows] == ["1", "16"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--parameters", "1e6"], "all three above 0"),
        (["--ranks", "two"], "`--ranks` is a list such as 1,2,4"),
        (["--buckets", "0"], "`--buckets` is one or more"),
        (["--bandwidth", "0"], "a bandwidth above 0"),
    ],
)
def test_options_that_make_no_sense_are_told(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scaling", *options]) == 1
    assert told in capsys.readouterr().err
