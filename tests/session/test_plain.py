"""A loop of one's own is watched with three lines: plain torch, a stranger's module."""

from __future__ import annotations

import copy
import gc
import pickle
import threading

import numpy as np
import pytest
import torch
from torch import nn

import akidlab
from akidlab.errors import KindError, NotFiniteError, OptionError, UnknownNameError
from akidlab.messages import Command
from akidlab.session.loop import StoppedError
from akidlab.store import runs
from akidlab.wire import send_command
from tests.patience import PATIENCE, until

STEPS = 12


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(16, 6, generator=generator), torch.randint(0, 3, (16,), generator=generator)


def train(model, optimizer, loss, steps=STEPS):
    x, y = batch()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()


def parts():
    model = network()
    return model, torch.optim.SGD(model.parameters(), 0.1), nn.CrossEntropyLoss()


def test_a_plain_loop_leaves_a_run_with_its_losses_and_its_distributions():
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, loss=loss, every=5, name="plain") as watching:
        train(model, optimizer, loss)

    run = watching.run
    assert (run.name, run.status, run.step) == ("plain", "finished", STEPS)
    assert list(run.scalars("loss").steps) == list(range(1, STEPS + 1))
    assert list(run.percentiles("weights/linear0").steps) == [1, 5, 10]
    assert {tag.split("/")[0] for tag in run.distributions()} >= {"weights", "bias_updates", "activations"}


def test_what_is_watched_learns_as_if_it_were_not():
    (model, optimizer, loss), (other, its_optimizer, its_loss) = parts(), parts()
    train(other, its_optimizer, its_loss)

    with akidlab.watch(model, optimizer, loss=loss, every=1):
        train(model, optimizer, loss)

    assert all(a.equal(b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_nothing_stays_on_the_module_or_its_optimiser():
    model, optimizer, loss = parts()
    before = [dict(module._forward_hooks) for module in (*model.modules(), loss)]
    threads = set(threading.enumerate())

    with akidlab.watch(model, optimizer, loss=loss):
        train(model, optimizer, loss)

    assert [dict(module._forward_hooks) for module in (*model.modules(), loss)] == before
    assert not optimizer._optimizer_step_post_hooks
    assert not optimizer._optimizer_step_pre_hooks
    until(lambda: not {t for t in threading.enumerate() if t.name.startswith("akidlab")} - threads)


def test_the_weights_recorded_are_those_of_their_step():
    model, optimizer, loss = parts()
    first = float(model[0].weight.detach().max())

    with akidlab.watch(model, optimizer, "weights", loss=loss, every=1) as watching:
        train(model, optimizer, loss, steps=1)

    assert watching.run.percentiles("weights/linear0").values[0, -1] == np.float32(first)


def test_a_stranger_that_returns_its_loss_needs_no_loss_module():
    class Output(dict):
        def __getattr__(self, name):
            return self[name]

    class Stranger(nn.Module):  # in the manner of Hugging Face: keywords in, a dictionary with a loss out
        def __init__(self):
            super().__init__()
            self.encoder, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, *, inputs, labels=None):
            logits = self.head(torch.tanh(self.encoder(inputs)))
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
            return Output(loss=loss, logits=logits)

    model = Stranger()
    optimizer = torch.optim.AdamW(model.parameters())
    x, y = batch()

    with akidlab.watch(model, optimizer, every=2) as watching:
        for _ in range(4):
            optimizer.zero_grad()
            model(inputs=x, labels=y).loss.backward()
            optimizer.step()

    assert len(watching.run.scalars("loss")) == 4
    assert "activations/encoder" in watching.run.distributions()


def test_of_several_optimizers_a_step_is_one_of_the_first_and_all_are_guarded():
    model, _, loss = parts()
    first, second = (torch.optim.SGD(model[at].parameters(), 0.1) for at in (0, 2))

    def step():
        model.zero_grad()
        loss(model(batch()[0]), batch()[1]).backward()
        first.step()
        second.step()

    watching = akidlab.watch(model, [first, second], loss=loss, every=1)
    for _ in range(6):
        step()
    model[2].weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(NotFiniteError, match="not finite at step 8"), watching:
        step()

    assert list(watching.run.percentiles("weights/linear0").steps) == list(range(1, 8))
    assert watching.run.config["optimizer"] == "SGD, SGD"
    assert [finding.data["finding"] for finding in watching.run.findings()] == ["gradient_not_finite"]
    told = watching.run.distributions()
    assert {"weight_updates/linear0", "weight_gradients/linear1"} <= set(told)
    assert "weight_updates/linear1" not in told, "nothing is told of what another optimiser changes"


def test_what_a_scaler_scales_is_told_without_its_scale():
    told = []
    for scale in (1.0, 1024.0):
        model, optimizer, loss = parts()
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        with akidlab.watch(model, optimizer, loss=loss, scaler=scaler, exact=True) as watching:
            scaler.scale(loss(model(batch()[0]), batch()[1])).backward()
            scaler.step(optimizer)
            scaler.update()
        run = watching.run
        told.append({tag: run.percentiles(tag).values[0].tolist() for tag in run.distributions()})

    assert told[0].keys() >= {"layer_gradients/relu0", "weight_gradients/linear0", "bias_updates/linear1"}
    assert told[0] == told[1]


def test_values_told_by_hand_belong_to_the_step_of_their_pass():
    model, optimizer, loss = parts()
    x, y = batch()

    with akidlab.watch(model, optimizer, "none") as watching:
        for step in range(3):
            optimizer.zero_grad()
            value = loss(model(x), y)
            watching.log(loss=value)
            value.backward()
            optimizer.step()
            watching.log(after=step)

    assert list(watching.run.scalars("loss").steps) == [1, 2, 3]
    assert list(watching.run.scalars("after").values) == [0, 1, 2]
    assert list(watching.run.scalars("after").steps) == [1, 2, 3]


def test_an_error_in_the_loop_is_the_runs_error_and_is_raised():
    model, optimizer, loss = parts()

    watching = akidlab.watch(model, optimizer, loss=loss)

    with pytest.raises(ZeroDivisionError), watching:
        train(model, optimizer, lambda *_: 1 / 0)

    assert watching.run.status == "failed"
    assert watching.run.error == "ZeroDivisionError: division by zero"


def test_stop_ends_the_loop_quietly_and_the_rate_changes():
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, loss=loss) as watching:
        train(model, optimizer, loss, steps=2)
        send_command(watching.run.uid, Command("rate", 0.01))
        train(model, optimizer, loss, steps=1)
        rate = optimizer.param_groups[0]["lr"]
        watching.controls.send("stop")
        train(model, optimizer, loss, steps=100)

    assert rate == 0.01
    assert (watching.run.status, watching.step) == ("stopped", 4)


