"""Any cell on the ranks: what it shows, what it keeps, how it fails, and that a run does not feel it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from akidlab import Session, runs
from akidlab.errors import DispatchError, MagicError, RankError
from akidlab.magics import ranks
from tests.magics.notebook import FOREVER, SETUP, Notebook, a_shell, interrupt
from tests.patience import until

pytestmark = pytest.mark.ranks


@pytest.fixture(scope="module")
def shared(launcher: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One notebook with two ranks of each launcher."""
    folder = tmp_path_factory.mktemp(f"notebook-{launcher}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKID_RUNS", str(folder / "akid_runs"))
        patch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        with a_shell(folder) as shell:
            notebook = Notebook(shell)
            notebook.run(SETUP)
            patch.setenv("AKIDLAB_QUIET", "1")
            notebook.run(f"%akid_pool --start 2 --launcher {launcher}")
            yield notebook
            notebook.run("%akid_pool --stop")


@pytest.fixture
def notebook(
    shared: Notebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Notebook:
    """The shared one, back in its own folders."""
    folder = Path(shared.shell.ipython_dir).parent
    monkeypatch.setenv("AKID_RUNS", str(folder / "akid_runs"))
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(folder / "runtime"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(folder)
    shared.capsys = capsys
    return shared


@pytest.fixture
def live(notebook: Notebook) -> Iterator[Notebook]:
    """A run on both ranks that does not end by itself."""
    notebook.run(f"%%akid_train -np 2 --background --no-dashboard\nkid = make(max_steps={FOREVER})")
    yield notebook
    notebook["kid"].controls.send("stop")
    until(lambda: not Session.current().live)


def test_a_cell_runs_on_all_ranks_and_what_it_shows_has_their_numbers(notebook: Notebook) -> None:
    shown = notebook.run("%%akid_ranks\nprint('I am', rank)\nprint('of', size)\nrank * 10")

    assert sorted(shown.splitlines()) == [
        *("[0] 0", "[0] I am 0", "[0] of 2", "[1] 10", "[1] I am 1", "[1] of 2"),
    ]
    assert shown.splitlines()[-2:] == ["[0] 0", "[1] 10"]  # the values come last


def test_where_outputs_may_not_vary_they_come_in_the_order_of_the_ranks(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    cell = "%%akid_ranks --time\nimport time\ntime.sleep(0.1 * (1 - rank))\nprint(rank)\nprint('!')\nrank"

    assert notebook.run(cell) == "[0] 0\n[0] !\n[1] 1\n[1] !\n[0] 0\n[1] 1\n"


def test_a_long_value_is_set_off_and_its_time_is_told(notebook: Notebook) -> None:
    shown = notebook.run("%%akid_ranks 1 --time\nimport torch\ntorch.ones(2, 1)")

    assert re.fullmatch(r"\[1\] tensor\(\[\[1\.\],\n {12}\[1\.\]\]\)\n\[1\] [\d.e-]+ s\n", shown)


def test_what_a_cell_binds_is_found_by_the_next_and_the_notebook_brings_the_rest(notebook: Notebook) -> None:
    notebook.run("factor = 2\ndef twice(x):\n    return factor * x")
    notebook.run("%%akid_ranks\nmine = rank + 1\nfactor = 3 if rank else factor")
    notebook.run("factor = 50")

    assert values(notebook, "twice(mine), factor") == ["[0] (2, 2)", "[1] (6, 3)"]
    assert "mine" not in notebook.shell.user_ns
    notebook.run("%%akid_ranks\ndel factor, mine")


def test_some_ranks_may_be_asked_and_do_nothing_together_with_the_others(notebook: Notebook) -> None:
    assert notebook.run("%%akid_ranks 1\nengine.rank, size") == "[1] (1, 2)\n"
    assert values(notebook, "engine.sum({'a': rank + 1})['a']") == [
        "[0] 3.0",
        "[1] 3.0",
    ]
    with pytest.raises(
        RankError, match=r"^Rank 1: .*`sum` waits for all ranks, and this cell runs on rank 1"
    ):
        notebook.run("%%akid_ranks 1\nengine.sum({'a': 1})")
    with pytest.raises(DispatchError, match=r"These are the ranks 0 to 1; found rank 7\."):
        notebook.run("%%akid_ranks 0,7\nrank")
    with pytest.raises(MagicError, match=r"parted by commas, such as `1` or `0,2`; found `one`"):
        notebook.run("%%akid_ranks one\nrank")


def test_an_error_names_its_rank_and_one_of_all_is_told_once(notebook: Notebook) -> None:
    with pytest.raises(RankError, match=r"^Rank 1: ZeroDivisionError: division by zero\n") as caught:
        notebook.run("%%akid_ranks\nif rank == 1:\n    1 / 0\n'well'")
    assert 'File "Cell In[' in str(caught.value)
    assert "line 3" in str(caught.value)
    assert "akidlab" not in str(caught.value)
    assert "[0] 'well'" in notebook.fail("%%akid_ranks\nif rank == 1:\n    1 / 0\n'well'")

    with pytest.raises(RankError, match=r"^Ranks 0 and 1: KeyError: 'x'\n") as caught:
        notebook.run("%%akid_ranks\n{}['x']")
    assert str(caught.value).count("Traceback") == 1
    with pytest.raises(RankError, match=r"(?s)^Rank 0: ValueError: 0\n.*\n\nRank 1: ValueError: 1\n"):
        notebook.run("%%akid_ranks\nraise ValueError(rank)")
    with pytest.raises(MagicError, match="The cell is not Python"):
        notebook.run("%%akid_ranks\n1 +")


def test_values_of_all_ranks_are_gathered(notebook: Notebook) -> None:
    notebook.run(
        "%%akid_ranks\nimport numpy, torch\nt = torch.full((2,), rank)\nfacts = {'a': [numpy.ones(rank)]}"
    )

    assert notebook.run("%akid_gather t\n%akid_gather facts --into told --ranks 1") == ""
    assert [one.tolist() for one in notebook["t"]] == [[0, 0], [1, 1]]
    assert isinstance(notebook["t"][0], torch.Tensor)
    assert notebook["told"][0]["a"][0].tolist() == [1.0]
    notebook.run("sums = %akid_gather t.sum().item() + 1")
    assert notebook["sums"] == [1, 3]


def test_large_values_are_gathered_whole(notebook: Notebook) -> None:
    notebook.run("%akid_gather torch.arange(5_000_000) + rank --into large")

    assert [int(one[-1]) for one in notebook["large"]] == [4_999_999, 5_000_000]


def test_what_cannot_come_is_named_with_what_to_do(notebook: Notebook) -> None:
    with pytest.raises(
        MagicError, match=r"Rank 0: A `.*Engine` cannot be gathered.*`kid\.brain\.state_dict\(\)`"
    ):
        notebook.run("%akid_gather engine")
    with pytest.raises(RankError, match=r"Ranks 0 and 1: NameError: name 'nowhere' is not defined"):
        notebook.run("%akid_gather nowhere")
    with pytest.raises(MagicError, match="`t t` is no expression"):
        notebook.run("%akid_gather t t")
    with pytest.raises(MagicError, match=r"no option `--intoo`. Did you mean `--into`\?"):
        notebook.run("%akid_gather t --intoo x")
    with pytest.raises(MagicError, match="Say what to gather"):
        notebook.run("%akid_gather --ranks 1")


def test_the_kid_of_the_last_run_stays_until_the_next_begins(notebook: Notebook) -> None:
    notebook.run("%%akid_train -np 2 --no-dashboard\nkid = make(max_steps=7)")
    notebook.run("%akid_gather kid.brain.state_dict() --into states")
    loss, _ = notebook["kid"].validate()

    assert values(notebook, "int(kid.clock)") == ["[0] 7", "[1] 7"]
    for state in notebook["states"]:
        for name, tensor in notebook["kid"].brain.state_dict().items():
            assert torch.equal(state[name], tensor)
    assert notebook.run("%%akid_ranks 0\nround(kid.brain.loss.item(), 3) >= 0") == "[0] True\n"
    notebook.run("losses = %akid_gather kid.validate()[0]")
    assert notebook["losses"] == pytest.approx([loss, loss])
    shown = notebook.run(
        "%%akid_train -np 2 --no-dashboard\nimport gc\nfrom akidlab import Kid\n"
        "print(sum(type(x) is Kid for x in gc.get_objects()), 'kids')\nkid = make(max_steps=1)"
    )
    assert {"[0] 0 kids", "[1] 0 kids"} <= set(shown.splitlines())


def test_in_the_midst_of_a_run_all_ranks_run_it_after_the_same_step(live: Notebook) -> None:
    for _ in range(3):
        live.run("%akid_gather (kid.step, engine.sum({'steps': kid.step})['steps']) --into steps")
        (first, total), second = live["steps"]
        assert second == (first, total)
        assert total == 2 * first
    shown = live.run("%%akid_ranks 1\nprint('there')\nkid.practising")

    assert re.fullmatch(r"\[1\] there\n\[1\] True\n\(after step [\d,]+\)\n", shown)
    with pytest.raises(RankError, match=r"Rank 0: .*`barrier` waits for all ranks"):
        live.run("%%akid_ranks 0\nengine.barrier()")
    with pytest.raises(RankError, match="Ranks 0 and 1: ZeroDivisionError"):
        live.run("%%akid_ranks\n1 / 0")
    assert live["kid"].run is None or runs()[0].is_live


def test_an_interrupt_in_the_midst_of_a_run_ends_the_cell_alone(live: Notebook) -> None:
    run = runs()[0]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="Rank 1: KeyboardInterrupt"):
        interrupted(live, "%%akid_ranks 1\nprint('in')\nwhile True:\n    pass")
    assert time.monotonic() - began < 60
    step = run.step

    until(lambda: run.step > step + 5)
    assert run.is_live
    assert not run.events("rank_lost")


def test_cells_that_race_the_ends_of_runs_are_all_run(notebook: Notebook) -> None:
    for steps in (1, 3, 9, 1, 3, 9, 1, 3, 9):
        notebook.run(f"%%akid_train -np 2 --background --no-dashboard\nkid = make(max_steps={steps})")
        for _ in range(3):
            notebook.run("%akid_gather engine.sum({'one': 1})['one'] --into ones")
            assert notebook["ones"] == [2, 2]
        until(lambda: not Session.current().live)

        assert runs()[0].status == "finished"


def test_to_look_changes_nothing_of_what_is_learned(notebook: Notebook) -> None:
    notebook.run(
        "import torch\ndef noise(kid):\n    for part in kid.brain.parameters():\n"
        "        part.data.add_(1e-3 * torch.randn_like(part))\n"
        "def noisy():\n    kid = make(max_steps=30)\n    kid.hooks.on_batch_end.append(noise)\n    return kid"
    )
    notebook.run("%%akid_train -np 2 --no-dashboard\nkid = noisy()")
    undisturbed = notebook["kid"].brain.state_dict()
    notebook.run("%%akid_train -np 2 --no-dashboard --background --name looked\nkid = noisy()")
    notebook["kid"].controls.send("pause")
    until(lambda: runs()["looked"].status == "paused")
    notebook.run(
        "%%akid_ranks\nimport random, numpy\n"
        "torch.rand(5), numpy.random.rand(3), random.random(), kid.validate()"
    )
    notebook.run("%%akid_ranks 1\nkid.sensor, torch.randn(100).sum()")
    notebook["kid"].controls.send("resume")
    until(lambda: not Session.current().live)

    assert runs()["looked"].status == "finished"
    for name, tensor in notebook["kid"].brain.state_dict().items():
        assert torch.equal(tensor, undisturbed[name])


def test_an_interrupt_reaches_the_ranks_which_stay(notebook: Notebook) -> None:
    notebook.run("%%akid_ranks\nkept = rank")
    before = pids()
    for body in ("while True:\n    pass", "import time\ntime.sleep(1000)"):
        with pytest.raises(KeyboardInterrupt, match=r"(?s)Ranks 0 and 1: KeyboardInterrupt.*Cell In"):
            interrupted(notebook, f"%%akid_ranks\nprint('in')\n{body}")

    assert values(notebook, "kept") == ["[0] 0", "[1] 1"]
    assert pids() == before


def test_a_rank_that_heeds_no_interrupt_is_ended_by_the_second(notebook: Notebook) -> None:
    deaf = "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\ntime.sleep(1000)"
    with pytest.raises(
        KeyboardInterrupt, match=r"Rank 1 did not heed the interrupt\.\nThe ranks are started anew"
    ):
        interrupted(notebook, f"%%akid_ranks 1\nprint('in')\n{deaf}", times=2)

    assert values(notebook, "rank") == ["[0] 0", "[1] 1"]


def test_a_rank_that_waits_in_vain_is_ended_with_the_error_of_the_other(notebook: Notebook) -> None:
    notebook.run("%%akid_ranks\nlost = rank")
    with pytest.raises(
        RankError, match=r"(?s)^Rank 1: ZeroDivisionError.*Rank 0 waited in `barrier` for rank 1"
    ):
        notebook.run("%%akid_ranks\nif rank == 1:\n    1 / 0\nengine.barrier()")

    with pytest.raises(RankError, match="NameError: name 'lost' is not defined"):
        notebook.run("%%akid_ranks\nlost")


def test_a_cell_that_kills_its_rank_says_so_and_the_next_finds_others(notebook: Notebook) -> None:
    notebook.run("%%akid_ranks\nlost = rank")
    with pytest.raises(
        DispatchError, match=r"(?s)^Rank 1 \(process \d+\) was killed by SIGKILL.*started anew"
    ):
        notebook.run(
            "%%akid_ranks\nimport os, time\nif rank == 1:\n    os.kill(os.getpid(), 9)\ntime.sleep(1000)"
        )

    assert values(notebook, "'lost' in globals()") == ["[0] False", "[1] False"]


def test_a_run_survives_a_cell_that_parts_its_ranks(live: Notebook) -> None:
    run = runs()[0]
    until(lambda: run.step > 20)
    with pytest.raises(RankError, match=r"(?s)^Rank 1: ZeroDivisionError.*Rank 0 waited in `sum` for rank 1"):
        live.run("%%akid_ranks\nif rank == 1:\n    1 / 0\nengine.sum({'a': 1})")
    until(lambda: run.events("resumed"))
    step = run.step

    until(lambda: run.step > step + 5)
    steps = run.scalars("loss").steps.tolist()
    assert steps == list(range(1, len(steps) + 1))


def test_the_ranks_are_listed_and_help_and_tab_tell_what_there_is(notebook: Notebook) -> None:
    notebook.run("%%akid_ranks\nmarvel = 1")
    shown = notebook.run("%akid_ranks")

    assert re.search(r"^2 ranks of `(horovod|torch)`, ready\nrank +process +host +step\n", shown)
    assert [int(pid) for pid in re.findall(r"^[01] +(\d+) ", shown, re.M)] == pids()
    assert "marvel" in shown
    assert notebook.complete("%%akid_ranks --t") == ["--time"]
    assert notebook.complete("%akid_gather marv") == ["marvel"]
    assert "marvel" in notebook.complete_in("%%akid_ranks\nmarv")
    assert "Run a cell on the ranks" in notebook.run("%akid_ranks --help")


def test_without_ranks_it_says_how_to_start_some(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DispatchError, match=r"No ranks live here\. `%akid_pool --start 2` starts two"):
        notebook.run("%%akid_ranks\nrank")


def interrupted(notebook: Notebook, cell: str, times: int = 1) -> None:
    """Run a cell that says when it is in, and press the stop button then."""
    seen: list[int] = []

    def press() -> None:
        until(lambda: seen)
        for _ in range(times):
            interrupt()
            time.sleep(0.5)

    class Output(ranks.Output):
        def __call__(self, rank: int, stream: str, text: str) -> None:
            seen.append(rank)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "Output", Output)
        threading.Thread(target=press, daemon=True).start()
        notebook.run(cell)


def values(notebook: Notebook, source: str) -> list[str]:
    """What a cell that works shows."""
    assert notebook.capsys is not None
    notebook.capsys.readouterr()
    return notebook.run(f"%%akid_ranks\n{source}").splitlines()


def pids() -> list[int]:
    """The processes of the ranks."""
    (pool,) = Session.current().describe_pools()
    return [rank["pid"] for rank in pool["ranks"]]
