"""Ranks on several hosts, each with a network, processes and memory of its own."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from akidlab import runs
from akidlab.cli.main import main
from akidlab.dispatch import Outcome, Pool
from akidlab.dispatch.elastic import Elastic
from akidlab.dispatch.hosts import Hosts
from akidlab.errors import DispatchError, WireError
from akidlab.kids import checkpoint
from akidlab.wire import Connection, Dialer
from tests.conftest import HOROVOD
from tests.hosts.conftest import on, submit
from tests.hosts.network import Network
from tests.hosts.slow import Slow
from tests.magics.notebook import Notebook, a_shell
from tests.patience import until
from tests.ranks.conftest import cell, run_of

pytestmark = pytest.mark.ranks

Start = Callable[..., Pool]


def weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    assert outcome.status == "finished", outcome.error
    assert outcome.weights is not None
    return checkpoint.read(outcome.weights)[0]


def test_ranks_on_two_hosts_learn_what_two_ranks_on_one_learn_and_show_no_secret(
    net: Network, start: Start, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", "cauliflower")
    told: list[str] = []
    pool = start(2, hosts=on(net, 1, 1), launcher=launcher, told=told.append)
    pool.wait_ready()
    seen = [" ".join(process.cmdline()) for process in psutil.process_iter() if lives(process)]
    outcome = submit(pool, cell(40)).wait(60)
    with_memory = [host.run("ls", "/dev/shm") for host in net.hosts]
    one = start(2, launcher=launcher)
    expected = submit(one, cell(40)).wait(60)

    assert [rank["host"] for rank in pool.describe()["ranks"]] == ["a", "b"]
    assert [line.split()[-1] for line in told[0].splitlines()[1:]] == ["ok", "ok"]
    found = weights(outcome)
    assert all(torch.equal(value, found[name]) for name, value in weights(expected).items())
    secrets = {"cauliflower", pool.connection.client_secret, pool.connection.client_public}
    assert not any(secret in line for secret in secrets for line in seen)
    assert any("akidlab.worker" in line for line in seen)  # which were there to be seen
    assert with_memory == ["", ""]


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.cmdline())
    except psutil.Error:
        return False


def test_who_lacks_the_keys_is_refused_on_the_address_of_the_hosts(net: Network, start: Start) -> None:
    pool = start(2, hosts=on(net, 1, 1), launcher="torch")
    address = pool.connection.address
    host, port = address.removeprefix("tcp://").split(":")
    others = [Connection(**{**_fields(pool.connection), "client_secret": "x" * 40}), _stranger(pool)]

    assert host == net.address
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"let me in\r\n" * 100)
    for other in others:
        with pytest.raises(WireError, match="did not answer"), Dialer(other) as dialer:
            dialer.ask({"kind": "describe"}, timeout=0.5)
    assert pool.describe()["ok"]


def _fields(connection: Connection) -> dict[str, object]:
    return {name: getattr(connection, name) for name in Connection.__dataclass_fields__}


def _stranger(pool: Pool) -> Connection:
    import zmq

    public, secret = (key.decode() for key in zmq.curve_keypair())
    return Connection(**{**_fields(pool.connection), "client_public": public, "client_secret": secret})


def test_a_host_that_dies_is_survived(net: Network, start: Start, launcher: str, slow: Slow) -> None:
    hosts, dies = on(net, 1, 1), 0
    if launcher == "horovod":  # once it is that of rank 0, once the only other one
        hosts, dies = replace(hosts, slots={"localhost": 1, net.hosts[1].address: 1}), 1
    pool = start(2, hosts=hosts, launcher=launcher, elastic=Elastic(least=1))
    job = submit(pool, cell(150) + slow.hook, commit_every=10)
    run = run_of(job)
    until(lambda: run.step > 20)
    net.hosts[dies].die()
    slow.hurry()
    outcome = job.wait(100)

    assert (outcome.status, run.status) == ("finished", "finished")
    assert run.scalars("loss").steps.tolist() == list(range(1, 151))
    (left,) = run.events("ranks_left")
    assert (left.data["from"], left.data["to"]) == (2, 1)
    assert int(str(left.data["steps_lost"])) <= 2 * 10 + 5
    assert [rank["host"] for rank in pool.describe()["ranks"]] == [socket.gethostname() if dies else "b"]


def test_a_stopped_rank_is_found_on_its_host_and_nothing_stays_there_without_a_supervisor(
    net: Network, start: Start, slow: Slow
) -> None:
    pool = start(2, hosts=on(net, 1, 1), launcher="torch")
    job = submit(pool, cell(150) + slow.hook, commit_every=10)
    run = run_of(job)
    until(lambda: run.step > 20)
    before = pool.describe()["ranks"]
    net.hosts[1].run("kill", f"-{signal.SIGSTOP}", str(before[1]["pid"]))
    slow.hurry()
    outcome = job.wait(60)

    assert outcome.status == "finished", outcome.error
    assert run.scalars("loss").steps.tolist() == list(range(1, 151))
    (warning, *_) = run.events("warning")
    assert str(warning.data["text"]).startswith("Rank 1 is stopped (SIGSTOP).")
    assert str(before[1]["pid"]) not in net.hosts[1].run("ps", "-eo", "pid").split()

    os.kill(pool.pid, signal.SIGKILL)
    until(lambda: not any("akidlab" in host.run("ps", "-eo", "args") for host in net.hosts))


def test_the_table_says_which_host_is_not_as_it_should_be_before_any_rank_is_started(
    net: Network, start: Start, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = project.parent / "data"
    data.mkdir()
    monkeypatch.setenv("AKID_DATA_PATH", str(data))
    a, b = net.hosts
    for folder in (project, data):
        a.run("mount", "-t", "tmpfs", "none", str(folder))
    a.run("sh", "-c", f"echo LAYERS = 4 > {project}/mine.py")
    b.run("mount", "-t", "tmpfs", "none", str(data.parent))
    missing = f"{net.address.rpartition('.')[0]}.77"
    hosts = Hosts({**on(net, 1, 1).slots, missing: 1}, identity=on(net).identity)
    told: list[str] = []
    try:
        with pytest.raises(DispatchError) as caught:
            start(3, hosts=hosts, launcher="torch", told=told.append)
    finally:
        for folder in (project, data):
            a.run("umount", str(folder))
        b.run("umount", str(data.parent))

    rows = {line.split()[0]: line for line in told[0].splitlines()}
    assert "other" in rows[a.address]
    assert rows[b.address].count("missing") == 2
    assert rows[missing].split()[1] == "no"
    said = str(caught.value)
    assert f"{a.address}: The Python files in {project} are others than here. `rsync -a" in said
    assert f"{b.address}: There is no folder {project}." in said
    assert f"{b.address}: There is no {data}, where the data sets are here." in said
    assert f"{missing}: It cannot be reached by ssh:" in said
    assert not Pool.find(project)


def test_a_host_that_comes_is_joined_and_one_that_goes_is_left(
    net: Network, start: Start, project: Path, slow: Slow
) -> None:
    hosts = on(net, 1, 1)
    first, second = hosts.slots
    listed = project.parent / "listed"
    listed.write_text(f"{first}:1\n")
    script = project.parent / "discover"
    script.write_text(f"#!/bin/sh\ncat {listed}\n")
    script.chmod(0o755)
    elastic = Elastic(least=1, most=2, discover=str(script))
    pool = start(1, hosts=hosts.without([second]), launcher="torch", elastic=elastic)
    job = submit(pool, cell(150) + slow.hook, commit_every=10)
    run = run_of(job)
    until(lambda: run.step > 10)
    listed.write_text(f"{first}:1\n{second}:1\n")
    until(lambda: run.events("ranks_joined"))
    until(lambda: run.step > run.events("ranks_joined")[0].step)
    listed.write_text(f"{second}:1\n")
    until(lambda: run.events("ranks_left"))
    slow.hurry()
    outcome = job.wait(100)

    assert outcome.status == "finished", outcome.error
    assert run.scalars("loss").steps.tolist() == list(range(1, 151))
    (joined,), (left,) = run.events("ranks_joined"), run.events("ranks_left")
    assert (joined.data["from"], joined.data["to"], joined.data["steps_lost"]) == (1, 2, 0)
    assert (left.data["from"], left.data["to"], left.data["steps_lost"]) == (2, 1, 0)
    assert [rank["host"] for rank in pool.describe()["ranks"]] == ["b"]


def test_a_cell_shows_the_table_and_starts_nothing_where_a_host_is_missing(
    net: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, missing = net.hosts[0].address, f"{net.address.rpartition('.')[0]}.77"
    cell = f"%%akid_train -np 2 -H {a}:1,{missing}:1 --ssh-identity-file {net.folder}/user_key\nkid = make()"

    with a_shell(tmp_path) as shell, pytest.raises(DispatchError, match=f"{missing}: It cannot be reached"):
        Notebook(shell).run(cell)
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[:3]] == ["host", a, missing]
    assert (table[1].split()[-1], table[2].split()[1]) == ("ok", "no")


@HOROVOD
def test_a_file_runs_on_hosts_without_a_notebook(
    net: Network, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text(cell(20))
    hosts = on(net, 1, 1)
    assert hosts.identity is not None
    where = ["-H", str(hosts), "--ssh-identity-file", hosts.identity]
    status = main(["run", str(tmp_path / "train.py"), "-np", "2", "--name", "digits", *where])

    assert status == 0
    assert capfd.readouterr().out.startswith("host ")
    run = runs()["digits"]
    assert (run.status, run.world_size) == ("finished", 2)
