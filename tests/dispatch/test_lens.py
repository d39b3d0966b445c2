"""Who lags and who drifts, by what ranks measure, here made up."""

from __future__ import annotations

import numpy as np
import pytest

from akidlab.dispatch.abreast import Abreast, Block
from akidlab.dispatch.lens import IN_A_ROW, WELL, Finding, Lens


def block(*own: list[float], first: int = 1, queued: list[list[float]] | None = None) -> Block:
    """Steps of ranks that work so many milliseconds."""
    work = np.array(own) / 1000
    steps = np.arange(first, first + work.shape[1])
    wait = np.zeros_like(work) if queued is None else np.array(queued) / 1000
    return Block(steps, steps + 0 * work, steps + 0 * work, work, wait)


def lagging(lens: Lens, *own: list[float], **more: object) -> list[tuple[int, int]]:
    return [(finding.rank, finding.step) for finding in lens.look(block(*own, **more))]  # type: ignore[arg-type]


LONG = 30


def test_who_works_longer_at_six_steps_in_a_row_lags() -> None:
    lens = Lens(["here"] * 3)

    assert lagging(lens, [5.0] * LONG, [5.0] * 10 + [55.0] * 20, [6.0] * LONG) == [(1, 10 + IN_A_ROW)]
    assert lens.lags == {1: pytest.approx(55 / 5.5)}
    assert lagging(lens, [5.0] * LONG, [55.0] * LONG, [6.0] * LONG, first=31) == []  # it is known


def test_it_is_told_across_blocks() -> None:
    lens = Lens(["here"] * 2)

    told = [lagging(lens, [5.0], [55.0], first=step) for step in range(1, 9)]
    assert told == [[]] * 5 + [[(1, 6)]] + [[]] * 2


@pytest.mark.parametrize(
    "slow",
    [
        [55.0 if step % IN_A_ROW else 5.0 for step in range(LONG)],  # now and then it keeps up
        [8.0] * LONG,  # 60 %, but three milliseconds
        [105.0 if step == 7 else 5.0 for step in range(LONG)],  # once
    ],
)
def test_who_is_disturbed_does_not_lag(slow: list[float]) -> None:
    assert lagging(Lens(["here"] * 2), [5.0] * LONG, slow) == []


def test_long_steps_that_differ_by_little_are_no_lag() -> None:
    assert lagging(Lens(["here"] * 2), [500.0] * LONG, [700.0] * LONG) == []


def test_who_waits_for_a_core_that_others_take_does_not_lag() -> None:
    queued = [[0.0] * LONG, [50.0] * LONG]

    assert lagging(Lens(["here"] * 2), [5.0] * LONG, [55.0] * LONG, queued=queued) == []
    assert lagging(Lens(["here", "there"]), [5.0] * LONG, [55.0] * LONG, queued=queued) == [(1, IN_A_ROW)]


def test_steps_before_which_something_else_was_done_do_not_count() -> None:
    own = [[5.0] * LONG, [55.0] * LONG]
    own[1][3] = own[0][9] = float("nan")

    assert lagging(Lens(["here"] * 2), *own) == [(1, IN_A_ROW + 1)]


def test_who_keeps_up_again_lags_no_more_and_is_told_of_thrice_at_most() -> None:
    lens, step, told = Lens(["here"] * 2), 1, []
    for _ in range(5):
        told += lagging(lens, [5.0] * LONG, [55.0] * LONG, first=step)
        assert lens.lags.keys() == {1}
        lagging(lens, [5.0] * WELL, [5.0] * WELL, first=step + LONG)
        assert lens.lags == {}
        step += LONG + WELL

    assert len(told) == 3


def test_a_lag_is_told_in_words_with_what_to_do() -> None:
    lens = Lens(["ada", "bob"])
    [finding] = lens.look(block([5.0] * LONG, [55.0] * LONG))

    assert finding.text == (
        "Rank 1 lags on bob: its own work takes 55 ms a step, that of the others 5 ms (11 times), and all"
        " wait for it. Look at what only this rank does (a hook, its share of the data), and at what else"
        " runs on its machine."
    )
    assert (finding.kind, finding.data["by"]) == ("rank_lags", 11.0)


