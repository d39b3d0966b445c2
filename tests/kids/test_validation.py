"""Validation: every sample counts once and alike, and nothing is learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu
from akidlab.errors import DataError


@pytest.mark.parametrize("batch_size", [7, 100, 360, 1000])
def test_a_validation_is_the_mean_over_samples(make_kid, batch_size):  # akid's: over batches, unweighted
    kid = make_kid()
    kid.sensor.val_batch_size = batch_size
    kid.practice()
    images, labels = kid.sensor.source.validation

    loss, evals = kid.validate()

    logits = kid.predict(images)
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert evals == {"accuracy": pytest.approx((logits.argmax(1) == labels).float().mean().item())}


def test_a_validation_learns_and_draws_nothing(make_kid, weights_of):
    kid = make_kid(dropout=0.5)
    kid.practice()
    before, random = weights_of(kid).clone(), kid.random

    assert kid.validate() == kid.validate()
    assert weights_of(kid).equal(before)
    assert kid.random is random
    assert kid.brain.training


def test_the_test_samples_are_measured_on_demand(make_kid):
    images, labels = torch.rand(50, 1, 8, 8), torch.arange(50) % 10
    part = (images, labels)
    kid = make_kid()
    kid.sensor = FeedSensor(ArraySource(part, part, (images[:20], labels[:20])), batch_size=10)
    kid.practice()
    before = kid.loss

    loss, evals = kid.validate("test")

    assert loss == pytest.approx(F.cross_entropy(kid.predict(images[:20]), labels[:20]).item(), rel=1e-5)
    assert kid.loss == before
    assert set(evals) == {"accuracy"}


def test_an_unknown_part_is_refused(make_kid):
    with pytest.raises(ValueError, match="`mode` is `val` or `test`, found 'train'"):
        make_kid().validate("train")


def test_a_source_without_validation_samples_says_what_to_do(make_kid):
    kid = make_kid()
    kid.sensor = FeedSensor(ArraySource((torch.rand(20, 1, 8, 8), torch.arange(20) % 10)), batch_size=10)

    with pytest.raises(DataError, match="skip_validation=True"):
        kid.practice()


def test_a_prediction_needs_no_labels(make_kid):  # akid's did
    kid = make_kid(max_steps=60)
    kid.practice()
    images, labels = kid.sensor.source.validation

    output = kid.predict(images)

    assert output.shape == (360, 10)
    assert not output.requires_grad
    assert (output.argmax(1) == labels).float().mean() == pytest.approx(kid.evals["accuracy"])


def test_a_prediction_takes_arrays_and_akids_lists(make_kid):
    kid = make_kid(max_steps=1)
    kid.practice()
    images, labels = kid.sensor.source.validation
    expected = kid.predict(images)

    assert kid.predict(images.numpy().astype(np.float64), batch_size=17).allclose(expected, atol=1e-6)
    assert kid.predict([images, labels]).equal(expected)


def test_a_kid_predicts_before_it_has_practised(make_kid):
    kid: Kid = make_kid(kongfu=MomentumKongFu())

    assert kid.predict(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_a_block_that_is_kept_in_validation_mode_stays_there(make_kid):
    kid = make_kid(max_steps=20, val_log_step=5, dropout=0.5)
    kid.hooks.on_train_begin.append(lambda k: k.brain["drop1"].eval())

    kid.practice()

    assert (kid.brain["ip1"].training, kid.brain["drop1"].training) == (True, False)


def test_a_batch_of_a_prediction_holds_a_sample(make_kid):
    with pytest.raises(ValueError, match="`batch_size` must be a whole number of 1 or more, found 0"):
        make_kid().predict(torch.rand(2, 1, 8, 8), batch_size=0)
