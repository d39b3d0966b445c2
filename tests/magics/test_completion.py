"""What a tab offers behind the magics."""

from __future__ import annotations

import pytest

from akidlab import Store
from akidlab.magics import load, unload
from tests.magics.notebook import Notebook


@pytest.mark.parametrize("magic", ["%akid_train", "%%akid_train"])
def test_options_complete_each_once(notebook: Notebook, magic: str) -> None:
    assert notebook.complete(f"{magic} --st") == ["--steps"]
    assert "--steps" not in notebook.complete(f"{magic} --steps 5 --s")
    assert notebook.complete(f"{magic} --n") == ["--name", "--network-interface", "--no-dashboard", "--np"]


def test_kids_of_the_notebook_complete_and_nothing_else_of_it(notebook: Notebook) -> None:
    notebook.run("kid, kindred = make(), 1")

    assert notebook.complete("%akid_train ki") == ["kid"]


def test_runs_complete_where_a_run_is_asked_for(notebook: Notebook) -> None:
    Store().create("digits")
    Store().create("my letters")

    assert notebook.complete("%akid_train --resume ") == ["'my letters'", "digits"]
    assert notebook.complete("%%akid_train kid --resume d") == ["digits"]
    assert notebook.complete("%akid_train --from d") == ["digits"]


def test_runs_that_train_are_offered_first_where_they_are_attached_to(notebook: Notebook) -> None:
    Store().create("digits", status="running")
    Store().create("my letters", status="finished")

    assert notebook.complete("%akid_runs --attach ") == ["digits", "'my letters'"]
    assert notebook.complete("%akid_runs --attach=d") == ["digits"]
    assert notebook.complete("%akid_runs --a") == ["--attach"]
    assert notebook.complete("run = akidlab.attach('") == ["digits", "my letters"]
    assert notebook.complete('attach("dig') == ["digits"]


def test_topics_complete_behind_a_metric_and_behind_a_comma(notebook: Notebook) -> None:
    assert notebook.complete("%akid_train --metrics spec") == ["spectral_norm"]
    assert notebook.complete("%akid_train --metrics norm:w") == [
        "weights",
        "weight_gradients",
        "weight_updates",
    ]
    assert notebook.complete("%akid_train kid --metrics norm spar") == ["sparsity"]
    assert notebook.complete("%%akid_train --metrics ratio:weight_updates,weights") == ["weights"]
    assert notebook.complete("%akid_train --watch weights,gra") == ["gradients"]
    assert notebook.complete("%akid_train --watch=gra") == ["gradients"]
    assert "all" in notebook.complete("%akid_train --metrics norm:")
    assert notebook.complete("%akid_train --metrics norm:conv") == []


def test_blocks_and_runs_complete_as_keys_and_nothing_else_does(notebook: Notebook) -> None:
    Store().create("digits")
    Store().create("my letters")
    notebook.run("from akidlab import runs\nbrain, found = make().brain, runs()")

    assert notebook.complete("brain['") == sorted(block.name for block in notebook["brain"])
    assert notebook.complete("found['") == ["digits", "my letters"]
    assert notebook.complete("runs()['") == ["my letters", "digits"]
    assert notebook.complete('x = akidlab.runs()["my l') == ["letters"]  # behind the blank
    assert notebook.complete("other.reruns()['d") != ["digits"]


def test_launchers_complete(notebook: Notebook) -> None:
    assert notebook.complete("%%akid_train -np 2 --launcher ") == ["horovod", "torch"]
    assert notebook.complete("%akid_pool --launcher=to") == ["torch"]


def test_pool_options_complete(notebook: Notebook) -> None:
    assert notebook.complete("%akid_pool --s") == ["--start", "--stop"]
    assert notebook.complete("%akid_runs --") == ["--attach", "--last"]


def test_loading_twice_changes_nothing_and_unloading_takes_all_away(notebook: Notebook) -> None:
    load(notebook.shell)
    assert notebook.complete("%akid_train --st") == ["--steps"]
    unload(notebook.shell)

    assert "akid_train" not in notebook.shell.magics_manager.magics["cell"]
    assert "--steps" not in notebook.complete("%akid_train --st")
    load(notebook.shell)
