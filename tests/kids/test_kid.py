"""The Kid itself: what it is given, how it shows, and the run that it records."""

from __future__ import annotations

import doctest
import importlib

import pytest

from akidlab import runs
from akidlab.errors import StoreError
from akidlab.messages import Command
from akidlab.store import Store


def test_a_kid_is_given_steps_or_epochs_but_not_both(make_kid):
    with pytest.raises(ValueError, match="Give `max_steps` or `max_epoch`, not both"):
        make_kid(max_steps=1, max_epoch=1)


def test_a_kid_keeps_notes_while_it_practises_and_afterwards(make_kid):
    kid = make_kid(record=True, max_steps=4)
    kid.hooks.on_batch_begin.append(lambda kid: kid.step == 2 and kid.note("Half way."))
    kid.controls.open()
    kid.controls.send(Command("note", text="From a button."))
    kid.practice()
    kid.note("Done.")

    notes = [(note.step, note.data["text"]) for note in kid.run.events("note")]
    assert notes == [(0, "From a button."), (2, "Half way."), (4, "Done.")]


def test_a_kid_without_a_run_keeps_no_note(make_kid):
    with pytest.raises(StoreError, match="has no run to keep a note with"):
        make_kid().note("Too early.")


def test_epochs_become_steps(make_kid):
    assert make_kid(max_epoch=2).last_step == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int4"}, "`precision` is None or `bf16`, found 'int4'"),
        ({"clip_norm": 0}, "`clip_norm` must be above 0, found 0"),
        ({"accumulate": 0}, "`accumulate` must be a whole number of 1 or more, found 0"),
        ({"val_log_step": 0.5}, "`val_log_step` must be a whole number of 1 or more, found 0.5"),
        ({"num_epoch_per_log": 0}, "`num_epoch_per_log` must be a whole number of 1 or more, found 0"),
        ({"max_steps": -3}, "`max_steps` must be a whole number of 0 or more, found -3"),
        ({"max_steps": 10.5}, "`max_steps` must be a whole number of 0 or more, found 10.5"),
        ({"max_steps": "10"}, "`max_steps` must be a whole number of 0 or more, found '10'"),
        ({"max_epoch": float("nan")}, "`max_epoch` must be a number of 0 or more, found nan"),
        ({"clip_norm": "a"}, "`clip_norm` must be above 0, found 'a'"),
        ({"seed": None}, "`seed` must be a whole number, found None"),
        ({"seed": 1.5}, "`seed` must be a whole number, found 1.5"),
        ({"early_stopping": True}, "`patience` is a number of validations, 1 or more; found True"),
        ({"device": "gpu"}, "`device` is None or a device of torch, .*found 'gpu'"),
        ({"early_stopping": 2.5}, "`patience` is a number of validations, 1 or more; found 2.5"),
    ],
)
def test_a_bad_argument_is_refused_at_once(make_kid, options, message):
    with pytest.raises(ValueError, match=message):
        make_kid(**options)


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("horovd", "There is no engine `horovd`. Did you mean `horovod`"),
        (
            {"name": "data_parallel", "num_gpus": 2},
            "argument of the engine `data_parallel` `num_gpus`.*`num_gpu`",
        ),
        (2, "An engine is a name .*; found 2"),
    ],
)
def test_an_engine_that_is_not_there_is_refused_at_once(make_kid, engine, message):
    with pytest.raises((KeyError, TypeError), match=message):
        make_kid(engine=engine)
    kid = make_kid()
    with pytest.raises((KeyError, TypeError), match=message):
        kid.engine = engine


def test_how_long_may_be_said_later(make_kid):
    kid = make_kid(max_steps=None)

    with pytest.raises(ValueError, match=r"`max_steps` or `max_epoch` says how long.*`kid.max_steps = 1000`"):
        kid.practice()
    kid.max_steps = 1
    kid.practice()
    assert kid.step == 1


def test_a_misspelt_argument_is_refused(make_kid):
    with pytest.raises(TypeError, match="max_step"):
        make_kid(max_step=3)


