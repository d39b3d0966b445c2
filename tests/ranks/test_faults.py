"""What goes wrong on a rank is told in the cell, and the next cell works."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from akidlab.errors import DispatchError, RankError, StoreError
from akidlab.kids import checkpoint
from tests.patience import until
from tests.ranks.conftest import NUMBER, Ranks, cell, run_of, under_way

pytestmark = pytest.mark.ranks

FAIL_ON_RANK_1 = """
def fail(kid):
    if kid.engine.rank == 1 and int(kid.clock) == 3:
        raise ValueError("rank 1 had enough")
kid.hooks.on_batch_end.append(fail)
"""


def test_an_error_on_every_rank_is_told_once_and_the_ranks_stay(ranks: Ranks) -> None:
    before = ranks.pids()
    job = ranks.submit("x = 1\ny = x / 0\n")
    with pytest.raises(RankError, match=r"Rank 0 failed in run `run`: ZeroDivisionError") as raised:
        ranks.wait(job)

    lines = [line for line in str(raised.value).splitlines() if line.strip(" ~^")]
    assert lines == [
        "Rank 0 failed in run `run`: ZeroDivisionError: division by zero (and on rank 1)",
        "Traceback (most recent call last):",
        '  File "<cell 1>", line 2, in <module>',
        "    y = x / 0",
        "ZeroDivisionError: division by zero",
    ]
    assert (run_of(job).status, run_of(job).error) == (
        "failed",
        "ZeroDivisionError: division by zero (and on rank 1)",
    )
    assert ranks.do(cell(1)).status == "finished"
    assert ranks.pids() == before


def test_a_syntax_error_shows_its_line(ranks: Ranks) -> None:
    with pytest.raises(RankError, match=r"(?s)SyntaxError.*x = = 1"):
        ranks.do("x = = 1")


def test_an_error_on_rank_1_alone_ends_the_cell(ranks: Ranks) -> None:
    job = ranks.submit(cell(1_000_000, FAIL_ON_RANK_1))
    with pytest.raises(RankError, match=r'(?s)Rank 1 failed.*raise ValueError\("rank 1 had enough"\)'):
        ranks.wait(job)

    assert run_of(job).error == "ValueError: rank 1 had enough"
    assert ranks.do(cell(1)).status == "finished"


def test_a_killed_rank_is_named_with_its_signal(ranks: Ranks) -> None:
    pids = ranks.pids()
    job = ranks.submit(cell(1_000_000), options={"max_restarts": 0})
    under_way(job)
    os.kill(pids[1], signal.SIGKILL)
    with pytest.raises(RankError, match=rf"Rank 1 \(process {pids[1]}\) was killed by SIGKILL"):
        ranks.wait(job)

    assert run_of(job).status == "failed"
    assert ranks.do(cell(1)).status == "finished"


def test_a_rank_that_exits_is_told_with_its_last_words(ranks: Ranks) -> None:
    with pytest.raises(RankError, match=r"(?s)ended with exit status 3.*farewell"):
        ranks.do("import os; os.write(2, b'farewell\\n'); os._exit(3)", needs_kid=False)


def test_leaving_with_sys_exit_is_an_error_and_the_rank_stays(ranks: Ranks) -> None:
    before = ranks.pids()
    with pytest.raises(RankError, match="SystemExit: 0"):
        ranks.do("import sys; sys.exit(0)")

    assert ranks.pids() == before


def test_an_interrupt_stops_the_run_and_keeps_the_ranks(ranks: Ranks) -> None:
    before = ranks.pids()
    job = ranks.submit(cell(1_000_000))
    under_way(job)
    job.interrupt()
    outcome = ranks.wait(job)

    assert (outcome.status, outcome.step > 0, outcome.weights is not None) == ("stopped", True, True)
    assert run_of(job).status == "stopped"
    assert ranks.pids() == before
    assert ranks.do(cell(1)).status == "finished"


def test_what_was_committed_comes_home_from_ranks_that_do_not_heed_an_interrupt(
    ranks: Ranks, tmp_path: Path
) -> None:
    deaf = f"""
def listen_to_nobody(kid):
    while kid.step == 45:
        open({str(tmp_path / "deaf")!r}, "a").close()
        try:
            while True:
                pass
        except KeyboardInterrupt:
            pass

kid.hooks.on_batch_end.append(listen_to_nobody)
"""
    job = ranks.submit(cell(1000, deaf), options={"commit_every": 20})
    until((tmp_path / "deaf").exists)
    job.interrupt()
    outcome = ranks.wait(job)

    assert outcome.status == "stopped"
    assert outcome.weights is not None
    assert checkpoint.read(outcome.weights)[1]["step"] == 40
    assert run_of(job).status == "stopped"


def test_an_interrupt_breaks_into_a_cell_that_does_not_practise(ranks: Ranks) -> None:
    before = ranks.pids()
    job = ranks.submit("import time\nprint('asleep', flush=True)\ntime.sleep(100)\n")
    seen: list[str] = []

    def asleep() -> bool:
        with pytest.raises(TimeoutError, match="is not over"):
            job.wait(0.1, on_output=lambda rank, stream, text: seen.append(text))
        return "".join(seen) == 2 * "asleep\n"

    until(asleep)
    job.interrupt()

    assert ranks.wait(job).status == "stopped"
    assert ranks.do(cell(1)).status == "finished"
    assert ranks.pids() == before


def test_an_interrupt_ends_a_rank_that_waits_for_another(ranks: Ranks) -> None:
    job = ranks.submit(NUMBER + "import time\nif number == 1:\n    time.sleep(100)\n" + cell(5))
    time.sleep(0.5)  # rank 0 has come to where it waits, on most machines
    job.interrupt()

    assert ranks.wait(job).status == "stopped"
    assert ranks.do(cell(1)).status == "finished"


def test_a_store_that_cannot_be_written_is_told_before_anything_starts(
    ranks: Ranks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "file"))

    with pytest.raises(StoreError, match=re.escape(str(tmp_path / "file"))):
        ranks.submit(cell(1))


def test_a_waiting_task_can_be_taken_back(ranks: Ranks) -> None:
    first = ranks.submit(cell(1_000_000))
    second = ranks.submit(cell(1))
    second.interrupt()
    assert ranks.wait(second).status == "stopped"
    first.interrupt()

    assert ranks.wait(first).status == "stopped"
    with pytest.raises(DispatchError, match="knows no run"):
        ranks.pool.watch("nothing")
