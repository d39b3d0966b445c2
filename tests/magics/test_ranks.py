"""The same cell on ranks, from a notebook."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from akidlab import Session, runs
from akidlab.errors import MagicError, RankError
from tests.magics.notebook import FOREVER, SETUP, Notebook, a_shell, interrupt
from tests.patience import until
from tests.processes import lives

pytestmark = pytest.mark.ranks


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One notebook, and its ranks, for the tests of this file."""
    pytest.importorskip("horovod.torch", reason="Horovod is not built: akidlab install-horovod")
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKID_RUNS", str(folder / "akid_runs"))
        patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        with a_shell(folder) as shell:
            notebook = Notebook(shell)
            notebook.run(SETUP)
            yield notebook
            patch.setenv("AKIDLAB_QUIET", "1")
            notebook.run("%akid_pool --stop")


@pytest.fixture
def notebook(
    shared: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Notebook:
    """The shared one, back in its own folders."""
    folder = Path(shared.shell.ipython_dir).parent
    monkeypatch.setenv("AKID_RUNS", str(folder / "akid_runs"))
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
    monkeypatch.chdir(folder)
    shared.capsys = capsys
    return shared


def test_the_same_cell_gives_the_same_curve_here_and_there_and_the_weights_come_back(
    notebook: Notebook,
) -> None:
    notebook.run("%%akid_train --no-dashboard\nkid = make(name='here')")
    here, _ = notebook["kid"].validate()
    notebook.run("%%akid_train -np 2 --no-dashboard\nkid = make(name='there')")
    run = runs()["there"]

    assert notebook["kid"].validate()[0] == pytest.approx(here, rel=1e-4)
    assert (notebook["kid"].step, run.world_size, run.status) == (20, 2, "finished")
    assert run.scalars("loss").values == pytest.approx(runs()["here"].scalars("loss").values, rel=1e-4)


def test_the_second_cell_finds_the_ranks_and_brings_what_it_needs(notebook: Notebook) -> None:
    notebook.run(
        "RATE = 0.03\nclass Loud:\n    def __call__(self, kid):\n        print('rate', RATE, rate())\n"
        "def rate():\n    return RATE * 2"
    )
    shown = notebook.run(
        "%%akid_train -np 2 --no-dashboard --name second\nRATE = 0.04\nkid = make()\n"
        "kid.hooks.on_train_begin.append(Loud())"
    )

    assert sorted(re.findall(r"^\[\d\] rate .*$", shown, re.M)) == [
        "[0] rate 0.04 0.08",
        "[1] rate 0.04 0.08",
    ]
    first = runs()["second"].events("first_step")[0].time
    assert first - runs()["second"].created < 20.0  # the benchmarks measure how soon


def test_an_exception_on_one_rank_is_raised_in_the_cell_with_that_ranks_traceback(notebook: Notebook) -> None:
    cell = (
        "%%akid_train -np 2 --no-dashboard --name uneven\nimport os\n"
        "if os.environ.get('HOROVOD_RANK') == '1':\n    oops = 1 / 0\nkid = make()"
    )
    with pytest.raises(
        RankError, match=r"(?s)^Rank 1 failed in run `uneven`.*line 4.*oops = 1 / 0"
    ) as caught:
        notebook.run(cell)

    assert str(caught.value).rstrip().endswith("ZeroDivisionError: division by zero")
    assert runs()["uneven"].status == "failed"
    notebook.run("%%akid_train -np 2 --no-dashboard --name after\nkid = make()")
    assert runs()["after"].status == "finished"


def test_the_traceback_of_a_rank_shows_the_lines_of_the_cell_above(notebook: Notebook) -> None:
    notebook.run("def fail(kid):\n    kid.step / 0  # as told above")
    cell = "%%akid_train -np 2 --no-dashboard\nkid = make()\nkid.hooks.on_batch_end.append(fail)"

    with pytest.raises(RankError, match=r"line 2, in fail\n    kid.step / 0  # as told above"):
        notebook.run(cell)


def test_names_that_cannot_travel_are_listed_before_anything_starts(notebook: Notebook) -> None:
    notebook.run("import threading\nlock, stream = threading.Lock(), (i for i in 'abc')")
    before = len(runs())

    with pytest.raises(
        MagicError, match=r"(?s)cannot travel.*`lock`: a `_thread.lock`.*`stream`: a `generator`"
    ):
        notebook.run("%%akid_train -np 2\nkid = make()\nlock, stream")
    assert len(runs()) == before


def test_a_cell_that_makes_no_kid_is_told_so_here_and_leaves_no_run(notebook: Notebook) -> None:
    notebook.run("kid = make()")
    before = len(runs())

    with pytest.raises(MagicError, match=r"The cell made no kid.*To train `kid` of an earlier cell"):
        notebook.run("%%akid_train -np 2 --no-dashboard\nz = 3")
    assert len(runs()) == before


def test_a_line_sends_the_kid_itself_from_where_it_stands(notebook: Notebook) -> None:
    notebook.run("%%akid_train --no-dashboard --name begun\nkid = make()")
    notebook.run("kid.kongfu.set_lr(0.01)\n%akid_train kid -np 2 --steps 10 --no-dashboard --name sent")

    assert notebook["kid"].step == 30
    assert runs()["sent"].scalars("loss").steps.tolist() == list(range(21, 31))
    assert runs()["sent"].scalars("learning_rate").last == 0.01


def test_the_rate_on_the_line_reaches_the_ranks(notebook: Notebook) -> None:
    notebook.run("%%akid_train -np 2 --no-dashboard --name rated --lr 0.02\nkid = make()")

    assert runs()["rated"].scalars("learning_rate").values[0] == 0.02


def test_a_resumed_run_goes_on_there(notebook: Notebook) -> None:
    notebook.run("%%akid_train --no-dashboard --name halfway\nkid = make(max_steps=12)")
    notebook.run("%%akid_train -np 2 --no-dashboard --resume halfway --steps 8\nkid = make()")

    assert runs()["halfway"].scalars("loss").steps.tolist() == list(range(1, 21))
    assert (runs()["halfway"].status, notebook["kid"].step) == ("finished", 20)


def test_a_branch_on_ranks_repeats_its_parent_bit_for_bit(notebook: Notebook) -> None:
    notebook.run("%%akid_train -np 2 --no-dashboard\nkid = make(name='trunk', max_steps=20, val_log_step=5)")
    notebook.run("%%akid_train -np 2 --no-dashboard --from trunk@12 --keep 2,3\nkid = make(name='twig')")
    trunk, twig = runs()["trunk"], runs()["twig"]

    assert (twig.parent, twig.branched_at, twig.world_size) == (trunk.uid, 10, 2)
    assert twig.scalars("loss").values.tolist() == trunk.scalars("loss", since=10).values.tolist()
    ours, theirs = twig.at(20).weights(), trunk.at(20).weights()
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    assert twig.info["made_with"]["data"]["train"].startswith("96, ")
    assert notebook["kid"].keep.files == 3


def test_a_run_moves_there_by_its_cell_where_its_kid_cannot_travel(notebook: Notebook) -> None:
    notebook.run(
        "%%akid_train --background --no-dashboard --name carried --keep 1,2\nnotes = open('notes', 'w')\n"
        f"kid = make(max_steps={FOREVER}, val_log_step=5)\n"
        "kid.hooks.on_batch_end.append(lambda kid: notes.write('.'))"
    )
    run = runs()["carried"]
    until(lambda: run.step > 0)
    notebook.run("kid.move(2)")
    until(lambda: run.events("moved") or run.events("stays"))
    until(lambda: run.step > run.events("moved")[0].step + 30)
    notebook.run("kid.controls.send('stop')")
    until(lambda: not run.is_live and notebook["kid"].step == run.step)

    assert run.scalars("loss").steps.tolist() == list(range(1, run.step + 1))
    assert len(run.checkpoints) <= 3  # as it was told here: two, and the best where that is neither
    assert [(event.data["from"], event.data["to"]) for event in run.events("moved")] == [(1, 2)]


def test_an_interrupt_stops_the_run_and_keeps_the_ranks(notebook: Notebook) -> None:
    pids = ranks()

    def press_when_it_runs() -> None:
        until(lambda: "long" in runs() and runs()["long"].step > 4)
        interrupt()

    threading.Thread(target=press_when_it_runs, daemon=True).start()
    shown = notebook.run(f"%%akid_train -np 2 --no-dashboard --name long\nkid = make(max_steps={FOREVER})")

    assert "train it again and it goes on" in shown
    assert runs()["long"].status == "stopped"
    assert notebook["kid"].step == runs()["long"].step > 0
    assert ranks() == pids


def test_in_the_background_the_weights_come_back_by_themselves(notebook: Notebook) -> None:
    notebook.run("%%akid_train -np 2 --background --no-dashboard --name behind\nkid = make(max_steps=50)")
    until(lambda: notebook["kid"].step == 50)

    assert runs()["behind"].status == "finished"


def test_without_horovod_the_curve_is_the_same_and_its_ranks_stay_for_who_names_no_launcher(
    notebook: Notebook,
) -> None:
    notebook.run("%akid_pool --stop")
    notebook.run("%%akid_train -np 2 --launcher torch --no-dashboard --name twin\nkid = make(max_steps=20)")
    (pool,) = Session.current().describe_pools()
    notebook.run("%%akid_train -np 2 --no-dashboard --name again\nkid = make(max_steps=20)")

    assert [one["pid"] for one in Session.current().describe_pools()] == [pool["pid"]]
    assert pool["launcher"] == "torch"
    assert runs()["twin"].scalars("loss").values == pytest.approx(
        runs()["here"].scalars("loss").values, rel=1e-4
    )
    assert runs()["again"].status == "finished"


def test_the_pool_is_shown_and_stopped_and_nothing_of_it_is_left(notebook: Notebook) -> None:
    shown = notebook.run("%akid_pool")
    assert re.search(r"^2 +ready +- +torch +leaves in \d+ s", shown, re.M)
    pids = ranks()
    notebook.run("%akid_pool --stop")

    assert len(pids) == 2
    until(lambda: not any(lives(pid) for pid in pids))


def test_more_ranks_than_cores_are_allowed_with_a_warning(notebook: Notebook) -> None:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with pytest.warns(UserWarning, match="2 ranks share the 1 cores"):
            notebook.run("%%akid_train -np 2 --no-dashboard --name crowded\nkid = make()")
    finally:
        os.sched_setaffinity(0, cores)

    assert runs()["crowded"].status == "finished"


def ranks() -> list[int]:
    """The processes of the ranks."""
    (pool,) = Session.current().describe_pools()
    return [rank["pid"] for rank in pool["ranks"]]
