"""Whether a process is still the one that it was."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from akidlab import processes


def test_this_process_lives() -> None:
    assert processes.lives(os.getpid(), processes.began(os.getpid()))


def test_one_that_ended_does_not_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    born = processes.began(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    unburied = processes.lives(child.pid, born)
    child.wait()

    assert (unburied, processes.lives(child.pid, born)) == (False, False)


def test_a_later_one_of_the_same_number_is_another() -> None:
    assert not processes.lives(os.getpid(), 1.0)


def test_it_is_the_beginning_that_others_know() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    since_boot = psutil.Process().create_time() - psutil.boot_time()

    assert abs((processes.began(os.getpid()) or 0.0) / ticks - since_boot) < 1.0
