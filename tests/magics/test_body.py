"""Which kid a cell means."""

from __future__ import annotations

import pytest

from akidlab import runs
from akidlab.errors import MagicError
from tests.magics.notebook import Notebook

QUIETLY = "%%akid_train --no-dashboard"


def test_the_only_kid_that_the_body_made_is_trained(notebook: Notebook) -> None:
    notebook.run("kid = make()")
    notebook.run(f"{QUIETLY}\nstudent = make(name='student')")

    assert (notebook["kid"].step, notebook["student"].step) == (0, 20)


def test_the_one_named_on_the_line_comes_first_then_kid(notebook: Notebook) -> None:
    notebook.run("%%akid_train b --no-dashboard\na, b, kid = make(), make(), make()")
    assert [notebook[name].step for name in ("a", "b", "kid")] == [0, 20, 0]
    notebook.run(f"{QUIETLY}\na, kid = make(), make()")

    assert [notebook[name].step for name in ("a", "kid")] == [0, 20]


@pytest.mark.parametrize("body", ["z = 3", "mine = [make()]", "kid.max_steps = 5"])
@pytest.mark.parametrize("line", ["", "kid"])
def test_a_body_that_makes_none_does_not_train_the_kid_of_an_earlier_cell(
    notebook: Notebook, line: str, body: str
) -> None:
    notebook.run("kid = make()")

    with pytest.raises(
        MagicError, match=r"made? no kid|did not.*To train `kid` of an earlier cell, write `%ak"
    ):
        notebook.run(f"%%akid_train {line}\n{body}")
    assert (notebook["kid"].step, len(runs())) == (0, 0)


def test_a_kid_of_an_earlier_cell_may_be_given_a_name(notebook: Notebook) -> None:
    notebook.run("students = [make()]")
    for _ in "ab":
        notebook.run(f"{QUIETLY} --steps 10\nkid = students[0]")

    assert notebook["students"][0].step == 20


def test_two_names_of_one_kid_are_one_kid(notebook: Notebook) -> None:
    notebook.run(f"{QUIETLY}\nteacher = student = make()")

    assert notebook["teacher"].step == 20


@pytest.mark.parametrize(
    ("line", "body", "complaint"),
    [
        ("", "a, b = make(), make()", "There are 2 kids here: a, b. Name the one to train: `%akid_train a`"),
        ("", "x = 1", "The cell made no kid. Its body builds one"),
        ("student", "kid = make()", "was to make the kid `student`, .* It made: kid"),
        ("x", "x = 3", "`x` is of type int; what trains is a Kid"),
        ("", "%%time\nkid = make()", "holds Python. Write the other magic above it"),
    ],
)
def test_a_body_that_leaves_a_doubt_is_answered(
    notebook: Notebook, line: str, body: str, complaint: str
) -> None:
    with pytest.raises(MagicError, match=complaint):
        notebook.run(f"%%akid_train {line}\n{body}")


def test_a_line_reaches_kids_in_lists_and_objects(notebook: Notebook) -> None:
    notebook.run("kids = [make(), make()]")
    notebook.run("%akid_train kids[1] --no-dashboard")

    assert [kid.step for kid in notebook["kids"]] == [0, 20]


def test_other_magics_may_stand_around_a_training_cell(notebook: Notebook) -> None:
    assert "Wall time" in notebook.run("%%time\n%%akid_train --no-dashboard\nkid = make()")
    assert notebook["kid"].step == 20
