from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akidlab.errors import DataError
from akidlab.messages.picture import picture
from akidlab.widgets.explorer import Explorer


class FakeNetwork:
    facts = {"shape": [1, 2, 2], "many": 3, "can_draw": True, "why": ["saliency"]}  # noqa: RUF012

    def look(self, index: int | None = None, **wanted: Any) -> dict[str, Any]:
        if index == 7:
            raise DataError("There are 3 samples to look at, 0 to 2; found 7.")
        if index == 8:
            raise RuntimeError("a block of the user's")
        image = picture(np.ones((1, 1, 2, 2)))
        seen = {"input": image, "maps": {"why": image}, "classes": [0, 1], "shares": [0.25, 0.75]}
        if wanted.get("why"):
            seen["why"] = image
        return {**seen, "label": 1, "step": 4, "live": False, "note": ""}


def test_an_answer_has_the_sample_the_maps_and_what_it_hangs_on() -> None:
    answer = Explorer(FakeNetwork()).ask("look", {"index": 0, "why": "saliency"})

    told: Any = answer.content["pictures"]
    assert [one["tag"] for one in told] == ["maps/system_in", "maps/why", "why"]
    assert len(answer.buffers[0]) == 12
    assert (answer.content["shares"], answer.content["label"]) == ([0.25, 0.75], 1)


def test_it_prints_as_what_it_is() -> None:
    assert repr(Explorer(FakeNetwork())) == "Explorer(3 samples of [1, 2, 2])"


def test_the_picture_is_small_and_says_what_is_seen() -> None:
    bundle = Explorer(FakeNetwork()).picture()

    assert bundle["text/plain"] == "Explorer: Label: 1; PL: 1 (75%)"
    assert len(bundle["image/svg+xml"]) < 20_000


@pytest.mark.parametrize(
    ("question", "asked", "said"),
    [
        ("look", {"index": 7}, "There are 3 samples to look at"),
        ("look", {"index": 8}, "RuntimeError: a block of the user's"),
        ("look", {"index": "x"}, "`index` is a whole number"),
        ("look", {"target": True}, "`target` is a whole number"),
        ("look", 3, "Nobody answers 'look'"),
        ("jump", {}, "Nobody answers 'jump'"),
    ],
)
def test_what_makes_no_sense_is_told_to_who_asks(question: str, asked: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Explorer(FakeNetwork()).ask(question, asked)
