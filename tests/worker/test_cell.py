"""A cell on a rank runs as in a notebook, and what it binds is found by the next one."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import pytest

from akidlab import engines
from akidlab.errors import DispatchError
from akidlab.worker.cell import Notebook, alone
from akidlab.worker.collectives import Collectives
from akidlab.worker.travel import pack

GIVEN = {"rank": 1, "kid": "the kid"}


def test_the_value_of_the_last_expression_is_the_value_of_the_cell() -> None:
    notebook = Notebook()

    assert notebook.run("x = 2\nx * rank", "<cell>", GIVEN) == 2
    assert notebook.run("x = 3", "<cell>", GIVEN) is None
    assert notebook.run("x;", "<cell>", GIVEN) is None
    assert notebook.run("", "<cell>", GIVEN) is None


def test_functions_and_classes_of_one_cell_are_used_by_the_next() -> None:
    notebook = Notebook()
    notebook.run(
        "import math\ndef area(r):\n    return math.floor(FACTOR * r)\nclass Wide: pass", "<1>", GIVEN
    )

    assert notebook.run("FACTOR = 3\narea(2), Wide.__module__", "<2>", GIVEN) == (6, "__main__")
    assert notebook.own == {"math", "area", "Wide", "FACTOR"}
    assert sys.modules["__main__"] is not notebook.module


def test_names_that_cannot_be_read_leave_nothing_behind() -> None:
    notebook, home = Notebook(), {"rate": 1}
    notebook.run("rate = 2", "<1>", GIVEN)
    exec("def double():\n    return 2 * rate", home)
    names = pack({"double": home["double"]}, home)[:-8]  # it was torn on the way

    with pytest.raises(Exception, match="truncated"):
        notebook.run("double()", "<2>", GIVEN, names)
    assert "kid" not in notebook.module.__dict__
    assert notebook.run("rate", "<3>", GIVEN) == 2


def test_what_a_cell_binds_is_its_own_and_what_it_only_reads_is_the_notebooks() -> None:
    notebook, home = Notebook(), {"lr": 0.1, "other": 1}
    notebook.run("lr", "<cell>", GIVEN, pack({"lr": 0.1}, home))
    assert notebook.run("lr", "<cell>", GIVEN, pack({"lr": 0.2}, home)) == 0.2
    assert notebook.own == set()
    notebook.run("lr = 5", "<cell>", GIVEN)

    assert notebook.run("lr", "<cell>", GIVEN, pack({"lr": 0.3}, home)) == 5
    assert notebook.own == {"lr"}
    notebook.run("del lr", "<cell>", GIVEN)
    assert notebook.run("lr", "<cell>", GIVEN, pack({"lr": 0.4}, home)) == 0.4


def test_what_is_given_is_there_anew_in_each_cell_unless_one_bound_it() -> None:
    notebook = Notebook()
    assert notebook.run("kid", "<cell>", GIVEN) == "the kid"
    assert "kid" not in notebook.module.__dict__  # nothing here keeps it alive
    notebook.run("kid = 'mine'", "<cell>", GIVEN)

    assert notebook.run("kid", "<cell>", GIVEN) == "mine"
    notebook.run("del kid", "<cell>", GIVEN)
    assert notebook.run("kid", "<cell>", GIVEN) == "the kid"


def test_what_was_bound_before_an_error_stays_and_the_traceback_shows_the_lines() -> None:
    notebook = Notebook()
    notebook.run("def fail():\n    return 1 / 0  # here", "<one>", GIVEN)

    with pytest.raises(ZeroDivisionError) as caught:
        notebook.run("x = 1\nfail()\ny = 2", "<two>", GIVEN)
    told = "".join(traceback.format_exception(caught.value))
    assert "fail()" in told
    assert "return 1 / 0  # here" in told
    assert notebook.own == {"fail", "x"}


def test_on_some_ranks_nothing_is_done_together_with_the_others() -> None:
    engine: Any = engines.get("single")
    collectives = Collectives(engine)
    with (
        alone(engine, "rank 1"),
        pytest.raises(DispatchError, match=r"`sum` waits for all ranks, and this cell runs on rank 1 alone"),
    ):
        engine.sum({"a": 1.0})

    assert engine.sum({"a": 1.0}) == {"a": 1.0}
    assert collectives.number == 1


def test_a_name_that_a_cell_binds_is_its_own_even_if_it_is_the_same_there() -> None:
    notebook, home = Notebook(), {"n": 5}
    notebook.run("n = 5\nif rank > 5:\n    other = 1", "<cell>", GIVEN, pack({"n": 5, "other": 2}, home))

    assert notebook.own == {"n", "other"}
    assert notebook.run("n, other", "<cell>", GIVEN, pack({"n": 6, "other": 3}, home)) == (5, 2)
