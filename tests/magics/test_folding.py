"""What a cell shows of an error deep within akidlab and torch."""

from __future__ import annotations

from akidlab import runs
from tests.magics.notebook import Notebook


def a_deep_error(notebook: Notebook) -> str:
    notebook.run(
        "def bad(kid):\n    kid.brain(np.zeros(3))\nkid = make()\nkid.hooks.on_batch_end.append(bad)"
    )
    return notebook.fail("%akid_train --no-dashboard")


def test_steps_within_akidlab_and_torch_are_left_out_and_counted(notebook: Notebook) -> None:
    shown = a_deep_error(notebook)

    assert "kid.brain(np.zeros(3))" in shown  # the user's step
    assert "practice.py" not in shown
    assert "steps within akidlab and torch are left out; `%tb Verbose` shows them]" in shown
    assert len(shown.splitlines()) < 40


def test_nothing_is_lost(notebook: Notebook) -> None:
    a_deep_error(notebook)

    assert "practice.py" in notebook.run("%tb Verbose")
    assert "practice.py" in runs()["tiny"].events("error")[-1].data["traceback"]


def test_the_body_of_a_cell_is_folded_too(notebook: Notebook) -> None:
    shown = notebook.fail("%%akid_train\nkid = make()\nkid.brain.setup(np.zeros(3))")

    assert "kid.brain.setup(np.zeros(3))" in shown
    assert shown.count("/akidlab/") <= 1


def test_a_cell_that_is_not_python_shows_nothing_but_itself_on_ranks_as_here(notebook: Notebook) -> None:
    here = notebook.fail("%%akid_train\nkid = make(")
    there = notebook.fail("%%akid_train -np 2\nkid = make(")

    assert "kid = make(" in here
    assert "kid = make(" in there
    assert "akidlab/" not in here + there
    assert "SyntaxError: '(' was never closed" in there
