"""What a loop tells is gathered by step, however often it is read."""

from __future__ import annotations

import torch

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


def test_the_last_values_are_known_whether_they_were_taken_or_not():
    told = Told()
    for step in range(60):
        told.note("loss", float(step), step)
    list(told.take())
    told.note("loss", torch.tensor(60.0), 60)

    assert told.recent("loss") == [float(step) for step in range(10, 61)]
    assert told.recent("accuracy") == []
