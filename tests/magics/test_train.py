"""`%akid_train` and `%%akid_train` in the kernel."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path

import pytest

from akidlab import runs
from akidlab.errors import AkidlabError, MagicError, StoreError
from akidlab.kids import Keep
from tests.magics.notebook import FOREVER, Notebook, interrupt
from tests.patience import until

CELL = "%%akid_train --no-dashboard\nkid = make()"


def test_a_line_trains_the_kid_and_says_one_calm_line(notebook: Notebook) -> None:
    notebook.run("kid = make()")
    shown = notebook.run("%akid_train --no-dashboard")

    assert re.fullmatch(
        r"`tiny` finished: 20 steps in \d+\.\d s, validation loss [\d.]+, validation accuracy [\d.]+\n", shown
    )
    assert runs()["tiny"].status == "finished"


def test_a_cell_makes_the_kid_and_trains_it(notebook: Notebook) -> None:
    notebook.run(CELL + "\ntwice = kid.name * 2")

    assert notebook["kid"].step == 20
    assert notebook["twice"] == "tinytiny"
    assert notebook["kid"].run == runs()["tiny"]


def test_nothing_that_varies_is_shown_where_the_tests_say_so(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")

    assert notebook.run("%%akid_train\nkid = make()") == ""


def test_steps_and_epochs_are_so_many_more(notebook: Notebook) -> None:
    notebook.run(CELL)
    notebook.run("%akid_train --steps 7 --no-dashboard")
    assert notebook["kid"].step == 27
    notebook.run("%akid_train kid --epochs 0.5 --no-dashboard")

    assert notebook["kid"].step == 30


def test_a_kid_with_nothing_left_to_do_is_told_how_to_go_on(notebook: Notebook) -> None:
    notebook.run(CELL)

    with pytest.raises(MagicError, match=r"made all of its 20 steps. Say how many more: `--steps 100`"):
        notebook.run("%akid_train kid")


def test_a_run_has_the_name_and_begins_with_the_rate_on_the_line(notebook: Notebook) -> None:
    notebook.run("rate = 0.02")
    notebook.run("%%akid_train --name quick --lr {rate} --no-dashboard\nkid = make()")

    assert runs()["quick"].scalars("learning_rate").values.tolist() == [0.02]


def test_a_rate_on_the_line_lasts_where_the_scheme_has_ended_and_without_one_it_warns(
    notebook: Notebook,
) -> None:
    notebook.run(
        "kid = make()\nkid.kongfu = MomentumKongFu(0.1, lr_scheme={'name': 'cosine', 'max_steps': 20})"
    )
    notebook.run("%akid_train --no-dashboard")
    with pytest.warns(UserWarning, match=r"rate is 0 from step 20 on: nothing is learned.*`--lr 0.01`"):
        notebook.run("%akid_train --steps 5 --no-dashboard --name idle")
    notebook.run("%akid_train --steps 5 --lr 0.01 --no-dashboard --name awake")

    assert set(runs()["awake"].scalars("learning_rate").values) == {0.01}
    assert notebook["kid"].kongfu.get_lr() == 0.01


def test_a_resumed_run_goes_on_where_its_last_checkpoint_is(notebook: Notebook) -> None:
    notebook.run(CELL)
    notebook.run("kid = make(max_steps=30)\n%akid_train --resume tiny --no-dashboard")

    assert runs().names() == ["tiny"]
    assert runs()["tiny"].scalars("loss").steps.tolist() == list(range(1, 31))


def test_a_resumed_run_with_a_name_of_its_own_is_a_branch(notebook: Notebook) -> None:
    notebook.run(CELL)
    notebook.run("%akid_train --resume tiny --name branch --steps 5 --no-dashboard")

    assert runs()["branch"].parent == runs()["tiny"].uid
    assert runs()["branch"].scalars("loss").steps.tolist() == list(range(21, 26))


def test_an_unknown_run_is_answered_with_the_nearest(notebook: Notebook) -> None:
    notebook.run(CELL)

    with pytest.raises(MagicError, match=r"no run `tinny`. Did you mean `tiny`"):
        notebook.run("%%akid_train --resume tinny --steps 1\nran = True")
    assert "ran" not in notebook.shell.user_ns


def test_a_training_that_stops_early_says_why(notebook: Notebook) -> None:
    shown = notebook.run(
        "%%akid_train --lr 0 --no-dashboard\nkid = make(max_steps=100, val_log_step=5, early_stopping=2)"
    )

    assert "finished: 10 of 100 steps" in shown
    assert "Stopped early: no better validation loss than" in shown


def test_in_the_background_the_notebook_is_free_at_once(notebook: Notebook) -> None:
    notebook.run(f"%%akid_train --background --no-dashboard\nkid = make(max_steps={FOREVER})")
    until(lambda: notebook["kid"].step > 10)

    with pytest.raises(MagicError, match=r"training already in the run `tiny`.*stop it first"):
        notebook.run("%akid_train kid --steps 5")
    notebook.run("kid.controls.send('stop')")
    until(lambda: runs()["tiny"].status == "stopped")


def test_a_command_after_the_end_is_refused_and_does_not_reach_the_next_training(notebook: Notebook) -> None:
    notebook.run(CELL)
    notebook.run("refused = [kid.controls.send('stop'), kid.controls.send('pause')]")
    notebook.run("%akid_train kid --steps 5 --no-dashboard")

    assert notebook["refused"] == [False, False]
    assert notebook["kid"].step == 25


def test_an_interrupt_ends_it_after_the_step_and_the_kid_goes_on(notebook: Notebook) -> None:
    notebook.run(f"kid = make(max_steps={FOREVER})")
    pressed: list[int] = []  # once: a second one would break it off
    notebook["kid"].hooks.on_training_log_step.append(
        lambda kid: pressed or pressed.append(kid.step) or interrupt()
    )
    shown = notebook.run("%akid_train --no-dashboard")
    step = notebook["kid"].step

    assert f"`tiny` stopped: {step} of {FOREVER} steps" in shown
    assert "train it again and it goes on" in shown
    assert (runs()["tiny"].folder / f"step-{step}.safetensors").exists()
    notebook.run("%akid_train --steps 3 --no-dashboard")
    assert notebook["kid"].step == step + 3


# Two signals at once would come as one: the second waits until the cell has heard the first.
INTERRUPT_TWICE = """
import time
def first(kid):
    interrupt()
    while not kid.controls.asked("stop"):
        time.sleep(0.01)
    time.sleep(0.3)
