"""A view: a picture for ever, a widget while its kernel lives."""

from __future__ import annotations

import pytest
from tapped import custom

from akidlab.widgets import assets
from akidlab.widgets.output import Bundle
from akidlab.widgets.questions import Answer
from akidlab.widgets.view import View

built = pytest.mark.skipif(not (assets.STATIC / "loader.js").exists(), reason="the widgets are not built")


class Answering(View):
    kind = "dashboard"

    def picture(self) -> Bundle:
        return {"text/plain": "a picture", "image/svg+xml": "<svg/>"}

    def ask(self, question: object, asked: object) -> Answer:
        if question == "double":
            return Answer({"said": 2}, [b"\x02"])
        if question == "broken":
            raise KeyError("gone")
        return super().ask(question, asked)


@built
def test_a_view_answers_each_question_with_its_number() -> None:
    view = Answering()
    view.widget._take({"kind": "ask", "id": "a", "question": "double"}, [])
    view.widget._take({"kind": "ask", "id": "b", "question": "treble"}, [])
    view.close()

    said = {content["id"]: (content, buffers) for content, buffers in custom()}
    assert said["a"][0]["content"] == {"said": 2}
    assert bytes(said["a"][1][0]) == b"\x02"
    assert "Nobody answers 'treble'" in said["b"][0]["error"]


@built
def test_who_asks_is_told_of_an_error_that_nobody_foresaw(caplog: pytest.LogCaptureFixture) -> None:
    view = Answering()
    view.widget._take({"kind": "ask", "id": "a", "question": "broken"}, [])
    view.close()

    assert custom()[0][0] == {"kind": "answer", "id": "a", "error": "KeyError: 'gone'"}
    assert "A widget could not answer" in caplog.text


@built
def test_a_view_that_is_closed_says_nothing_and_may_be_shown_again() -> None:
    view = Answering()
    first = view.widget
    view.close()
    view.tell({"kind": "news"})

    assert custom() == []
    assert view.widget is not first
    view.close()


def test_outside_of_a_notebook_a_view_is_its_picture_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    Answering().show()

    assert "a picture" in capsys.readouterr().out
