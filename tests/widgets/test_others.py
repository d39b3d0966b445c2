"""Other runs in the same chart: which there are, their curves, and when their steps were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from akidlab.errors import KindError
from akidlab.messages import Message, Samples
from akidlab.store import Recorder, Run, Store
from akidlab.widgets import Dashboard, assets
from akidlab.widgets.questions import answer

built = pytest.mark.skipif(not (assets.STATIC / "loader.js").exists(), reason="the widgets are not built")


def learn(run: Run, steps: int, tag: str = "loss", every: int = 1) -> Run:
    made = list(range(every, steps + 1, every))
    began = run.created
    with Recorder(run) as recorder:
        for tag_ in tag.split():
            samples = Samples(made, [1.0 / step for step in made], [began + 0.5 * step for step in made])
            recorder.hear(Message(tag_, samples, step=steps))
        recorder.stop("finished")
    return run


def numbers(buffer: bytes, kind: type = np.float64) -> list[float]:
    return np.frombuffer(buffer, kind).tolist()


def test_the_family_of_a_run_is_listed_first() -> None:
    store = Store()
    parent, stranger = store.create("parent"), store.create("stranger")
    own = store.create("own", parent=parent.uid)
    child = store.create("child", parent=own.uid)
    sibling = store.create("sibling", parent=parent.uid)
    newest = store.create("newest")

    told = answer(own, "runs", {}).content["runs"]

    assert [(one["uid"], one["kin"]) for one in told] == [  # type: ignore[index, union-attr]
        (sibling.uid, "sibling"),
        (child.uid, "child"),
        (parent.uid, "parent"),
        (newest.uid, None),
        (stranger.uid, None),
    ]


def test_runs_are_found_by_words_of_their_names() -> None:
    store = Store()
    own, wanted = store.create("own"), store.create("digits-slow")
    store.create("digits")

    told = answer(own, "runs", {"words": "SLOW digits"}).content

    assert [one["uid"] for one in told["runs"]] == [wanted.uid]  # type: ignore[index, union-attr]
    assert told["more"] == 0


def test_only_the_new_points_of_a_curve_are_told(run: Run) -> None:
    other = learn(Store().create("other"), 10)
    first = answer(run, "series_of", {"uid": other.uid, "tags": ["loss", "accuracy"]})
    asked = {"uid": other.uid, "tags": ["loss"], "since": {"loss": 8}, "rewrites": first.content["rewrites"]}

    then = answer(run, "series_of", asked)

    assert (first.content["series"], first.content["anew"]) == ([["loss", 10]], True)
    assert (then.content["series"], then.content["anew"]) == ([["loss", 2]], False)
    assert numbers(then.buffers[0]) == [9, 10]
    assert numbers(then.buffers[1], np.float32) == pytest.approx([1 / 9, 1 / 10])


def test_what_was_rewritten_is_told_anew(run: Run) -> None:
    other = learn(Store().create("other"), 10)
    asked = {"uid": other.uid, "tags": ["loss"], "since": {"loss": 10}, "rewrites": -1}

    assert answer(run, "series_of", asked).content["series"] == [["loss", 10]]


def test_bytes_do_not_grow_with_the_length_of_the_other_run(run: Run) -> None:
    tags = " ".join(f"metric{number}" for number in range(16))
    other = learn(Store().create("other"), 20_000, tags)

    told = answer(run, "series_of", {"uid": other.uid, "tags": tags.split()})

    assert sum(map(len, told.buffers)) <= 24_000 * 12


def test_when_steps_were_made_is_told_in_seconds_since_the_run_began(run: Run) -> None:
    other = learn(Store().create("other"), 100, every=10)
    with Store().writing() as db:
        db.execute("UPDATE runs SET started = created")

    told = answer(run, "times", {"uid": other.uid, "since": 70})

    assert numbers(told.buffers[0]) == [80, 90, 100]
    assert numbers(told.buffers[1], np.float32) == pytest.approx([40, 45, 50], abs=0.01)
    assert answer(run, "times", {}).content == {"count": 0}


@pytest.mark.parametrize(
    ("question", "asked", "says"),
    [
        ("runs", {"words": 3}, "`words` is a text, found 3"),
        ("series_of", {"tags": []}, "`uid` names a run, found None"),
        ("series_of", {"uid": "gone", "tags": []}, "The run `gone` is no longer in the store"),
        ("series_of", {"uid": "own", "tags": "loss"}, "`tags` is a list of names, found 'loss'"),
        ("series_of", {"uid": "own", "tags": [], "since": [1]}, "a step for each tag, found"),
        ("times", {"since": 0.5}, "`since` is a step, found 0.5"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, question: str, asked: dict[str, object], says: str) -> None:
    asked = {name: run.uid if value == "own" else value for name, value in asked.items()}

    with pytest.raises(ValueError, match=says):
        answer(run, question, asked)


@built
def test_a_dashboard_begins_with_the_runs_that_it_was_given(run: Run) -> None:
    other = Store().create("other")
    dashboard = Dashboard(run, others=[other])

    assert dashboard.widget.head["others"] == [other.uid]
    dashboard.close()


def test_a_run_of_another_store_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(KindError, match="only runs of one store are drawn over each other"):
        Dashboard(run, others=[Store(tmp_path / "elsewhere").create("far")])
    with pytest.raises(KindError, match="`others` are runs, found 'far'"):
        Dashboard(run, others=["far"])  # type: ignore[list-item]
