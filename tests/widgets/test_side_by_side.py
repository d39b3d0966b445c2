"""Comparing runs: in words, as a picture, and as a browser is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

import akidlab
from akidlab import DigitsSource, FeedSensor, Kid
from akidlab.errors import KindError, UnknownNameError
from akidlab.messages import Message, Samples
from akidlab.models.brains import OneLayerBrain
from akidlab.store import Recorder, Run, Store
from akidlab.widgets.questions import answer


def practised(lr: float, steps: int = 40, *, live: bool = False, more: tuple[str, ...] = ()) -> Run:
    run = Store().create("digits", config={"lr": lr, "seed": 0})
    recorder = Recorder(run).start()
    losses = [1 / (1 + lr * step) for step in range(1, steps + 1)]
    for tag in ("loss", *more):
        recorder.hear(Message(tag, Samples(range(1, steps + 1), losses, [1e9] * steps)))
    recorder.hear(Message("validation_loss", Samples([steps], [losses[-1]], [1e9])))
    if live:
        recorder.flush()
    else:
        recorder.stop("finished")
    return run


def test_runs_are_named_as_one_likes() -> None:
    one, other = practised(0.1), practised(0.2)

    for asked in ([one, other], [one.name, other.uid], akidlab.runs()[::-1]):
        assert [run.uid for run in akidlab.compare(asked).runs] == [one.uid, other.uid]
    assert akidlab.compare("digits", other).runs.names() == ["digits", "digits-2"]


def test_what_cannot_be_compared_is_said() -> None:
    run = practised(0.1)

    with pytest.raises(KindError, match="From 2 to 50 runs are compared, found 1"):
        akidlab.compare(run)
    with pytest.raises(KindError, match="Runs are compared, or names of runs; found a int"):
        akidlab.compare(run, 3)
    with pytest.raises(KindError, match=r"`kid` has practised no run yet: `practice\(\)` begins one\."):
        akidlab.compare(run, Kid(FeedSensor(DigitsSource()), OneLayerBrain(), "momentum"))
    with pytest.raises(UnknownNameError, match=r"no run `digitz`\. Did you mean `digits`"):
        akidlab.compare(run, "digitz")


def test_it_reads_in_words_and_leaves_a_small_picture() -> None:
    compared = akidlab.compare(practised(0.1), practised(0.2))

    bundle = compared.picture()
    assert repr(compared) == "Comparison(digits | digits-2)\n  lr: digits 0.1 · digits-2 0.2"
    assert bundle["text/plain"] == repr(compared)
    assert "What changed" in bundle["image/svg+xml"]
    assert len(bundle["image/svg+xml"]) < 20_000


def test_it_gives_figures_and_tables() -> None:
    compared = akidlab.compare(practised(0.1), practised(0.2))

    assert [trace.name for trace in compared.figure("loss").data] == ["digits", "digits-2"]
    assert compared.to_pandas().loc["digits-2", "lr"] == 0.2
    labels = [axis.label for axis in compared.parallel().data[0].dimensions]
    assert labels == ["run", "lr", "validation loss"]
    assert compared.graph_changes() == [None, None]


def test_a_browser_is_told_the_same_by_the_kernel_and_by_the_server() -> None:
    one, other = practised(0.1), practised(0.2)
    compared = akidlab.compare(one, other)

    for what in ("about", "curves", "graphs", "parallel"):
        here = compared.ask("comparison", {"what": what})
        there = answer(other, "comparison", {"what": what, "uids": [one.uid, other.uid]})
        assert here.content == there.content
        assert list(here.buffers) == list(there.buffers)


def test_curves_come_end_to_end() -> None:
    compared = akidlab.compare(practised(0.1), practised(0.2))

    said = compared.ask("comparison", {"what": "curves"})
    values = np.frombuffer(said.buffers[1], np.float32)

    assert [tuple(one[1:]) for one in said.content["series"]] == [
        ("validation_loss", 1), ("loss", 40), ("validation_loss", 1), ("loss", 40),
    ]  # fmt: skip
    assert values[1] == np.float32(1 / 1.1)


def test_an_answer_about_live_runs_stays_below_20_kb_however_long_they_are() -> None:
    more = ("accuracy", "precision", "recall")
    live = [practised(lr, steps=50_000, live=True, more=more) for lr in (0.1, 0.2, 0.3)]
    compared = akidlab.compare(live)

    said = compared.ask("comparison", {"what": "curves"})
    part = compared.ask("comparison", {"what": "curves", "wanted": [live[0].uid]})

    assert len(json.dumps(said.plain)) < 20_000  # as the server sends it: bytes as text
    assert {one[0] for one in part.content["series"]} == {live[0].uid}


@pytest.mark.parametrize("asked", [{}, {"uids": []}, {"uids": ["nobody"], "what": "about"}, {"uids": 3}])
def test_what_makes_no_sense_is_refused(asked) -> None:
    run = practised(0.1)

    with pytest.raises(ValueError, match=r"`uids` is a list|There is no run|no run"):
        answer(run, "comparison", asked)
    with pytest.raises(ValueError, match="Nobody answers 'all'"):
        answer(run, "comparison", {"uids": [run.uid], "what": "all"})
