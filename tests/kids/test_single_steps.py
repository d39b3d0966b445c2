"""Steps that somebody else asks for, one by one."""

from __future__ import annotations

import pytest
import torch

from akidlab import Kid, TorchKongFu


def test_steps_made_one_by_one_are_those_of_practice(make_kid, weights_of):
    practised, stepped = make_kid(dropout=0.5, max_steps=12), make_kid(dropout=0.5, max_steps=12)
    practised.practice()

    losses = [stepped.run_step()[0] for _ in range(12)]

    assert weights_of(stepped).equal(weights_of(practised))
    assert losses[-1] < losses[0]
    assert stepped.step == 0


def test_a_step_may_look_without_learning(make_kid, weights_of):
    kid = make_kid()
    kid.setup()
    before = weights_of(kid).clone()
    images, labels = kid.sensor.batch()

    loss, evals = kid.run_step(update=False, data=[images, labels])
    val_loss, val_evals = kid.run_step(val=True)

    assert weights_of(kid).equal(before)
    assert loss == pytest.approx(float(kid.brain([images, labels]).detach()))
    assert val_evals == pytest.approx({"accuracy": float(kid.brain.evals["accuracy"])}, abs=1)
    assert evals.keys() == val_evals.keys()
    assert val_loss != loss


def test_a_step_on_given_data_learns_that_batch(make_kid):
    kid = make_kid(clip_norm=1.0, kongfu="adam")
    data = [torch.rand(10, 1, 8, 8), torch.arange(10)]

    losses = [kid.run_step(data=data)[0] for _ in range(20)]

    assert losses[-1] < losses[0]


def test_a_step_leaves_the_generators_of_the_notebook_alone(make_kid):
    kid = make_kid(dropout=0.5)
    kid.setup()
    before = torch.get_rng_state()

    kid.run_step()

    assert torch.get_rng_state().equal(before)


def test_akids_other_names(make_kid, tmp_path):
    kid: Kid = make_kid(kongfu={"name": "rmsprop", "lr": 0.01}, log_dir=tmp_path, val_log_step=10)

    kid.practice()
    kid.teardown()

    assert isinstance(kid.kongfu, TorchKongFu)
    assert kid.save_to_ckpt().parent == kid.model_dir == tmp_path
    assert kid.best_val_evals == {"accuracy": max(evals["accuracy"] for evals in kid.eval_data_val)}