def test_without_a_with_a_stop_says_how_to_end_quietly():
    model, optimizer, loss = parts()
    watching = akidlab.watch(model, optimizer, loss=loss)
    watching.controls.send("stop")

    with pytest.raises(StoppedError, match=r"was stopped at step 1. `with akidlab.watch\(...\):`"):
        train(model, optimizer, loss)

    assert watching.run.status == "stopped"


def test_a_loop_pauses_and_makes_single_steps():
    model, optimizer, loss = parts()
    watching = akidlab.watch(model, optimizer, loss=loss)
    watching.controls.send("pause")
    thread = threading.Thread(target=train, args=(model, optimizer, loss, 20), daemon=True)
    thread.start()

    until(lambda: watching.run.status == "paused")
    held = watching.step
    watching.controls.send("step", 2)
    until(lambda: watching.step == held + 2 and watching.run.status == "paused")
    watching.controls.send("resume")
    thread.join(PATIENCE)
    watching.close()

    assert (held, watching.step) == (1, 20)


def test_a_loop_writes_no_checkpoints_and_says_so():
    model, optimizer, loss = parts()
    watching = akidlab.watch(model, optimizer, loss=loss)
    train(model, optimizer, loss, 1)
    answer = send_command(watching.run.uid, Command("save"))
    watching.close()

    assert (answer["ok"], answer["error"]) == (
        False,
        "A loop of one's own writes no checkpoints: save its weights in the loop.",
    )


