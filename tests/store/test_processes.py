"""Several processes at one store: killed, writing at once, and with a disk that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from akidlab.store import Store
from tests.patience import PATIENCE, until

TALK = """
    import sys, time
    from akidlab.messages import Message, Samples, Status
    from akidlab.store import Recorder, Store
    run = Store({path!r}).create({name!r}, max_steps=10**6)
    recorder = Recorder(run).start()
    recorder.hear(Message("status", Status("running")))
"""


def program(store: Store, name: str, code: str) -> subprocess.Popen[str]:
    text = textwrap.dedent(TALK).format(path=str(store.path), name=name) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


def test_a_killed_process_loses_at_most_its_last_batch_and_its_run_is_lost(store):
    child = program(
        store,
        "killed",
        """
        for step in range(1, 10**9):
            recorder.hear(Message("loss", 1.0 / step, step=step))
            print(step, flush=True)
            time.sleep(0.001)
        """,
    )
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(500)]
    run = store.run("killed")
    until(lambda: run.step >= said[-1])
    written, alive = run.step, run.status
    child.send_signal(signal.SIGKILL)
    said += [int(line) for line in child.stdout if line.endswith("\n")]
    child.stdout.close()
    child.wait()

    steps, elapsed = run.scalars("loss").steps, run.elapsed
    assert (alive, run.status, run.is_live) == ("running", "lost", False)
    assert steps.tolist() == list(range(1, len(steps) + 1))
    assert written <= steps[-1] <= said[-1] + 1  # the last one may not have come to say so
    assert run.elapsed == elapsed  # its time stands still
    with store.reading() as db:
        assert db is not None
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_lost_run_can_be_taken_up_again(store):
    from akidlab.messages import Message
    from akidlab.store import Recorder

    child = program(store, "killed", "recorder.flush(); print('ready', flush=True); time.sleep(60)")
    assert child.stdout is not None
    child.stdout.readline()
    child.kill()
    child.wait()
    child.stdout.close()
    run = store.run("killed")
    lost = run.status

    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 0.5, step=1))

    assert (lost, run.status, run.scalars("loss").last) == ("lost", "finished", 0.5)


def test_two_processes_write_at_once_and_all_of_it_is_there(store):
    code = """
        for step in range(3000):
            recorder.hear(Message("loss", float(step), step=step))
            if step % 100 == 0:
                recorder.flush()
        recorder.stop("finished")
        print(recorder.problem)
    """
    children = [program(store, "same name", code) for _ in range(2)]

    said = [child.communicate(timeout=2 * PATIENCE)[0].strip() for child in children]

    assert said == ["None", "None"]
    assert sorted(run.name for run in store.runs()) == ["same name", "same name-2"]
    assert [run.status for run in store.runs()] == ["finished"] * 2
    assert all(run.scalars("loss").values.tolist() == list(map(float, range(3000))) for run in store.runs())


def test_a_file_that_may_not_grow_is_waited_for(store):
    child = program(
        store,
        "full",
        """
        import logging, os, resource
        logging.disable()
        recorder.flush()
        ceiling = sum(f.stat().st_size for f in run.store.path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (ceiling, resource.RLIM_INFINITY))
        steps = range(50_000)
        recorder.hear(Message("loss", Samples(steps, [0.5] * len(steps), [0.0] * len(steps))))
        recorder.flush()
        print(recorder.problem)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        recorder.stop("finished")
        print(recorder.problem)
        """,
    )

    said = child.communicate(timeout=2 * PATIENCE)[0].splitlines()

    assert "cannot be written" in said[0]
    assert "50,000 rows wait in memory" in said[0]
    assert said[1] == "None"
    assert store.run("full").scalars("loss").total == 50_000


def test_a_recorder_that_nobody_stopped_writes_its_last_batch_when_the_process_ends(store):
    child = program(store, "left", "recorder.hear(Message('loss', 0.5, step=1))")

    child.communicate(timeout=2 * PATIENCE)

    assert child.returncode == 0
    assert store.run("left").scalars("loss").last == 0.5
    assert store.run("left").status == "lost"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_the_store_for_itself(store):
    store.create("digits")
    reader, writer = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            os.write(writer, ",".join(store.runs().names()).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 100) == b"digits"
    assert store.runs().names() == ["digits"]
    os.close(reader)
    os.close(writer)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_leaves_the_recorder_to_its_parent(store):
    from akidlab.messages import Message
    from akidlab.store import Recorder

    run = store.create("digits")
    recorder = Recorder(run).start()
    child = os.fork()
    if child == 0:
        try:
            recorder.hear(Message("loss", 1.0, step=1))
            recorder.stop("failed")
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    recorder.hear(Message("loss", 0.5, step=1))
    recorder.stop("finished")

    assert (run.status, run.scalars("loss").values.tolist()) == ("finished", [0.5])


def test_a_disk_that_is_full_from_the_start_is_told_before_anything_starts(store):
    code = """
        import resource
        from akidlab.store import Store
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
        try:
            Store({path!r}).create("digits")
        except OSError as error:
            print(type(error).__name__, error)
    """
    program = textwrap.dedent(code).format(path=str(store.path))

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said.startswith(f"StoreError The store `{store.path}/runs.sqlite` cannot be written: d")
    assert "Free some space or make the folder writable, or set AKID_RUNS to another folder." in said
