"""A warning of akidlab is one sentence in the cell."""

from __future__ import annotations

import warnings

import pytest

import akidlab
from akidlab.magics import arguments


@pytest.mark.parametrize(
    ("file", "shown"),
    [(akidlab.__file__, "⚠ It is slow.\n"), ("mine.py", "mine.py:3: UserWarning: It is slow.\n")],
)
def test_a_warning_of_akidlab_is_the_sentence_that_it_is(file: str, shown: str) -> None:
    before = warnings.formatwarning

    with arguments.plainly():
        assert warnings.formatwarning("It is slow.", UserWarning, file, 3) == shown  # type: ignore[arg-type]
    assert warnings.formatwarning is before


def test_warnings_are_shown_as_ever_after_a_cell_that_failed() -> None:
    before = warnings.formatwarning

    with pytest.raises(ZeroDivisionError), arguments.plainly():
        _ = 1 / 0
    assert warnings.formatwarning is before