def test_a_loop_is_not_moved_and_says_so():
    model, optimizer, loss = parts()
    watching = akidlab.watch(model, optimizer, loss=loss)
    answers = [send_command(watching.run.uid, Command("ranks", 2, id="a")) for _ in range(2)]
    watching.close()

    for answer in answers:  # it comes by two ways, and is refused on both
        assert (answer["ok"], answer["error"]) == (
            False,
            "A loop of one's own cannot be moved: it runs in its cell. A Kid can: `%akid_train kid -np 2`.",
        )


def test_copies_of_a_watched_module_are_not_watched():
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, loss=loss, every=1) as watching:
        copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        train(model, optimizer, loss, steps=2)
        for other in copies:
            train(other, torch.optim.SGD(other.parameters(), 0.1), copy.deepcopy(loss), steps=5)

    assert (watching.step, watching.samples) == (2, 32)
    assert list(watching.run.scalars("loss").steps) == [1, 2]


def test_a_metric_that_recorded_nothing_says_why():
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, "none", loss=loss, metrics="gradient_noise_scale") as watching:
        train(model, optimizer, loss, steps=3)

    (line,) = watching.run.logs()
    assert line.text.startswith("`gradient_noise_scale` recorded nothing: an estimate takes 20 looks")


def test_epochs_are_counted_where_they_are_told():
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, "none", loss=loss) as watching:
        for _ in range(2):
            train(model, optimizer, loss, steps=3)
            watching.epoch_finished()

    assert watching.run.epoch == 2
    assert [event.step for event in watching.run.events("epoch")] == [3, 6]


def test_gradients_that_are_not_finite_end_the_loop_before_the_weights_are_touched():
    model, optimizer, loss = parts()
    x, y = batch()
    x[3, 2] = torch.nan
    before = model[0].weight.detach().clone()

    watching = akidlab.watch(model, optimizer, loss=loss)
    loss(model(x), y).backward()
    with pytest.raises(NotFiniteError, match=r"at step 1. The batch itself holds 1 NaN"), watching:
        optimizer.step()

    assert model[0].weight.detach().equal(before)
    assert (watching.run.status, watching.run.findings()[0].step) == ("failed", 1)


@pytest.mark.parametrize(("kernel", "level"), [(False, "WARNING"), (True, "INFO")])
def test_what_a_guard_warns_of_is_not_written_beside_a_dashboard(monkeypatch, caplog, kernel, level):
    caplog.set_level("INFO", "akidlab")
    monkeypatch.setattr("akidlab.session.loop.shows", lambda: kernel)
    model, optimizer, loss = parts()

    with akidlab.watch(model, optimizer, loss=loss, guard="warn") as watching:
        watching.show()
        model[0].weight.register_hook(lambda gradient: gradient * torch.nan)
        train(model, optimizer, loss, steps=1)

    assert [record.levelname for record in caplog.records if "not finite" in record.getMessage()] == [level]


def test_what_is_spoilt_soon_after_a_good_loss_is_not_laid_to_the_initial_weights():
    model, optimizer, loss = parts()

    watching = akidlab.watch(model, optimizer, loss=loss)
    train(model, optimizer, loss, steps=1)
    model[0].weight.register_hook(lambda gradient: gradient * torch.nan)

    with pytest.raises(NotFiniteError, match=r"probably too large \(it is 0\.1\)"), watching:
        train(model, optimizer, loss, steps=1)


def test_a_watch_that_has_ended_does_not_begin_again():
    model, optimizer, loss = parts()
    with akidlab.watch(model, optimizer, loss=loss) as watching:
        train(model, optimizer, loss, steps=1)

    with pytest.raises(KindError, match="The watch of `sequential` has ended"):
        watching.__enter__()


def test_a_misspelt_option_names_the_nearest():
    model, optimizer, _ = parts()

    with pytest.raises(OptionError, match=r"no option of WatchOptions `evry`. Did you mean `every`\?"):
        akidlab.watch(model, optimizer, evry=3)


