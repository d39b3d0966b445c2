"""A live run is asked from a notebook, and trains on as if nobody had."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

import akidlab
from akidlab import Store, runs
from akidlab.errors import AskError, MagicError, UnknownNameError
from akidlab.session import Session, ask
from akidlab.session.ask import Answer
from tests.magics.notebook import FOREVER, Notebook
from tests.patience import PATIENCE, until

LIVE = f"%%akid_train --background --no-dashboard --name live\nkid = make(max_steps={FOREVER})"


@pytest.fixture
def live(notebook: Notebook) -> Notebook:
    """A notebook in which `kid` trains."""
    notebook.run(LIVE)
    until(lambda: notebook["kid"].step > 5)
    return notebook


def test_a_value_that_nobody_logged(live: Notebook) -> None:
    live.run("found = %akid_ask ip1.out.std(0)")

    assert isinstance(live["found"], np.ndarray)
    assert live["found"].shape == (10,)
    assert live["kid"].practising


def test_the_question_may_be_quoted_and_come_with_options(live: Notebook) -> None:
    for line in (
        '"ip1.weight.shape"',
        "--run live --rank 0 --timeout 60 ip1.weight.shape",
        "ip1.weight.shape --run=live",
        "--run 'live' brain['ip1'].weight.shape",
        "ip1 . weight . shape",
    ):
        live.run(f"found = %akid_ask {line}")

        assert live["found"] == [10, 32]
    live.run("found = %akid_ask -ip1.weight.norm() - 1 < 0")
    assert live["found"] is True


def test_what_may_be_asked_is_printed_in_lines(live: Notebook) -> None:
    shown = live.run("%akid_ask brain")

    assert "ip1" in shown
    assert "\\n" not in shown


def test_steps_gradients_and_the_loss_are_those_between_two_steps(live: Notebook) -> None:
    step, loss, norm, out = ask("step, loss, ip1.weight.grad.norm(), loss.out")

    assert 0 < step <= live["kid"].step
    assert loss == pytest.approx(out, abs=1e-6)
    assert norm > 0


def test_a_paused_run_answers_of_the_step_it_is_at(live: Notebook) -> None:
    live["kid"].controls.send("pause")
    until(lambda: runs()["live"].status == "paused")

    assert ask("step") == live["kid"].step
    weight = live["kid"].brain["ip1"].weight
    assert ask("ip1.weight") == pytest.approx(weight.detach().numpy())


def test_what_a_block_was_given_is_seen_at_the_next_step(live: Notebook) -> None:
    out, computed = ask("ip1.out, ip1.input.flatten(1) @ ip1.weight.T + ip1.bias")
    after, inputs = ask("step, ip1.inputs[0].shape")

    assert out.shape == computed.shape == (16, 10)
    assert (after > 0, inputs[0]) == (True, 16)
    assert not live["kid"].brain["ip1"]._forward_hooks


def test_in_a_pause_no_step_is_made_to_see_something(live: Notebook) -> None:
    live["kid"].controls.send("pause")
    until(lambda: runs()["live"].status == "paused")

    with pytest.raises(AskError, match=r"`ip1` keeps no output, .* resume the run, or make a step"):
        ask("ip1.inputs")
    assert not live["kid"].brain["ip1"]._forward_hooks


def test_the_trajectory_is_that_of_a_run_that_nobody_asked(notebook: Notebook) -> None:
    notebook.run(f"%%akid_train --background --no-dashboard --name asked\nkid = make(max_steps={FOREVER})")
    for _ in range(20):
        ask("ip1.input.std(), ip1.out.abs().max(), percentiles(ip1.weight), ip1.weight.grad.norm()")
    notebook["kid"].controls.send("stop")
    until(lambda: not Session.current().live)
    steps = notebook["kid"].step

    notebook.run(f"%%akid_train --no-dashboard --name alone\nkid = make(max_steps={steps})")

    asked, alone = (runs()[name].scalars("loss").values.tolist() for name in ("asked", "alone"))
    assert asked == alone


def test_a_question_leaves_no_trace_in_the_record(live: Notebook) -> None:
    ask("ip1.input.mean()")
    live["kid"].controls.send("stop")
    until(lambda: not Session.current().live)

    kinds = {event.kind for event in runs()["live"].events()}
    usual = {"started", "graph", "first_step", "validation", "epoch", "checkpoint", "stop", "finished"}
    assert kinds <= usual


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        ("ip2.out", AskError, r"There is no block or value `ip2`. Did you mean `ip1`\?"),
        ("ip1.weight.zero_()", AskError, r"`zero_` writes; a question only reads"),
        ("__import__('os')", AskError, r"`__import__` is private"),
        ("ip1.weight +", AskError, r"`ip1.weight \+` is no expression"),
        ("--rank 1 step", AskError, r"This run has one rank, 0; found rank 1"),
        ("--rank -1 step", MagicError, r"`--rank` is a whole number|is no expression|needs a value"),
        ("--rnak 1 step", MagicError, r"There is no option `--rnak`. Did you mean `--rank`\?"),
        ("--timeout 0 step", MagicError, r"`--timeout` is a number above 0; found `0`"),
        ("--timeout", MagicError, r"`--timeout` needs a value behind it"),
        ("--run liev step", UnknownNameError, r"There is no run `liev`. Did you mean `live`\?"),
        ("", MagicError, r"Ask for something, such as `%akid_ask conv1.out.std\(0\)`"),
    ],
)
def test_what_cannot_be_asked_is_said(live: Notebook, line: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        live.run(f"%akid_ask {line}")


def test_only_live_runs_are_asked(notebook: Notebook) -> None:
    with pytest.raises(AskError, match=r"Nothing trains here now. Start it with `%akid_train --background`"):
        ask("step")
    notebook.run("%%akid_train --no-dashboard --name done\nkid = make()")

    with pytest.raises(AskError, match=r"The run `done` is finished; only a live run can be asked"):
        ask("step", "done")


def test_a_run_that_is_busy_is_waited_for_as_long_as_was_said(live: Notebook) -> None:
    busy, free = threading.Event(), threading.Event()
    live["kid"].hooks.on_batch_end.append(lambda kid: busy.set() or free.wait(PATIENCE))
    busy.wait(PATIENCE)

    with pytest.raises(
        AskError, match=r"The run `live` did not answer within 0.2 s: a step, or a validation"
    ):
        ask("step", timeout=0.2)
    free.set()
    assert ask("step", timeout=PATIENCE) > 0


def test_the_end_of_the_run_is_told_to_who_waits(live: Notebook) -> None:
    ending = threading.Event()
    hooks, controls = live["kid"].hooks, live["kid"].controls
    hooks.on_train_end.append(lambda kid: ending.set() or until(lambda: controls.pending))
    controls.send("stop")
    ending.wait(PATIENCE)

    with pytest.raises(AskError, match=r"has ended|only a live run|cannot be asked"):
        ask("ip1.inputs", "live", timeout=PATIENCE)


def test_questions_are_completed_with_options_and_runs(live: Notebook) -> None:
    assert {"--rank", "--run", "--timeout"} <= set(live.complete("%akid_ask --"))
    Store().create("ended")

    assert live.complete("%akid_ask --run ") == ["live"]
    assert live.complete("found = %akid_ask --run l") == ["live"]
    assert live.complete("a, b = %akid_ask ip1.we") == ["ip1.weight"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("re", ["relu0"]),
        ("1.wei", ["1.weight"]),
        ("mlp.0.wei", ["mlp.0.weight"]),
        ("ml", ["mlp"]),
        ("mlp/re", ["mlp/relu0"]),
        ("lr/mlp/lin", ["lr/mlp/linear0", "lr/mlp/linear1"]),
        ("lr / mlp/linear0.we", ["mlp/linear0.weight"]),
        ("lr/mlp.lin", ["lr/mlp.linear0", "lr/mlp.linear1"]),
        ("lr/re", ["lr/relu0"]),
    ],
)
def test_blocks_of_a_plain_loop_are_completed_as_tags_name_them(
    notebook: Notebook, line: str, offered: list[str]
) -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    model = nn.Sequential(OrderedDict([("mlp", inner), ("1", nn.Linear(2, 2)), ("2", nn.ReLU())]))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    over = threading.Event()

    with akidlab.watch(model, optimizer, "none", doctor=False, dashboard=False) as watching:

        def answering() -> None:
            while not over.is_set():
                watching.controls.wait(0.05)

        thread = threading.Thread(target=answering)
        thread.start()
        try:
            assert notebook.complete(f"%akid_ask {line}") == offered
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ip", ["ip1"]),
        ('"ip', ["ip1"]),
        ("st", ["step", "stack"]),
        ("--run live --rank 0 ip", ["ip1"]),
        ("perc", ["percentiles"]),
        ("ip1.we", ["ip1.weight"]),
        ("ip1.weight.gr", ["ip1.weight.grad"]),
        ("ip1.weight.grad.nor", ["ip1.weight.grad.norm"]),
        ("ip1.out.std(0).max() - ip1.in", ["ip1.inputs", "ip1.input"]),
        ("ip1.inputs[0].sha", [".shape"]),
        ("abs(ip1.out).me", [".mean", ".median"]),
        ("brain['co", ["conv1"]),
        ("brain['ip1'].bi", [".bias"]),
        ("nothing.", []),
        ("--run nobody ip", []),
        ("--rank 7 ip", []),
    ],
)
def test_what_may_be_asked_is_completed_as_the_live_run_knows_it(
    live: Notebook, line: str, offered: list[str]
) -> None:
    assert live.complete(f"%akid_ask {line}") == offered
    assert not live["kid"].brain["ip1"]._forward_hooks


def test_a_tab_where_nothing_trains_offers_the_options(notebook: Notebook) -> None:
    assert sorted(notebook.complete("%akid_ask ")) == ["--rank", "--run", "--timeout"]


def test_below_the_answer_stands_whose_it_is(live: Notebook) -> None:
    live["kid"].controls.send("pause")
    until(lambda: runs()["live"].status == "paused")
    below = f"live · step {live['kid'].step:,}\n"

    assert live.run("%akid_ask ip1.weight.shape") == f"Out[3]: [10, 32]\n{below}"
    assert live.run("%akid_ask ip1").endswith(f"of its last pass\n{below}")
    assert live.run("shape = %akid_ask ip1.weight.shape\nfor _ in range(3):\n    %akid_ask step") == ""
    assert live.run("1 + 1") == "Out[6]: 2\n"


def test_whose_answer_it_is_may_be_asked_for() -> None:
    assert str(Answer(0.5, "digits", 1200)) == "digits · step 1,200"
    assert str(Answer(0.5, "digits", 7, rank=1, ranks=2)) == "digits · rank 1 · step 7"


def test_asking_loads_no_torch_where_nothing_trains(notebook: Notebook) -> None:
    code = (
        "import sys\nfrom akidlab.session import ask\nfrom akidlab.errors import AskError\n"
        "try:\n    ask('step')\nexcept AskError:\n    print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
