"""Whatever a browser asks of a run, it is answered, or told that it makes no sense."""

from __future__ import annotations

import json

import pytest
from tapped import scalar

from akidlab.store import Recorder, Run
from akidlab.widgets.questions import QUESTIONS, answer

WORDS = (
    "before has known level metrics name names points rank rewrites since spread step tag tags topic uid uids"
)
HOSTILE = [
    None, True, -1, 0, 10**30, -(10**30), 2**63, 0.5, float("nan"), float("inf"), "", "../run.db", "\0",
    "\ud800", "a" * 10_000, [], [10**30], ["loss"], [["loss"]], {}, {"loss": 10**30}, {"loss": -(10**30)},
    {"loss": [1, 2]},
]  # fmt: skip


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_hostile_values_are_answered_or_refused(run: Run, recorder: Recorder, question: str) -> None:
    scalar(recorder, "loss", [1, 2], [0.5, 0.25])
    sound = {"uid": run.uid, "uids": [run.uid], "tags": ["loss"], "rewrites": 0, "topic": "filters"}
    kinds = [{}, *({"what": what} for what in ("about", "curves", "graphs"))]
    for asked in kinds if question == "comparison" else [{}]:
        for word in [*WORDS.split(), "wanted", "within", "words"]:
            for value in HOSTILE:
                try:
                    told = answer(run, question, {**sound, **asked, word: value})
                except ValueError:
                    continue
                json.dumps(told.plain, allow_nan=False)