def test_the_same_module_watched_again_closes_the_earlier_run_and_says_so():
    model, optimizer, loss = parts()
    first = akidlab.watch(model, optimizer, loss=loss)
    train(model, optimizer, loss, steps=1)

    with akidlab.watch(torch.compile(model, backend="eager"), optimizer, loss=loss) as second:
        train(model, optimizer, loss, steps=1)

    assert (first.run.status, first.step) == ("stopped", 1)
    assert [line.text for line in first.run.logs()] == [
        "The module is watched anew: `sequential` ends at step 1."
    ]
    assert (second.run.status, second.step) == ("finished", 1)


def hooks_of(model, optimizer, loss):
    from torch.nn.modules import module as everywhere

    return [
        *(hook for module in (*model.modules(), loss) for hook in module._forward_hooks.values()),
        *(hook for module in model.modules() for hook in module._forward_pre_hooks.values()),
        *optimizer._optimizer_step_pre_hooks.values(), *optimizer._optimizer_step_post_hooks.values(),
        *everywhere._global_forward_hooks.values(), *everywhere._global_forward_pre_hooks.values(),
    ]  # fmt: skip


def test_a_watch_that_nobody_keeps_goes_on():
    model, optimizer, loss = parts()

    akidlab.watch(model, optimizer, loss=loss)
    gc.collect()
    train(model, optimizer, loss, steps=3)

    (run,) = runs()
    assert run.status == "running"
    akidlab.watch(model, optimizer, loss=loss).close()  # the same module is watched anew
    assert (run.status, len(run.scalars("loss"))) == ("stopped", 3)
    assert hooks_of(model, optimizer, loss) == []


def test_a_watch_of_what_nothing_holds_any_more_ends():
    model, optimizer, loss = parts()
    threads = set(threading.enumerate())
    akidlab.watch(model, optimizer, loss=loss)
    train(model, optimizer, loss, steps=1)
    (run,) = runs()

    del model, optimizer

    until(lambda: gc.collect() >= 0 and run.status == "stopped")  # a cycle may need two
    (line,) = run.logs()
    assert line.text == "Nothing holds what `sequential` watched any more, so it ends at step 1."
    until(lambda: not {t for t in threading.enumerate() if t.name.startswith("akidlab")} - threads)


def test_a_cell_that_runs_again_watches_what_it_makes_then():
    for _ in range(2):
        model, optimizer, loss = parts()
        watching = akidlab.watch(model, optimizer, loss=loss)
        train(model, optimizer, loss, steps=2)

    until(lambda: gc.collect() >= 0 and sorted(run.status for run in runs()) == ["running", "stopped"])
    watching.close()
    assert len(hooks_of(model, optimizer, loss)) == 0


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda m, o, c: (nn.Linear, o, None), "`module` is a torch module, found a type"),
        (
            lambda m, o, c: (m, m.parameters(), None),
            "`optimizer` is an optimiser of torch, or several; found a generator",
        ),
        (lambda m, o, c: (m, [o, "sgd"], None), "or several; found a str"),
        (lambda m, o, c: (m, [], None), "or several; found none"),
        (lambda m, o, c: (m, o, nn.functional.cross_entropy), "`loss` is a loss module .*watching.log"),
        (lambda m, o, c: (m, o, c, 1024), "`scaler` is one of mixed precision, .* found 1024"),
    ],
)
def test_other_things_are_refused_with_advice(spoil, text):
    module, optimizer, loss, *scaler = spoil(*parts())

    with pytest.raises(KindError, match=text):
        akidlab.watch(module, optimizer, loss=loss, scaler=scaler[0] if scaler else None)
    assert len(runs()) == 0


def test_an_unknown_topic_leaves_no_run_behind():
    model, optimizer, _ = parts()

    with pytest.raises(UnknownNameError, match=r"no topic `weigths`. Did you mean `weights`"):
        akidlab.watch(model, optimizer, "weigths")

    assert len(runs()) == 0


def test_a_backend_that_writes_files_draws_no_figure():
    model, optimizer, loss = parts()
    with akidlab.watch(model, optimizer, loss=loss) as watching:
        train(model, optimizer, loss, steps=2)

    with pytest.raises(UnknownNameError, match="no backend that draws figures `tensorboard`"):
        watching.run.figure("loss", backend="tensorboard")
