"""What a cell reads from the notebook, found without running it."""

from __future__ import annotations

import pytest

from akidlab.errors import MagicError
from akidlab.session.freenames import free_names


def test_a_name_is_needed_when_it_is_read_before_the_cell_binds_it() -> None:
    free = free_names("sensor = make(rate)\nkid = Kid(sensor)\nn += 1")

    assert free.needed == {"make", "rate", "Kid", "n"}
    assert free.bound == {"sensor", "kid", "n"}


def test_what_the_cell_binds_first_stays_at_home_though_the_notebook_has_it_too() -> None:
    assert free_names("brain = Brain()\nkid = Kid(brain)\nkid.x = 1").needed == {"Brain", "Kid"}


def test_functions_of_the_cell_read_when_they_are_called_so_later_names_count_as_bound() -> None:
    free = free_names(
        "hook = lambda kid: print(lr, other)\ndef f():\n    return g()\ndef g():\n    return lr\nlr = 1"
    )

    assert free.needed == {"print", "other"}


def test_the_class_body_is_read_at_once_and_its_methods_do_not_see_its_names() -> None:
    free = free_names("class A(B):\n    k = q\n    r = k\n    def f(self, x):\n        return k + x + self.y")

    assert free.needed == {"B", "q", "k"}


def test_comprehensions_keep_their_variables_to_themselves_but_a_walrus_binds() -> None:
    free = free_names("x = [(last := i) * z for i in range(n) if i > low]\nlast")

    assert free.needed == {"z", "range", "n", "low"}
    assert free.bound == {"x", "last"}


@pytest.mark.parametrize(
    ("source", "perhaps"),
    [
        ("if a:\n    b = 1\nelse:\n    c = 2\nb, c", {"b", "c"}),
        ("if a:\n    b = 1\nelse:\n    raise ValueError\nb", set()),
        ("for i in r:\n    t = i\n    t\nt, i", {"t", "i"}),
        ("while a:\n    t = 1\n    break\nt", {"t"}),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None\nnp", set()),
        ("try:\n    u = 1\nexcept OSError as e:\n    print(e)\nu", {"u"}),
        ("match s:\n    case [a, *b]:\n        m = a, b\n    case {'k': v, **o}:\n        v, o\nm", {"m"}),
        ("with open(p) as f, g:\n    d = f\nd, f", set()),
        ("def f():\n    return t\nif a:\n    t = 1\nf()", {"t"}),
        ("x = 1\ndel x\nx", {"x"}),
    ],
)
def test_what_is_bound_on_some_ways_only_is_perhaps_needed(source: str, perhaps: set[str]) -> None:
    assert free_names(source).perhaps == perhaps


def test_the_names_every_namespace_has_are_never_asked_for() -> None:
    assert free_names("class A:\n    x: int = 1\nprint(__name__, __file__)").needed == {"int", "print"}


def test_a_cell_that_awaits_is_told_what_to_do() -> None:
    with pytest.raises(MagicError, match=r"Line 2 of the cell awaits at top level.*Await in a cell above"):
        free_names("x = 1\ny = await fetch()")


def test_what_is_not_python_is_a_syntax_error_of_the_cell() -> None:
    with pytest.raises(SyntaxError, match="never closed"):
        free_names("kid = Kid(", "Cell In[3]")
