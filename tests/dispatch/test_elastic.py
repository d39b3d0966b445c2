"""Elastic: hosts are found and lost, and the ranks go where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import pytest
import torch

from akidlab.dispatch import Outcome, Pool, Task, elastic
from akidlab.dispatch.elastic import Elastic, Roster
from akidlab.dispatch.hosts import Hosts
from akidlab.errors import DispatchError
from akidlab.kids import checkpoint
from akidlab.processes import began
from akidlab.worker import Assignment
from tests.hosts.slow import Slow
from tests.patience import until
from tests.ranks.conftest import cell, run_of


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that prints what is in the file beside it."""
    found = tmp_path / "discover"
    (tmp_path / "hosts").write_text("localhost:1\n")
    found.write_text(f"#!/bin/sh\ncat {tmp_path}/hosts\n")
    found.chmod(0o755)
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def started(np: int, **options: object) -> Pool:
        env = {"OMP_NUM_THREADS": "1"}
        pools.append(Pool.start(np, project=tmp_path, env=env, **options))  # type: ignore[arg-type]
        return pools[-1]

    yield started
    for pool in pools:
        pool.stop()


@pytest.mark.parametrize(
    ("elastic", "message"),
    [
        (Elastic(least=3), "`--min-np 3` is more than `-np 2`"),
        (Elastic(most=1), "`--max-np 1` is less than `-np 2`"),
        (Elastic(least=0), "`--min-np` is 1 or more, found 0"),
        (Elastic(discover="/no/such/script"), "there is no such program. Expected a script that prints"),
    ],
)
def test_numbers_that_do_not_fit_and_scripts_that_are_not_there_are_refused(
    elastic: Elastic, message: str
) -> None:
    with pytest.raises(DispatchError, match=message):
        elastic.check(2)


def test_ranks_stay_where_they_are_when_others_come() -> None:
    roster = Roster(2, Hosts.parse("b:2"), Elastic(least=1, most=3, discover="/bin/true"))
    before = roster.call()
    roster._hosts = Hosts.parse("b:2,a:1")

    assert before is not None
    assert str(before) == "b:2"
    assert not roster.suits(before)
    assert str(roster.call()) == "b:2,a:1"
    roster.lose("b", "it is off")
    assert str(roster.call()) == "a:1"
    assert roster.describe() == "Slots needed: 1, found: 1 (a:1). `b` is lost: it is off."


def test_a_script_that_fails_or_finds_what_is_no_host_changes_nothing(script: Path) -> None:
    roster = Roster(1, None, Elastic(discover=str(script)))
    roster._discover(str(script))
    first = roster.call()
    for text, complaint in (
        ("localhost:x", "whole number, found `x`"),
        ("192.0.2.1:1", "listens on loopback"),
    ):
        script.with_name("hosts").write_text(text)
        roster._discover(str(script))
        assert complaint in roster.describe()
    script.with_name("hosts").unlink()
    roster._discover(str(script))

    assert str(first) == "localhost:1"
    assert roster.call() == first
    assert "ended with status 1: cat: " in roster.describe()


def test_a_host_that_is_not_as_it_should_be_is_not_taken(script: Path) -> None:
    roster = Roster(
        1,
        None,
        Elastic(most=2, discover=str(script)),
        lambda hosts, names: dict.fromkeys(names, "other torch"),
    )
    script.with_name("hosts").write_text("localhost:1\n192.0.2.1:1\n")
    roster._discover(str(script))

    assert str(roster.call()) == "localhost:1"
    assert "`192.0.2.1` is lost: other torch." in roster.describe()


def test_a_host_that_answers_again_is_examined_before_it_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {"192.0.2.1": "other torch"}
    roster = Roster(1, Hosts.parse("localhost:1,192.0.2.1:1"), Elastic(most=2), lambda hosts, names: faults)
    monkeypatch.setattr(elastic, "_answers", lambda command: True)
    roster.lose("192.0.2.1", "it was off")
    roster._try("192.0.2.1")
    assert str(roster.call()) == "localhost:1"
    assert "`192.0.2.1` is lost: other torch." in roster.describe()
    faults.clear()
    roster._try("192.0.2.1")

    assert str(roster.call()) == "localhost:1,192.0.2.1:1"


