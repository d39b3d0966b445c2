"""Keep: which checkpoints stay on the disk, whatever happens in which order."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab import checkpoints
from akidlab.checkpoints import Checkpoint
from akidlab.errors import OptionError
from akidlab.kids import Keep

ASKED = st.builds(Keep, last=st.integers(1, 6), files=st.integers(1, 12), bytes=st.integers(1, 60))
WRITTEN = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9), st.booleans(), st.sampled_from([False, False, True])),
    min_size=1,
    max_size=60,
)


def at(step: int, size: int = 1, best: bool = False, pinned: bool = False) -> Checkpoint:
    return Checkpoint(step, Path(f"step-{step}.safetensors"), size, 0.0, best, pinned)


def practised(keep: Keep, steps: range) -> list[Checkpoint]:
    """What is there, the last written first, when a checkpoint was written at each of the steps."""
    there: list[Checkpoint] = []
    for step in steps:
        there = [at(step), *there]
        gone = keep.surplus(there)
        there = [one for one in there if one not in gone]
    return there


@given(ASKED, WRITTEN)
def test_there_is_never_more_than_the_bound_and_what_must_stay_stays(keep, written) -> None:
    there: list[Checkpoint] = []
    for step, size, is_best, is_pinned in written:  # in any order: a run may go back
        older = [at(one.step, one.size, one.is_best and not is_best, one.is_pinned) for one in there]
        there = [at(step, size, is_best, is_pinned), *(one for one in older if one.step != step)]
        gone = keep.surplus(there)
        there = [one for one in there if one not in gone]

        must = [one for i, one in enumerate(there) if i == 0 or one.is_best or one.is_pinned]
        assert not any(one.is_best or one.is_pinned for one in gone)
        assert there[0].step == step
        assert len(there) <= max(keep.files, len(must))
        assert sum(one.size for one in there) <= max(keep.bytes, sum(one.size for one in must))


@given(st.integers(1, 6), st.integers(3, 14), st.integers(1, 1000), st.integers(1, 400))
def test_the_gaps_between_older_ones_grow_smoothly(last, more, every, count) -> None:
    keep = Keep(last=last, files=last + more)

    there = practised(keep, range(every, every * count + 1, every))

    older = [0, *sorted(one.step for one in there[last:])]
    gaps = [after - before for before, after in pairwise(older)]
    assert all(max(gaps) <= one + next_ for one, next_ in pairwise(gaps))
    assert [one.step for one in there[:last]] == [every * (count - i) for i in range(min(last, count))]


def test_what_was_written_before_the_run_went_back_goes_first() -> None:
    there = [at(30), at(20), at(90), at(80), at(10)]

    assert Keep(files=3).surplus(there) == [at(90), at(80)]


@pytest.mark.parametrize("odd", [0, -1, 2.5, True])
def test_a_bound_that_makes_no_sense_is_refused(odd) -> None:
    with pytest.raises(ValueError, match=r"`keep\.last` must be a whole number of 1 or more"):
        Keep.of(odd)


def test_an_argument_that_it_does_not_take_is_refused() -> None:
    with pytest.raises(OptionError, match=r"no option of `keep` `foo`\. Known: last, files, bytes\."):
        Keep.of({"foo": 2})


def test_a_kid_keeps_to_its_bound_and_its_best(make_kid, tmp_path) -> None:
    kid = make_kid(max_steps=60, val_log_step=3, log_dir=tmp_path, keep={"last": 2, "files": 6})

    kid.practice()

    there = checkpoints.written(tmp_path)
    assert len(there) == 6
    assert [one.step for one in there[:2]] == [60, 57]
    assert any(one.is_best for one in there)


def test_what_somebody_asked_for_stays(make_kid, tmp_path) -> None:
    kid = make_kid(max_steps=60, val_log_step=5, log_dir=tmp_path, keep={"last": 1, "files": 3})
    kid.hooks.on_batch_end.append(lambda k: k.step == 7 and k.controls.send("save"))

    kid.practice()

    pinned = [one.step for one in checkpoints.on_the_way(tmp_path) if one.is_pinned]
    assert pinned in ([7], [8])  # the step that it was in
