"""Whether the process that writes a run still lives."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time

from akidlab.store.liveness import SILENT_SECONDS, Writer


def test_this_process_is_alive_however_long_it_is_silent():
    assert Writer.here().is_alive(heartbeat=0.0)


def test_a_process_that_ended_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert not dataclasses.replace(Writer.here(), pid=child.pid).is_alive(time.time())


def test_a_process_that_nobody_has_waited_for_is_dead_too():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not waited for yet

    alive = dataclasses.replace(Writer.here(), pid=child.pid, pid_started=None).is_alive(time.time())

    child.wait()
    assert not alive


def test_a_later_process_of_the_same_id_is_another():
    here = Writer.here()
    assert here.pid_started is not None

    assert not dataclasses.replace(here, pid_started=here.pid_started - 1000).is_alive(time.time())


def test_a_process_elsewhere_is_alive_while_its_heart_beats():
    elsewhere = dataclasses.replace(Writer.here(), machine="another")

    assert elsewhere.is_alive(time.time() - SILENT_SECONDS / 2)
    assert not elsewhere.is_alive(time.time() - 2 * SILENT_SECONDS)
