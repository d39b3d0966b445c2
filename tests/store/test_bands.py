"""Bands: what the store answers about a distribution."""

from __future__ import annotations

import numpy as np
import pytest

from akidlab.errors import KindError, UnknownNameError
from akidlab.messages import Event, Message, Percentiles
from akidlab.store import Bands, Recorder
from tests.store.observing import observed

NOISE = np.sort(np.random.default_rng(0).standard_normal((5000, 9)).astype(np.float32), axis=1)


def noise() -> Bands:
    return Bands("weights/conv1", np.arange(5000), NOISE, np.zeros(5000), "digits")


@pytest.fixture
def digits(store):
    run = store.create("digits")
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 0.5, step=1))
        for step in (10, 20, 30):
            recorder.hear(observed(step, ["weights/conv1", "activations/conv1"]))
    return run


def test_percentiles_become_bands_and_no_scalars(digits):
    bands = digits.percentiles("weights/conv1")

    assert digits.tags() == ["loss"]
    assert digits.distributions() == ["weights/conv1", "activations/conv1"]
    assert bands.steps.tolist() == [10, 20, 30]
    assert bands.values[1].tolist() == list(range(20, 29))
    assert (bands.counts.tolist(), bands.times.tolist()) == ([100] * 3, [1e9 + 10, 1e9 + 20, 1e9 + 30])
    assert (bands.run, bands.total, digits.step) == ("digits", 3, 30)


def test_the_newest_observation_up_to_a_step_is_told(digits):
    bands = digits.percentiles("weights/conv1")

    assert bands.last is not None
    assert bands.last.tolist() == list(range(30, 39))
    assert [None if (nine := bands.at(step)) is None else nine[0] for step in (9, 10, 29, 99)] == [
        *(None, 10.0, 20.0, 30.0)
    ]
    assert digits.percentiles("weights/conv1", since=30).last is None


def test_a_line_is_a_series(digits):
    median = digits.percentiles("weights/conv1").line(50)

    assert (median.tag, median.values.tolist()) == ("50%", [14.0, 24.0, 34.0])
    with pytest.raises(ValueError, match=r"no line of 95 percent\. Known: 0, 7, 16, 31, 50, 69, 84, 93, 100"):
        digits.percentiles("weights/conv1").line(95)


def test_thinned_bands_reach_as_far_as_all():
    thin = noise().thin(100)

    assert len(thin) <= 100
    assert (thin.values[:, 0].min(), thin.values[:, 8].max()) == (NOISE[:, 0].min(), NOISE[:, 8].max())
    assert thin.steps[[0, -1]].tolist() == [0, 4999]
    assert np.array_equal(thin.values, NOISE[thin.steps])
    assert thin.total == 5000
    with pytest.raises(ValueError, match="8 points or more, found 7"):
        noise().thin(7)


def test_bands_say_what_they_are(digits):
    bands = digits.percentiles("weights/conv1")

    assert repr(bands) == ("Bands('weights/conv1': 3 observations, steps 10 to 30, last 30 to 38, median 34)")
    assert repr(digits.percentiles("weights/conv1", since=30)) == "Bands('weights/conv1': no observations)"


def test_bands_are_a_table(digits):
    table = digits.percentiles("weights/conv1").to_pandas()

    assert table.columns.tolist() == [
        *("minimum", "7%", "16%", "31%", "50%", "69%", "84%", "93%", "maximum", "count", "time")
    ]
    assert table.loc[20, "maximum"] == 28.0


def test_a_tensor_that_was_not_observed_is_met_with_the_nearest(digits):
    with pytest.raises(
        UnknownNameError, match=r"no distribution `weight/conv1`\. Did you mean `weights/conv1`"
    ):
        digits.percentiles("weight/conv1")


def test_scalars_and_distributions_are_not_drawn_in_one(digits):
    with pytest.raises(
        KindError, match=r"`loss` is a scalar and `weights/conv1` a distribution\. Draw them in"
    ):
        digits.figure(["loss", "weights/conv1"])
    with pytest.raises(UnknownNameError, match=r"no scalar or distribution `weights/conv2`\. Did you mean"):
        digits.figure(["weights/conv1", "weights/conv2"])


def test_a_pulse_tells_what_there_is_to_read(digits):
    tag = digits.pulse().distributions["weights/conv1"]

    assert (tag.count, tag.step, tag.value, tag.rewrites) == (3, 30, 34.0, 0)


def test_odd_percentiles_do_not_end_the_recording(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        odd = Percentiles(["weights/a", "weights/b"], np.zeros((1, 9), np.float32), np.zeros(2, np.int64))
        recorder.hear(Message("percentiles", odd, step=3))
        recorder.hear(observed(4))

    assert run.logs()[0].text == (
        "`percentiles` of step 3 could not be recorded: percentiles of 2 tensors are (2, 9) values and 2"
        " counts, found (1, 9) and (2,)."
    )
    assert run.distributions() == ["weights/conv1"]


def test_nan_and_infinities_survive(store):
    run, nine = store.create("digits"), [-np.inf, *[0.0] * 6, np.inf, np.nan]

    with Recorder(run) as recorder:
        recorder.hear(observed(1, values=nine))

    assert np.array_equal(run.percentiles("weights/conv1").values, [nine], equal_nan=True)


def test_findings_are_what_was_found_wrong(store):
    run = store.create("digits")

    with Recorder(run) as recorder:
        found = {"text": "NaN", "finding": "not finite", "block": "conv1", "value": None}
        recorder.hear(Message("event", Event("warning", {"text": "the loss stands still"}), step=1))
        recorder.hear(Message("event", Event("warning", {"text": "x", "finding": "dead", "block": "relu1"})))
        recorder.hear(Message("event", Event("guard", found), step=7))

    dead, guard = run.findings()
    assert (dead.kind, dead.data["block"]) == ("warning", "relu1")
    assert (guard.kind, guard.step, guard.data) == ("guard", 7, found)
