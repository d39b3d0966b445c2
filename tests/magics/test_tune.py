"""`%akid_tune` and `%%akid_tune`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from akidlab import Store, runs
from akidlab.errors import MagicError
from akidlab.magics.axes import axes
from akidlab.train import instance, ledger
from tests.magics.notebook import Notebook
from tests.train.shared import shared_nursery


@pytest.fixture(scope="module", autouse=True)
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with shared_nursery(tmp_path_factory):
        yield


SETUP = """
def setup(lr=0.1, steps=20):
    kid = make(max_steps=steps, val_log_step=5)
    kid.kongfu.set_lr(lr)
    return kid
"""


def test_axes_are_told_from_options_and_may_hold_blanks_and_quotes() -> None:
    assert axes("setup lr=[1, 2]  act=['a b', \"]\"] --repeat 2 k=(1, {'x': 2})") == (
        {"lr": "[1, 2]", "act": "['a b', \"]\"]", "k": "(1, {'x': 2})"},
        "setup --repeat 2",
    )
    assert axes("--name=quick") == ({}, "--name=quick")


def test_a_line_tunes_a_function_and_leaves_the_table(notebook: Notebook) -> None:
    notebook.run(SETUP)
    shown = notebook.run("found = %akid_tune setup lr=[0.1, 0.01] --slots 2 --repeat 2 --name quick")

    assert re.search(r"`quick`: 4 of 4 done, best validation loss [\d.]+ \(lr=0.1.*\); [\d.]+ s\.", shown)
    assert notebook["found"] is notebook["results"]
    assert notebook["found"].lr.tolist() == [0.1, 0.01, 0.1, 0.01]
    assert notebook["found"].run.tolist() == ["quick.0", "quick.1", "quick.2", "quick.3"]


def test_a_cell_is_the_template_and_the_parameters_are_names_in_it(notebook: Notebook) -> None:
    notebook.run(SETUP)
    notebook.run("%%akid_tune lr=[0.1, 'oops'] --slots 1 --out found\nkid = setup(2 * lr)\nother = lr")

    assert notebook["found"].status.tolist() == ["finished", "failed"]
    assert runs()["tuning.0"].scalars("learning_rate").values.tolist()[0] == 0.2
    assert "kid" not in notebook.shell.user_ns
    assert notebook["found"].error[1].endswith("`lr` must be a number of 0 or more, found 'oopsoops'.")


def test_optuna_chooses_where_trials_are_asked_for(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    notebook.run(SETUP)
    shown = notebook.run("found = %akid_tune setup lr=(1e-3, 0.1, 'log') --trials 3 --slots 1 --seed 4")

    assert shown == ""
    assert len(notebook["found"]) == 3
    assert notebook["found"].lr.between(1e-3, 0.1).all()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "Name the function that makes a kid"),
        ("setpu", "`the template`: `setpu` cannot be evaluated: NameError"),
        ("setup lr=[1", "`[1` lacks its closing `]`"),
        ("setup lr= [1]", "`lr=` needs a value right behind it"),
        ("setup lr=[1] lr=[2]", "`lr` is there twice"),
        ("setup rate=[1]", "There is no argument of `setup` `rate`"),
        ("setup lr=[1] --repeat 0", "`--repeat` is a whole number of 1 or more; found `0`"),
        ("setup lr=[1] --repeat 2 --trials 2", "Say `--repeat` or `--trials`, not both"),
        ("setup lr=[1] --metric x", "`--metric` belongs to `--trials`"),
        ("setup lr=(2, 1) --trials 2", "`lr` may be a tuple `(low, high)`"),
        ("setup --trials 2", "There is nothing to search"),
        ("setup lr=[1] --name a --resume b", "Say `--name` or `--resume`, not both"),
        ("setup lr=[1] --resume none", "There is no tuning `none` to resume"),
        ("setup lr=[1] opt_paras=[{}]", "Give `opt_paras=...` or parameters by name, not both"),
        ("setup lr=[1] --out 3", "`--out` is the name of a variable, found `3`"),
        ("setup lr=[1] --slotz 3", "There is no option `--slotz`. Did you mean `--slots`?"),
    ],
)
def test_a_line_that_cannot_be_meant_is_answered_in_plain_words(
    notebook: Notebook, line: str, complaint: str
) -> None:
    notebook.run(SETUP)

    with pytest.raises(MagicError, match=re.escape(complaint)):
        notebook.run(f"%akid_tune {line}")
    assert len(runs()) == 0


def test_a_cell_names_no_function_and_holds_python(notebook: Notebook) -> None:
    with pytest.raises(MagicError, match="`setup` is too much: the cell itself makes the kid"):
        notebook.run("%%akid_tune setup lr=[1]\nkid = make()")
    with pytest.raises(MagicError, match=r"is not Python: .*line 2"):
        notebook.run("%%akid_tune lr=[1]\nkid = make(")


def test_options_and_tunings_complete(notebook: Notebook) -> None:
    ledger.open_run(Store(), "sweep", instance.Instance(0))

    assert notebook.complete("%akid_tune setup --tr") == ["--trials"]
    assert notebook.complete("%%akid_tune --resume s") == ["sweep"]


def test_comments_may_stand_above_the_cell_magic(notebook: Notebook) -> None:
    with pytest.raises(MagicError, match=r"`\[nothing\]` cannot be evaluated"):
        notebook.run("# what follows tunes\n%%akid_tune lr=[nothing]\nkid = make()")