@pytest.mark.parametrize("engine", ["single", {"name": "single"}])
def test_an_engine_is_a_name_or_a_dict(make_kid, engine):  # in akid, a name crashed
    kid = make_kid(engine=engine)

    kid.practice()

    assert (kid.engine.rank, kid.engine.size) == (0, 1)


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(make_kid, weights_of):
    import torch

    first, second = make_kid(seed=4), make_kid(seed=4)
    first.setup()
    torch.rand(10)
    second.setup()

    assert weights_of(first).equal(weights_of(second))


def test_a_practice_is_recorded_as_a_run(make_kid):
    kid = make_kid(record=True, name="tiny", max_steps=30)

    kid.practice()

    run = runs()["tiny"]
    assert (run.status, run.step, run.max_steps) == ("finished", 30, 30)
    assert len(run.scalars("loss")) == 30
    assert list(run.scalars("validation_loss").steps) == [0, 30]
    assert run.scalars("validation_loss").last == pytest.approx(kid.loss)
    assert run.config["batch_size"] == 100
    assert (run.folder / "step-30.safetensors").exists()


def test_a_failed_practice_is_recorded_with_its_traceback(make_kid):
    kid = make_kid(record=True, name="unlucky")
    kid.hooks.on_batch_begin.append(lambda k: 1 / 0)

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        kid.practice()

    run = runs()["unlucky"]
    assert (run.status, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert "1 / 0" in run.events("error")[0].data["traceback"]


def test_a_run_that_was_opened_stays_open_until_it_is_closed(make_kid, tmp_path):
    kid = make_kid(max_steps=5)
    run = kid.open_run("mine", config={"idea": "none"}, store=Store(tmp_path / "elsewhere"))
    kid.practice()
    kid.max_steps = 10

    kid.practice()
    kid.close_run()

    assert (run.name, run.config["idea"], len(run.scalars("loss"))) == ("mine", "none", 10)
    assert run.status == "finished"


def test_two_practices_of_one_name_are_two_runs(make_kid):
    for _ in range(2):
        make_kid(record=True, name="twin").practice()

    assert {run.name for run in runs()} == {"twin", "twin-2"}


def test_a_store_that_cannot_be_written_is_told_before_training_starts(make_kid, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "file"))
    kid = make_kid(record=True)

    with pytest.raises(OSError, match="file"):
        kid.practice()

    assert int(kid.clock) == 0


def test_a_run_can_be_restored_by_its_name(make_kid):
    make_kid(record=True, name="earlier", max_steps=12).practice()

    assert int(make_kid().restore("earlier").clock) == 12
    assert int(make_kid().restore(runs()["earlier"]).clock) == 12


def test_replaying_the_acts_of_a_run_gives_the_same_weights(make_kid, weights_of):
    live = make_kid(record=True, name="live", max_steps=60, dropout=0.3)
    for step, rate in ((10, 0.2), (33, 0.01)):
        live.hooks.on_batch_end.append(
            lambda k, step=step, rate=rate: k.controls.send("rate", rate) if k.step == step else None
        )
    live.practice()
    acts = {event.step: event.data["value"] for event in runs()["live"].events("rate")}
    replayed = make_kid(max_steps=60, dropout=0.3)

    replayed.hooks.on_batch_begin.append(lambda k: k.kongfu.set_lr(acts[k.step]) if k.step in acts else None)
    replayed.practice()

    assert acts == {10: 0.2, 33: 0.01}
    assert weights_of(replayed).equal(weights_of(live))


def test_a_kid_shows_its_parts_and_where_it_stands(make_kid):
    kid = make_kid(max_steps=20)
    before = repr(kid)
    kid.practice()

    assert "Brain 'small': 4 blocks, not set up yet" in before
    for fact in ("Kid 'kid'", "FeedSensor", "4 blocks, 1,210 parameters", "step 20", "accuracy"):
        assert fact in repr(kid)


def test_the_html_of_a_kid_escapes_what_it_shows(make_kid):
    html = make_kid(name="<b>bold</b>")._repr_html_()

    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<table>" in html


@pytest.mark.parametrize("name", ["best", "controls", "hooks", "kid"])
def test_the_examples_run(name):
    module = importlib.import_module(f"akidlab.kids.{name}")

    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
