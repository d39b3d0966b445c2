"""What a browser may ask about a run, over the comm or the server's route, in the same words."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akidlab.widgets import branching, comparing, description, others
from akidlab.widgets.bands import bands
from akidlab.widgets.charts import EXPLORED
from akidlab.widgets.figure import figure
from akidlab.widgets.graphs import graph
from akidlab.widgets.pictures import pictures

if TYPE_CHECKING:
    from akidlab.store import Run
    from akidlab.widgets.description import Plain


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: plain values, and numbers as bytes, which the browser takes as they are."""

    content: Plain
    buffers: Sequence[bytes] = field(default_factory=list)

    @property
    def plain(self) -> Plain:
        """All of it in JSON, for a way that carries no bytes."""
        return {"content": self.content, "buffers": [b64encode(buffer).decode() for buffer in self.buffers]}


Question = Callable[["Run", Mapping[str, object]], Answer]

QUESTIONS: dict[str, Question] = {
    "ancestors": lambda run, asked: Answer(*others.ancestors(run, asked)),
    "bands": lambda run, asked: Answer(*bands(run, asked)),
    "checkpoints": lambda run, asked: Answer(branching.checkpoints(run, asked)),
    "comparison": lambda run, asked: Answer(*comparing.answer(run, asked)),
    "figure": lambda run, asked: Answer(figure(run, EXPLORED)),
    "pictures": lambda run, asked: Answer(*pictures(run, asked)),
    "graph": lambda run, asked: Answer(graph(run, asked)),
    "log": lambda run, asked: Answer(description.log(run, asked)),
    "runs": lambda run, asked: Answer(others.runs(run, asked)),
    "series_of": lambda run, asked: Answer(*others.curves(run, asked)),
    "times": lambda run, asked: Answer(*others.times(run, asked)),
    "timeline": lambda run, asked: Answer(description.timeline(run, asked.get("name"))),
}


def answer(run: Run, question: object, asked: object) -> Answer:
    """What is known of `run`.

    Args:
        run: of which it is asked.
        question: one of `QUESTIONS`.
        asked: what is wanted, by name; each question has its own.

    Raises:
        ValueError: if there is no such question, or what is wanted makes no sense.

    Example:
        >>> answer(Store().create("digits"), "log", {"rank": 1}).content
        {'logs': [], 'more': False}
    """
    if not isinstance(question, str) or question not in QUESTIONS:
        raise ValueError(f"Nobody answers {question!r:.40}. Known questions: {', '.join(QUESTIONS)}.")
    if not isinstance(asked, Mapping):
        raise ValueError(f"A question names what it wants in an object, found {asked!r:.40}.")
    return QUESTIONS[question](run, asked)