def linger():
    while True:
        time.sleep(0.01)
"""


def test_a_second_interrupt_breaks_off_what_will_not_stop(notebook: Notebook) -> None:
    notebook.shell.user_ns["interrupt"] = interrupt
    notebook.run(
        f"{INTERRUPT_TWICE}\ndef dawdle(kid):\n    first(kid)\n    interrupt()\n    linger()\n"
        "kid = make()\nkid.hooks.on_batch_end.append(dawdle)"
    )

    with pytest.raises(KeyboardInterrupt):
        notebook.run("%akid_train --no-dashboard")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    until(lambda: not notebook["kid"].practising)


def test_it_is_broken_off_also_where_the_first_word_is_lost(notebook: Notebook) -> None:
    notebook.shell.user_ns["interrupt"] = interrupt
    notebook.run(
        f"{INTERRUPT_TWICE}\ndef deaf(kid):\n    first(kid)\n"
        "    try:\n        interrupt()\n        linger()\n    except KeyboardInterrupt:\n        linger()\n"
        "kid = make()\nkid.hooks.on_batch_end.append(deaf)"
    )

    with pytest.raises(KeyboardInterrupt):
        notebook.run("%akid_train --no-dashboard")
    until(lambda: not notebook["kid"].practising)


def test_what_a_hook_raises_is_raised_in_the_cell_with_its_traceback(notebook: Notebook) -> None:
    notebook.run("def bad(kid):\n    oops = 1 / 0\nkid = make()\nkid.hooks.on_batch_end.append(bad)")
    shown = notebook.fail("%akid_train --no-dashboard")

    assert "oops = 1 / 0" in shown
    assert shown.rstrip().endswith("ZeroDivisionError: division by zero")
    assert runs()["tiny"].status == "failed"
    assert runs()["tiny"].error == "ZeroDivisionError: division by zero"


def test_what_the_body_raises_is_shown_once_with_the_lines_of_the_cell(notebook: Notebook) -> None:
    shown = notebook.fail("%%akid_train\n\nx = 1\nkid = 1 / 0")

    assert shown.count("ZeroDivisionError: division by zero") == 1
    assert "line 4" in shown
    assert "akidlab" not in shown
    assert len(runs()) == 0


def test_a_body_that_is_not_python_or_awaits_is_told_so(notebook: Notebook) -> None:
    with pytest.raises(MagicError, match=r"The cell is not Python: .*line 2"):
        notebook.run("%%akid_train\nkid = make(")
    with pytest.raises(MagicError, match="awaits at top level"):
        notebook.run("%%akid_train\nkid = await make()")


def test_a_store_that_cannot_be_written_is_said_before_the_training(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "file" / "akid_runs"))

    with pytest.raises(StoreError, match=r"cannot be written.*AKID_RUNS"):
        notebook.run(CELL)
    assert notebook["kid"].step == 0
    assert notebook.fail(CELL).startswith("StoreError: The folder of runs")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--stpes 5", "There is no option `--stpes`. Did you mean `--steps`?"),
        ("--steps", "`--steps` needs a value behind it"),
        ("-np", "`-np` needs a value behind it"),
        ("--np", "`--np` needs a value behind it"),
        ("--steps many", "`--steps` is a whole number of 1 or more; found `many`"),
        ("--steps 0", "`--steps` is a whole number of 1 or more; found `0`"),
        ("--steps 1__0", "`--steps` is a whole number of 1 or more; found `1__0`"),
        ("--epochs 0", "`--epochs` is a number above 0; found `0`"),
        ("--steps 1 --epochs 1", "Say `--steps` or `--epochs`, not both"),
        ("--lr nan", "`--lr` is a number of 0 or more; found `nan`"),
        ("-np 0", "`-np` is a whole number of 1 or more; found `0`"),
        ("-np -1", "`-np` is a whole number of 1 or more; found `-1`"),
        ("-np 2 --launcher trosh", "There is no launcher `trosh`. Did you mean `torch`?"),
        ("-H a:2,b:2", "`-H` is about ranks: say how many with `-np 2`"),
        ("--discover ./hosts", "`--discover` is about ranks"),
        ("-np 2 -H a:0", "`-H a:0`: `a` has no slot"),
        ("-np 2 -H a:2,a:1", "`a` is named twice"),
        ("-np 5 -H a:2,b:2", "`-np 5` needs 5 slots, and `-H a:2,b:2` has 4"),
        ("-np 2 --min-np 3 -H a:2", "`--min-np 3` is more than `-np 2`"),
        ("-np 2 --ssh-port 22", "`--ssh-port` tells how hosts are reached: name them, as in `-H a:2,b:2`"),
        ("-np 2 --ssh-port x -H a:2", "`--ssh-port` is a whole number of 1 or more"),
        ("--launcher torch", "`--launcher` is for ranks: say how many, as in `-np 2`"),
        ("-np 1.5", "`-np` is a whole number of 1 or more; found `1.5`"),
        ("kid other", "`other` is too much for `%akid_train`"),
        ("kid --watch weights biases", "are parted by commas: `--watch weights,biases`."),
        ("--name 'open", "cannot be read: No closing quotation"),
        ("kdi", "There is no kid `kdi`. Did you mean `kid`?"),
        ("np", "`np` is of type module; what trains is a Kid"),
        ("Kid", "`Kid` is a class; what trains is a Kid"),
        ("kid.nothing", "`kid.nothing` cannot be looked up: AttributeError"),
        ("1+1", "`1+1` names no kid"),
        ("--watch wieghts", "There is no topic `wieghts`. Did you mean `weights`?"),
        ("--metrics norm:ip1", "There is no topic `ip1`. Known: all, parameters, gradients"),
        ("-np 2 --metrics nrom", "There is no metric `nrom`. Did you mean `norm`?"),
        ("--metrics norm?odrer=1", "There is no option of NormSubscriber `odrer`. Did you mean `order`?"),
    ],
)
def test_a_line_that_cannot_be_meant_is_answered_in_plain_words(
    notebook: Notebook, line: str, complaint: str
) -> None:
    notebook.run("kid = make()")

    with pytest.raises(MagicError, match=re.escape(complaint)):
        notebook.run(f"%akid_train {line}")
    assert len(runs()) == 0


def test_an_error_of_a_magic_is_one_line_without_a_traceback(notebook: Notebook) -> None:
    assert notebook.fail("%akid_train -np 0") == (
        "MagicError: `-np` is a whole number of 1 or more; found `0`.\n"
    )


def test_comments_may_stand_above_the_cell_magic_but_no_code(notebook: Notebook) -> None:
    notebook.run("# what follows trains\n\n%%akid_train --no-dashboard\nkid = make()")
    assert notebook["kid"].step == 20

    with pytest.raises(
        SyntaxError, match="must be the first line of its cell; found code above it, in line 1"
    ):
        notebook.run("x = 1\n%%akid_train\nkid = make()")


def test_a_kid_remembers_what_is_watched_until_it_is_told_to_watch_nothing(notebook: Notebook) -> None:
    notebook.run("kid = make()")
    notebook.run("%akid_train kid --no-dashboard --watch weights --metrics norm:weights --every 2")
    notebook.run("%akid_train kid --no-dashboard --steps 5")
    notebook.run("%akid_train kid --no-dashboard --steps 5 --watch none --metrics norm:biases")
    notebook.run("%akid_train kid --no-dashboard --steps 5 --watch none")

    metrics = [[tag for tag in run.tags() if tag.endswith("_norm2/ip1")] for run in runs()]
    assert metrics == [[], ["biases_norm2/ip1"], ["weights_norm2/ip1"], ["weights_norm2/ip1"]]
    assert [run.distributions() != [] for run in runs()] == [False, False, True, True]
    assert notebook["kid"].watching is None


def test_help_says_what_sticks_and_where_the_metrics_are_listed(notebook: Notebook) -> None:
    for shown in (notebook.run("%akid_train?"), notebook.run("%akid_train --help")):
        assert "until `--watch none` or `kid.unwatch()`" in shown
        assert "akidlab.metrics.describe()" in shown


def test_help_shows_an_example_and_every_option(notebook: Notebook) -> None:
    shown = notebook.run("%akid_train?")

    assert "%akid_train kid --steps 500" in shown
    assert "-np N, --np N" in shown


@pytest.mark.parametrize("asks", ["--help", "-h"])
@pytest.mark.parametrize("magic", ["akid_train", "akid_tune", "akid_pool", "akid_runs"])
def test_every_magic_helps_who_asks(notebook: Notebook, magic: str, asks: str) -> None:
    shown = notebook.run(f"%{magic} {asks}")

    assert shown.lstrip().startswith(f"%{magic} [")
    assert "options:" in shown


def test_a_cell_that_asks_for_help_does_nothing_else(notebook: Notebook) -> None:
    assert "%%akid_train -np 2" in notebook.run("%%akid_train --help\nkid = make()")
    assert "kid" not in notebook.shell.user_ns


@pytest.mark.parametrize("option", ["--commit-every", "--max-restarts"])
def test_what_is_about_ranks_needs_ranks(notebook: Notebook, option: str) -> None:
    notebook.run(CELL)

    with pytest.raises(MagicError, match=rf"`{option}` is about ranks: say how many with `-np 2`"):
        notebook.run(f"%akid_train {option} 5 --no-dashboard")


@pytest.mark.parametrize("begun", [True, False])
def test_an_interrupt_while_it_begins_is_no_failure_of_what_trains(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    monkeypatch.setattr("akidlab.session.training.STARTING", 60.0 if begun else 0.0)
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if thread.name != "akidlab-training":
            return start(thread)
        if begun:
            start(thread)
        raise KeyboardInterrupt

    notebook.run(f"kid = make(max_steps={FOREVER})")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        notebook.run("%akid_train --no-dashboard")

    assert runs()["tiny"].status == ("stopped" if begun else "failed")
    assert not notebook["kid"].practising
    notebook.run("%akid_train --steps 3 --no-dashboard")


def test_a_run_begins_where_another_one_was_and_is_its_child(notebook: Notebook) -> None:
    notebook.run("kid = make(max_steps=20, val_log_step=5)\n%akid_train --no-dashboard")
    notebook.run("%%akid_train --from tiny@12 --no-dashboard --keep 2,4,1MB\nkid = make(max_steps=20)")

    child, parent = notebook["kid"].run, runs()["tiny"]
    assert (child.name, child.parent, child.branched_at) == (
        "tiny-from-10",
        parent.uid,
        10,
    )  # both are `tiny`
    assert child.scalars("loss").values.tolist() == parent.scalars("loss", since=10).values.tolist()
    assert parent.step == 20
    assert [one.step for one in parent.checkpoints if one.is_pinned] == [10]
    assert notebook["kid"].keep == Keep(2, 4, 1_000_000)
    assert child.config["code"].startswith("%%akid_train --from tiny@12")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--from tiny@", r"`--from` is `RUN@STEP`, such as `digits@100`, or `RUN`; found `tiny@`"),
        ("--from tinny@3", "no run `tinny`"),
        ("--from tiny@3 --resume tiny", "`--resume` to go on with a run, or `--from`"),
        ("--from tiny@3", r"no whole checkpoint of step 3 or before\. The nearest are those of steps 5"),
        ("--keep 0", "`--keep` is how many of the last checkpoints stay"),
    ],
)
def test_a_place_that_is_not_there_is_said_before_anything_runs(notebook: Notebook, line, told) -> None:
    notebook.run("kid = make(max_steps=10, val_log_step=5)\n%akid_train --no-dashboard")
    with pytest.raises(AkidlabError, match=told):
        notebook.run(f"%%akid_train {line} --no-dashboard\nran = True")
    assert "ran" not in notebook.shell.user_ns
