"""A kid is watched while it practises; watching changes nothing, and leaves nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from akidlab import DigitsSource, FeedSensor, InnerProductLayer, Kid, MomentumKongFu, TanhLayer
from akidlab.errors import UnknownNameError
from akidlab.messages import CallbackSubscriber, Message
from akidlab.watching import WatchOptions
from tests.patience import PATIENCE, until


def observed(heard):
    return [message.step for message in heard.messages if message.topic == "percentiles"]


def tags(heard):
    return {tag for message in heard.messages if message.topic == "percentiles" for tag in message.data.tags}


def test_the_first_step_and_every_so_many_are_looked_at(make_kid, listen):
    kid = make_kid(max_steps=11)
    heard = listen(kid)
    kid.watch(every=5)

    kid.practice()

    assert observed(heard) == [1, 5, 10]


def test_every_block_and_parameter_is_looked_at(make_kid, listen):
    kid = make_kid(max_steps=1)
    heard = listen(kid)
    kid.watch()

    kid.practice()

    assert {tag for tag in tags(heard) if tag.startswith("activations/")} >= {
        "activations/ip1", "activations/relu1", "activations/ip2"
    }  # fmt: skip
    assert tags(heard) >= {
        f"{topic}/ip1" for topic in ("weights", "biases", "weight_updates", "bias_gradients")
    }


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}, {"accumulate": 2}, {"precision": "bf16"}])
def test_watching_changes_no_weight(make_kid, weights_of, options):
    blind, seen = make_kid(dropout=0.3, **options), make_kid(dropout=0.3, **options)
    seen.watch(every=3, metrics=("norm:weights", "ratio:weight_updates,weights"))

    blind.practice()
    seen.practice()

    assert weights_of(blind).equal(weights_of(seen))


def test_after_practice_nothing_is_hooked_any_more(make_kid):
    kid = make_kid(max_steps=7)
    kid.watch(every=1)
    kid.practice()

    hooks = [
        len(getattr(module, name))
        for module in kid.brain.modules()
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    ]
    assert sum(hooks) == 0
    assert not kid.optimizer._optimizer_step_post_hooks
    assert len(kid.bus.subscribers) == 0


def test_a_kid_in_practice_begins_to_be_watched(make_kid, listen):
    kid = make_kid(max_steps=400)
    heard = listen(kid)
    kid.hooks.on_batch_end.append(lambda k: k.watch("weights", every=10) if k.step == 100 else None)
    kid.hooks.on_batch_end.append(lambda k: k.unwatch() if k.step == 200 else None)

    kid.practice()

    assert set(range(110, 201, 10)) <= set(observed(heard)) <= set(range(100, 211))


def test_another_thread_may_ask_for_it(make_kid, listen):
    kid = make_kid(max_steps=10**9)
    heard = listen(kid)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: kid.step > 0)

    kid.watch("weights", every=1)
    kid.hooks.on_batch_end.append(lambda k: k.controls.send("stop") if observed(heard) else None)
    thread.join(PATIENCE)

    assert observed(heard)


def test_a_wish_that_cannot_be_met_leaves_the_watch_as_it_was(make_kid, listen, monkeypatch):
    kid = make_kid(max_steps=10)
    heard, failed = listen(kid), []
    kid.watch("weights", every=2)
    monkeypatch.setattr("akidlab.kids.watched.validation_batch", lambda kid: 1 / 0)

    def wish(kid):
        if kid.step == 5:
            with pytest.raises(ZeroDivisionError):
                kid.watch("weights", every=1, metrics=("hessian",))
            failed.append(kid.watching.every)

    kid.hooks.on_batch_end.append(wish)
    kid.practice()

    assert (failed, observed(heard)) == ([2], [1, 2, 4, 6, 8, 10])


def test_a_run_that_cannot_be_watched_has_failed(make_kid, monkeypatch):
    kid = make_kid(record=True, watching={"metrics": "hessian"})
    monkeypatch.setattr("akidlab.kids.watched.validation_batch", lambda kid: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        kid.practice()

    assert (kid.run.status, kid.run.error) == ("failed", "ZeroDivisionError: division by zero")


def test_an_edited_brain_is_watched_as_it_is_now(make_kid, listen):
    kid = make_kid(max_steps=20)
    heard = listen(kid)
    kid.watch(every=1)

    def edit(k):
        if k.step == 10:
            k.edit(lambda brain: brain.insert_after("relu1", TanhLayer(name="tanh")))
            k.edit(lambda brain: brain.insert_after("tanh", InnerProductLayer(out_channel_num=7, name="new")))

    kid.hooks.on_batch_end.append(edit)

    kid.practice()

    assert tags(heard) >= {"activations/tanh", "weights/new"}
    assert observed(heard)[-1] == 20


def test_a_watched_kid_is_recorded_and_resumes_bit_for_bit(tmp_path, weights_of):
    def make(steps):
        kid = Kid(FeedSensor(DigitsSource(), seed=3), brain(), MomentumKongFu(0.05), max_steps=steps,
                  log_dir=tmp_path, skip_validation=True, watching={"every": 4})  # fmt: skip
        return kid

    def brain():
        from akidlab.models.brains import OneLayerBrain

        return OneLayerBrain()

    whole = make(20)
    whole.practice()
    half = make(8)
    half.log_dir = tmp_path / "half"
    half.practice()
    half.max_steps = 20
    half.practice()

    assert weights_of(whole).equal(weights_of(half))
    assert list(whole.run.percentiles("weights/ip1").steps) == [1, 4, 8, 12, 16, 20]


def test_metrics_are_recorded_by_topic_and_block(make_kid):
    kid = make_kid(max_steps=20, record=True)
    kid.watch("none", metrics=("norm:weights",), every=10)

    kid.practice()

    assert list(kid.run.scalars("weights_norm2/ip1").steps) == [1, 10, 20]
    assert kid.run.distributions() == []
    assert kid.run.scalars("weights_norm2/ip1").last == pytest.approx(
        float(kid.brain["ip1"].weight.detach().norm()), 0.05
    )


@pytest.mark.parametrize(
    ("metric", "sooner", "tag"),
    [
        ("cka", "cka?frequency=1", "self_similarity_cka/ip1"),
        ("svcca", "svcca?frequency=1", "self_similarity/ip1"),
        ("gradient_noise_scale", "gradient_noise_scale?window=5", "gradient_noise_scale"),
    ],
)
def test_a_metric_that_saw_too_little_says_so_and_what_to_ask_for(make_kid, metric, sooner, tag):
    kid = make_kid(max_steps=60, record=True)
    kid.watch("none", metrics=metric, doctor=False)

    kid.practice()
    (line,) = kid.run.logs()

    assert (line.level, tag in kid.run.tags()) == ("warning", False)
    assert line.text.startswith(f"`{metric}` recorded nothing: ")
    assert f"`{sooner}`" in line.text


def test_a_similarity_at_each_look_is_recorded_and_no_more_is_said(make_kid):
    kid = make_kid(max_steps=60, record=True)
    kid.watch("none", metrics="cka?frequency=1", doctor=False)

    kid.practice()

    assert list(kid.run.scalars("self_similarity_cka/ip1").steps) == [10, 20, 30, 40, 50, 60]
    assert kid.run.logs() == []


def test_a_metric_that_does_not_exist_is_refused_when_it_is_asked_for(make_kid):
    kid = make_kid()

    with pytest.raises(UnknownNameError, match=r"`nrom`.*`norm`"):
        kid.watch(metrics=("nrom:weights",))

    assert kid.watching is None


def test_a_metric_may_be_of_a_topic_of_ones_own(make_kid):
    kid = make_kid(max_steps=4, record=True)
    kid.bus.register_topic("temperature")

    kid.watch("none", every=1, metrics=["mean:temperature", "norm:weights"])
    kid.hooks.on_batch_end.append(
        lambda kid: kid.bus.publish(Message("temperature", torch.full((3,), 20.0), step=kid.step, key="lab"))
    )
    kid.practice()

    assert set(kid.run.scalars("temperature_mean/lab").values) == {20.0}
    assert replace(kid.watching, every=2).metrics == ("mean:temperature", "norm:weights")


def test_of_a_compiled_kid_the_parameters_are_watched(make_kid, listen, caplog):
    kid = make_kid(max_steps=2, compile={"backend": "eager"})
    heard = listen(kid)
    kid.watch(every=1)

    kid.practice()

    assert {tag.split("/")[0] for tag in tags(heard)} == {
        "weights", "biases", "weight_gradients", "bias_gradients", "weight_updates", "bias_updates"
    }  # fmt: skip
    (line,) = [m.data.text for m in heard.messages if m.topic == "log"]
    assert line.startswith("Of a compiled brain, parameters, their gradients and updates are watched")
    assert line.endswith("Practise with `compile=False` to see activations and layer gradients, too.")
    assert [r for r in caplog.records if r.name.startswith("akidlab")] == []  # one place is enough


def test_a_budget_is_kept_account_of(make_kid, listen):
    kid = make_kid(max_steps=300)
    heard = listen(kid)
    kid.watch(every=1, budget=0.02)

    kid.practice()

    share = heard.samples("observation_share")
    assert share
    assert all(0 <= value < 1 for value in share.values())
    assert len(observed(heard)) < 300


def test_options_are_part_of_a_kid(make_kid):
    kid = make_kid(watching={"topics": "gradients", "every": 7})

    assert kid.watching == WatchOptions(("gradients",), every=7)
    with torch.no_grad():
        assert kid.watching.kinds == ("weight_gradients", "bias_gradients")


@pytest.mark.ranks
def test_a_probe_is_made_while_it_practises_and_recorded(make_kid):
    kid = make_kid(max_steps=10**9, record=True)
    thread = threading.Thread(target=kid.practice, daemon=True)
    thread.start()
    until(lambda: kid.step > 0)

    found = kid.probe("hessian", count=2).result(2 * PATIENCE)
    step = kid.step
    kid.controls.send("stop")
    thread.join(PATIENCE)

    assert len(found) == 2
    assert found[0] > found[1]
    assert kid.run.scalars("hessian_eigenvalue/1").last == pytest.approx(found[0])
    assert kid.run.scalars("hessian_eigenvalue/1").steps[-1] < step


def test_a_metric_that_needs_data_is_given_a_validation_batch(make_kid):
    kid = make_kid(max_steps=4, record=True)
    kid.watch("none", metrics=("test_accuracy?frequency=1",), every=2)

    kid.practice()

    assert list(kid.run.scalars("test_accuracy").steps) == [1, 2, 4]
    assert 0 <= kid.run.scalars("test_accuracy").last <= 1


def test_whoever_listens_hears_of_epochs(make_kid):
    kid, heard = make_kid(max_epoch=2, batch_size=400), []
    kid.watch("none", doctor=False, every=1)
    kid.bus.subscribe(CallbackSubscriber(heard.append, topics=["epoch_started", "epoch_finished"]))

    kid.practice()

    assert [(m.topic, m.epoch) for m in heard] == [
        ("epoch_started", 0), ("epoch_finished", 1), ("epoch_started", 1), ("epoch_finished", 2)
    ]  # fmt: skip