def sums(lens: Lens, step: int, *rows: list[int]) -> list[Finding]:
    names = ["conv1.weight", "ip1.weight"]
    found = []
    for rank, row in enumerate(rows):
        told = {"names": names, "steps": np.array([step]), "sums": np.array([row])}
        found += lens.compare(rank, told)
    return found


def test_of_two_ranks_the_second_differs_from_the_first() -> None:
    lens = Lens(["here"] * 2)
    assert sums(lens, 8, [1, 2], [1, 2]) == []
    [finding] = sums(lens, 16, [1, 2], [1, 3])

    assert (finding.kind, finding.rank, finding.step) == ("rank_drifts", 1, 16)
    assert finding.text.startswith(
        "Rank 1 drifts: its weights differ from those of rank 0 since a step from 8 to 15, in `ip1.weight`"
        " (which of the two is right, two ranks cannot tell). The ranks train different models now."
    )
    assert finding.text.endswith("go on from a checkpoint up to step 8.")
    assert sums(lens, 24, [1, 2], [1, 3]) == []  # it is known
    assert lens.drifts == {1: 16}
    assert lens.checked[0] != lens.checked[1]


def test_of_three_ranks_the_one_that_is_alone_drifts() -> None:
    found = sums(Lens(["here"] * 3), 8, [1, 9], [1, 2], [1, 2])

    assert [(finding.rank, finding.data["reference"]) for finding in found] == [(0, 1)]


def test_ranks_of_which_each_is_alone_are_held_against_the_first() -> None:
    found = sums(Lens(["here"] * 3), 8, [1, 1], [2, 2], [3, 3])

    assert [finding.rank for finding in found] == [1, 2]
    assert all("from the start" in finding.text and "begin anew" in finding.text for finding in found)


def test_a_rank_whose_weights_are_those_of_the_others_again_drifts_no_more() -> None:
    lens = Lens(["here"] * 2)
    sums(lens, 8, [1, 2], [1, 3])
    sums(lens, 16, [5, 6], [5, 6])

    assert lens.drifts == {}
    assert lens.checked[0] == lens.checked[1]


def test_ranks_in_the_midst_of_an_edit_are_not_compared() -> None:
    lens = Lens(["here"] * 2)
    lens.compare(0, {"names": ["a"], "steps": np.array([8]), "sums": np.array([[1]])})
    told = {"names": ["a", "b"], "steps": np.array([8]), "sums": np.array([[1, 2]])}

    assert lens.compare(1, told) == []


def said(*steps: int, own: float = 0.0) -> dict[str, np.ndarray]:
    zeros = np.zeros(len(steps))
    return {"steps": np.array(steps), "began": zeros, "ended": zeros, "own": zeros + own, "queued": zeros}


def test_steps_are_put_side_by_side_whoever_tells_first() -> None:
    abreast = Abreast(2)
    assert abreast.hear(1, said(1, 2, 3, own=1.0)) is None
    told = abreast.hear(0, said(1, 2, own=2.0))
    later = abreast.hear(0, said(3, 4))

    assert told is not None
    assert (told.steps.tolist(), told.own.tolist()) == ([1, 2], [[2.0, 2.0], [1.0, 1.0]])
    assert later is not None
    assert later.steps.tolist() == [3]


def test_a_step_that_was_made_again_counts_as_it_was_made_last() -> None:
    abreast = Abreast(2)
    abreast.hear(0, said(1, 2, own=1.0))
    abreast.hear(0, said(2, 3, own=5.0))
    told = abreast.hear(1, said(1, 2, 3))

    assert told is not None
    assert told.own[0].tolist() == [1.0, 5.0, 5.0]


def test_a_step_that_one_rank_never_tells_of_is_left_out() -> None:
    abreast = Abreast(2)
    abreast.hear(0, said(1, 2, 3))
    told = abreast.hear(1, said(1, 3))

    assert told is not None
    assert told.steps.tolist() == [1, 3]
