"""Launchers: what they run, and what may be seen of it."""

from __future__ import annotations

import os
import sys

from akidlab.dispatch import HorovodLauncher
from akidlab.dispatch.launcher import launcher, threads_per_rank


def test_the_command_runs_horovodrun_and_the_worker_with_this_python() -> None:
    command = HorovodLauncher().command(3, ["-m", "akidlab.worker"])

    assert command[0] == sys.executable
    assert command[command.index("-np") :][:4] == ["-np", "3", "-H", "localhost:3"]
    assert command[-3:] == [sys.executable, "-m", "akidlab.worker"]


def test_only_what_is_needed_to_start_goes_with_the_command() -> None:
    base = {"PATH": "/bin", "PYTHONPATH": "/mine", "HOROVOD_CYCLE_TIME": "5", "AWS_SECRET_ACCESS_KEY": "x"}
    base["HOROVOD_RANK"] = "1"  # of a rank that starts a pool of its own

    assert set(HorovodLauncher().environment(2, base)) == {
        "PATH",
        "PYTHONPATH",
        "HOROVOD_CYCLE_TIME",
        "OMP_NUM_THREADS",
    }


def test_ranks_share_the_cores_unless_told_otherwise() -> None:
    mine = HorovodLauncher().environment(1, {"OMP_NUM_THREADS": "7"})

    assert mine["OMP_NUM_THREADS"] == "7"
    assert HorovodLauncher().environment(10**6, {})["OMP_NUM_THREADS"] == "1"
    assert threads_per_rank(1) == len(os.sched_getaffinity(0))


def test_lines_are_told_apart_by_rank_and_stream() -> None:
    mine = HorovodLauncher()

    assert mine.read("[1]<stderr>:oh [0]<stdout>:no\n") == (1, "stderr", "oh [0]<stdout>:no\n")
    assert mine.read("Process 0 exit with status code 1.\n").rank is None


def test_ours_is_found_as_a_plug_in() -> None:
    assert isinstance(launcher("horovod"), HorovodLauncher)