def test_a_look_that_goes_wrong_is_not_the_last_one(
    script: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(hosts: Hosts, names: list[str]) -> dict[str, str]:
        raise OSError("read-only file system")

    monkeypatch.setattr(elastic, "LOOK", 0.01)
    roster = Roster(1, None, Elastic(most=2, discover=str(script)), fail)
    script.with_name("hosts").write_text("localhost:1\n192.0.2.1:1\n")
    roster.start()
    until(lambda: "read-only file system" in caplog.text)
    script.with_name("hosts").write_text("localhost:2\n")
    until(lambda: str(roster.call()) == "localhost:2")

    roster.stop()


@pytest.mark.ranks
def test_hosts_come_go_and_come_again_and_the_trajectory_is_that_of_one_rank(
    script: Path, start: Callable[..., Pool], launcher: str
) -> None:
    listed, slow = script.with_name("hosts"), Slow(script.parent)
    pool = start(1, launcher=launcher, elastic=Elastic(most=2, discover=str(script), wait=60))
    steps = 300
    task = Task(
        "run", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(steps) + slow.hook, "<cell 1>"))
    )
    job = pool.submit(task)
    run = run_of(job)
    until(lambda: run.step > 10)
    listed.write_text("localhost:2\n")
    until(lambda: run.events("ranks_joined") and run.step > run.events("ranks_joined")[0].step)
    listed.write_text("")
    until(lambda: run.events("waiting_for_hosts"))
    listed.write_text("localhost:1\n")
    slow.hurry()
    outcome = job.wait(60)
    plain = start(1, launcher=launcher)
    task = Task("plain", os.environ["AKID_RUNS"], cloudpickle.dumps(Assignment(cell(steps), "<cell 1>")))
    expected = weights(plain.submit(task).wait(60))

    found = weights(outcome)
    assert run.scalars("loss").steps.tolist() == list(range(1, steps + 1))
    assert all(torch.allclose(found[name], value, atol=1e-5) for name, value in expected.items())
    (joined,), (left,) = run.events("ranks_joined"), run.events("ranks_left")
    assert [joined.data[name] for name in ("from", "to", "steps_lost")] == [1, 2, 0]
    assert [left.data[name] for name in ("from", "to", "steps_lost")] == [2, 1, 0]
    (waits,) = run.events("waiting_for_hosts")
    assert "Slots needed: 1, found: 0 (no host)." in str(waits.data["text"])


@pytest.mark.ranks
def test_hosts_that_come_wait_for_a_cell_that_runs(script: Path, start: Callable[..., Pool]) -> None:
    pool = start(1, launcher="torch", elastic=Elastic(most=2, discover=str(script), wait=60))
    pool.wait_ready()
    begun, done = script.with_name("begun"), script.with_name("done")
    source = f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(3)\n"
    source += f"pathlib.Path({str(done)!r}).touch()"
    given = {
        "source": source,
        "filename": "<cell 1>",
        "names": b"",
        "notebook": "n",
        "path": [],
        "wants": None,
    }
    me = {"pid": os.getpid(), "born": began(os.getpid())}
    pool.ask({"kind": "cell", "id": "a", "ranks": None, **given, **me})
    until(begun.exists)
    script.with_name("hosts").write_text("localhost:2\n")
    until(lambda: pool.describe()["generation"] == 2)

    assert done.exists()


@pytest.mark.ranks
def test_too_few_hosts_are_waited_for_and_then_it_fails_in_words(
    script: Path, start: Callable[..., Pool]
) -> None:
    slow = Slow(script.parent)
    pool = start(1, launcher="torch", elastic=Elastic(discover=str(script), wait=2))
    assignment = cloudpickle.dumps(Assignment(cell(300) + slow.hook, "<cell 1>"))
    job = pool.submit(Task("run", os.environ["AKID_RUNS"], assignment))
    run = run_of(job)
    until(lambda: run.step > 10)
    script.with_name("hosts").write_text("")

    with pytest.raises(DispatchError, match=r"too few hosts for 2 s. Slots needed: 1, found: 0 \(no host\)"):
        job.wait(60)
    assert run.status == "failed"


def weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    assert outcome.status == "finished", outcome.error
    assert outcome.weights is not None
    return {n: t for n, t in checkpoint.read(outcome.weights)[0].items() if n.startswith("brain.")}
