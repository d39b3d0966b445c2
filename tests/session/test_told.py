"""What a loop tells is gathered by step, however often it is read."""

from __future__ import annotations

from akidlab.session.told import Told


def taken(told):
    return [(name, list(samples.steps), list(samples.values)) for name, samples in told.take()]


def test_a_step_that_goes_on_after_it_was_read_has_the_mean_of_all():
    told = Told()
    told.note("loss", 1.0, step=1)
    told.note("loss", 2.0, step=2)
    assert taken(told) == [("loss", [1, 2], [1.0, 2.0])]

    told.note("loss", 4.0, step=2)
    told.note("loss", 5.0, step=3)

    assert taken(told) == [("loss", [2, 3], [3.0, 5.0])]
    assert taken(told) == []
