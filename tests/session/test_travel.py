"""Names travel with their cell, or are reported before anything starts."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from akidlab.errors import MagicError
from akidlab.session.travel import pack_for, pack_names
from akidlab.worker.travel import unpack


def notebook(source: str, **names: object) -> dict[str, Any]:
    """A namespace like a notebook's, after a cell."""
    home: dict[str, Any] = {"__name__": "__main__", **names}
    exec(source, home)
    return home


def arrived(data: bytes) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    unpack(data, namespace)
    return namespace


def test_functions_classes_closures_constants_and_modules_travel() -> None:
    home = notebook("""
import math as m
RATE = 2
def twice(x): return RATE * x
class Maker:
    def make(self): return twice(m.floor(3.7))
def outer(k):
    def inner(): return k + Maker().make()
    return inner
inner = outer(10)
unused = 1
""")
    luggage = pack_for("value = inner()", home)
    there = arrived(luggage.data)
    exec("value = inner()", there)

    assert luggage.names == ("inner",)
    assert there["value"] == 16
    assert "unused" not in there


def test_functions_see_what_the_cell_binds_over_there_as_they_do_here() -> None:
    home = notebook("RATE = 1\ndef rate(): return RATE")
    there = arrived(pack_for("RATE = 5\nvalue = rate()", home).data)
    exec("RATE = 5\nvalue = rate()", there)

    assert there["value"] == 5


def test_a_hook_that_reads_the_last_kid_does_not_bring_it_along() -> None:
    home = notebook("def show(k): return kid.step", kid=threading.Lock(), make=dict)
    source = "kid = make()\nhook = show"

    assert pack_for(source, home).names == ("make", "show")


def test_every_name_that_cannot_travel_is_listed_with_its_reason() -> None:
    home = notebook("""
class Guarded:
    def __init__(self): self.lock = lock
def locked(): return guard
""", lock=threading.Lock(), fine=3)  # fmt: skip
    home["guard"] = home["Guarded"]()
    home["stream"] = (i for i in range(3))

    with pytest.raises(MagicError) as caught:
        pack_for("x = fine, locked(), [s for s in stream]", home)
    assert str(caught.value).splitlines() == [
        "Nothing was started: these names that the cell needs cannot travel to the ranks.",
        "  `locked`: a `function`, because of the name `guard` that it reads → its class `Guarded` → "
        "`Guarded.__init__` → the name `lock` that it reads: cannot pickle '_thread.lock' object",
        "  `stream`: a `generator`: cannot pickle 'generator' object",
        "Make them inside the cell, where each rank makes its own.",
    ]


def test_a_name_that_is_only_perhaps_needed_stays_when_it_cannot_travel() -> None:
    home = notebook("flag = False", lock=threading.Lock())

    assert pack_for("if flag:\n    lock = 1\nlock", home).names == ("flag",)


def test_magics_in_the_cell_are_refused_before_anything_starts() -> None:
    with pytest.raises(MagicError, match="run in the notebook only"):
        pack_for("get_ipython().run_line_magic('time', 'x')", {"get_ipython": print})


def test_a_value_travels_by_name_alone_too() -> None:
    there = arrived(pack_names({"kid": {"weights": [1, 2]}}, {}).data)

    assert there["kid"] == {"weights": [1, 2]}
