"""What the browser is told of distributions: what it looks at, what is new, and never much."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akidlab.messages import Message, Percentiles
from akidlab.store import Recorder, Run, Store
from akidlab.widgets.bands import ROOM, bands
from akidlab.widgets.questions import answer

TAGS = [f"weights/conv{number}" for number in range(12)]
NINE = np.sort(np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32), axis=1)


def observe(recorder: Recorder, steps: Sequence[int], tags: Sequence[str] = TAGS) -> None:
    """Write one observation of every tag at each step; they grow with the steps."""
    for step in steps:
        rows = NINE[: len(tags)] * np.float32(step)
        found = Percentiles(tags, rows, np.full(len(tags), 800, np.int64))
        recorder.hear(Message("percentiles", found, step=step))
    recorder.flush()


def ask(run: Run, since: int | None = None, tags: Sequence[str] = TAGS, **asked: Any):
    return bands(run, {"names": 0, "tags": {tag: [since, 0] for tag in tags}, **asked})


def size(content: dict[str, Any], buffers: list[bytes]) -> int:
    """Bytes on the way through the server, where numbers are text."""
    return len(json.dumps(content)) + sum(map(len, buffers)) * 4 // 3


def test_what_is_seen_for_the_first_time_comes_whole(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 4), TAGS[:2])

    content, (steps, values) = ask(run, tags=TAGS[1:2])

    one = {"tag": "weights/conv1", "points": 3, "total": 3, "rewrites": 0, "anew": False, "elements": 800}
    assert content == {"names": TAGS[:2], "bands": [one], "more": False}
    assert np.frombuffer(steps).tolist() == [1, 2, 3]
    rows = np.frombuffer(values, np.float32).reshape(-1, 9)
    np.testing.assert_array_equal(rows, NINE[1] * np.arange(1, 4, dtype=np.float32)[:, None])


def test_what_is_followed_tells_only_what_is_new(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 41))

    content, (steps, _) = ask(run, since=39)
    again, nothing = ask(run, since=40, names=12)

    assert [one["points"] for one in content["bands"]] == [1] * 12
    assert set(np.frombuffer(steps)) == {40.0}
    assert again == {"names": [], "bands": [], "more": False}
    assert nothing == [b"", b""]


def test_a_tick_of_twelve_charts_stays_below_20_kb_however_much_came(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 2000))

    sizes = [size(*ask(run, since=since)) for since in (1, 1000, 1998)]

    assert max(sizes) <= 20_000
    assert sizes[-1] <= 3_000


def test_what_found_no_room_comes_next_and_the_longest_waiting_first(run: Run, recorder: Recorder) -> None:
    tags = [f"weights/conv{number}" for number in range(50)]
    observe(recorder, range(1, 100), tags)
    has = {tag: [10 if tag == tags[-1] else 20, 0] for tag in tags}

    content, buffers = bands(run, {"names": 50, "tags": has})

    assert content["more"]
    assert content["bands"][0]["tag"] == tags[-1]  # type: ignore[index]
    assert sum(map(len, buffers)) <= ROOM


def test_the_bytes_do_not_grow_with_the_run(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 1001), TAGS[:1])
    short = size(*ask(run, tags=TAGS[:1]))
    observe(recorder, range(1001, 8001), TAGS[:1])

    long = size(*ask(run, tags=TAGS[:1]))

    assert long <= 1.3 * short


def test_a_run_that_went_back_is_told_anew(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 11), TAGS[:1])
    run.rewind(5)

    content, (steps, _) = ask(run, since=10, tags=TAGS[:1])

    (one,) = content["bands"]
    assert (one["anew"], one["rewrites"], one["total"]) == (True, 1, 5)
    assert np.frombuffer(steps).tolist() == [1, 2, 3, 4, 5]


def test_a_stretch_of_steps_is_told_in_more_detail(run: Run, recorder: Recorder) -> None:
    observe(recorder, range(1, 1001), TAGS[:1])

    _, (steps, _) = ask(run, tags=TAGS[:1], within=[500, 540], points=600)

    assert np.frombuffer(steps).tolist() == list(range(500, 541))


def test_a_value_that_is_not_finite_travels(run: Run, recorder: Recorder) -> None:
    odd = np.array([[-np.inf, 0, 0, 0, np.nan, 1, 1, 1, np.inf]], np.float32)
    recorder.hear(Message("percentiles", Percentiles(["weights/a"], odd, np.array([9])), step=1))
    recorder.flush()

    _, (_, values) = ask(run, tags=["weights/a"])

    np.testing.assert_array_equal(np.frombuffer(values, np.float32), odd[0])


def test_a_run_that_was_never_looked_into_has_no_names(run: Run) -> None:
    assert bands(run, {})[0] == {"names": [], "bands": [], "more": False}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tags": ["weights/conv0"]}, "`tags` names what is looked at in an object"),
        ({"tags": {"weights/fc": [None, 0]}}, "There is no distribution 'weights/fc'"),
        ({"tags": {"weights/conv0": 7}}, "a step and a number of rewrites are known, found 7"),
        ({"tags": {"weights/conv0": [1.5, 0]}}, "a step and a number of rewrites"),
        ({"points": "many"}, "`points` is a number, found 'many'"),
        ({"names": None}, "`names` is a number, found None"),
        ({"within": [1]}, "`within` is the first and the last step"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, recorder: Recorder, asked: dict[str, Any], said: str
) -> None:
    observe(recorder, [1])

    with pytest.raises(ValueError, match=said):
        answer(run, "bands", asked)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TAGS), inner, max_size=3),
    max_leaves=6,
)


@given(asked=st.dictionaries(st.sampled_from(["names", "tags", "points", "within"]), PLAIN, max_size=4))
def test_whatever_is_asked_is_answered_or_refused(asked: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        answer(Store().create("digits"), "bands", asked)
