"""The starter: ranks that begin together, are told apart, and end together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from akidlab.dispatch.torch_launcher import TorchLauncher
from tests.patience import until
from tests.processes import lives

pytestmark = pytest.mark.ranks

SLEEP = "import os, sys, time\nprint(os.getpid(), flush=True)\ntime.sleep(1000)\n"


def begin(size: int, source: str) -> subprocess.Popen[str]:
    """Ranks that run `source`."""
    command = TorchLauncher().command(size, ["-c", source])
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(size: int, source: str) -> tuple[int, str]:
    """How ranks that run `source` ended, and what was said."""
    with begin(size, source) as starter:
        out, _ = starter.communicate(timeout=60)
    return starter.returncode, out


def pids(starter: subprocess.Popen[str], size: int) -> dict[int, int]:
    """The processes of ranks that tell them, by their numbers."""
    assert starter.stdout is not None
    lines = [TorchLauncher().read(starter.stdout.readline()) for _ in range(size)]
    return {int(str(line.rank)): int(line.text) for line in lines}


def test_each_line_tells_which_rank_wrote_it_and_where() -> None:
    source = "import os, sys\nprint('here')\nsys.stderr.write('there')  # without an end\n"
    status, out = said(2, source)

    found = sorted(TorchLauncher().read(line) for line in out.splitlines(keepends=True))
    assert status == 0
    assert found == sorted(
        (rank, stream, text)
        for rank in (0, 1)
        for stream, text in (("stdout", "here\n"), ("stderr", "there\n"))
    )


def test_ranks_know_their_numbers_and_listen_on_loopback() -> None:
    names = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GLOO_SOCKET_IFNAME"]
    _, out = said(3, f"import os\nprint(*(os.environ[name] for name in {names}))")

    assert sorted(re.findall(r":(.*)", out)) == ["0 3 0 3 lo", "1 3 1 3 lo", "2 3 2 3 lo"]


def test_where_ranks_meet_is_open_to_them_and_to_nobody_else() -> None:
    source = "import os\nplace = os.environ['AKIDLAB_RENDEZVOUS']\nprint(os.stat(place).st_nlink, place)\n"
    _, out = said(2, f"{source}open(place, 'a').write('x')\nprint(os.stat(place).st_size > 0)")

    assert out.count("True") == 2
    assert len(set(re.findall(r":0 (/proc/.*)", out))) == 1  # a file that no folder names


def test_when_one_rank_fails_the_others_are_ended_and_it_is_named_after_its_last_words() -> None:
    source = f"import os, sys\nif os.environ['RANK'] == '1':\n    sys.exit('no more')\n{SLEEP}"
    status, out = said(3, source)

    ended = [int(pid) for pid in re.findall(r"stdout>:(\d+)", out)]
    assert status == 1
    assert out.index("[1]<stderr>:no more") < out.index("Process 1 exit with status code 1.")
    assert out.count("exit with status code") == 1
    assert not any(map(lives, ended))


def test_a_killed_rank_is_named_with_its_signal() -> None:
    with begin(2, SLEEP) as starter:
        ranks = pids(starter, 2)
        os.kill(ranks[1], signal.SIGKILL)
        out, _ = starter.communicate(timeout=60)

    assert out == "Process 1 exit with status code -9.\n"
    assert (starter.returncode, lives(ranks[0])) == (1, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_starter_that_is_told_to_end_takes_its_ranks_along(number: signal.Signals) -> None:
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    with begin(2, deaf + SLEEP) as starter:
        ranks = pids(starter, 2)
        os.kill(ranks[0], signal.SIGSTOP)
        starter.send_signal(number)
        starter.wait(60)

    assert not any(map(lives, ranks.values()))


def test_ranks_end_at_different_times_and_the_starter_after_the_last() -> None:
    source = "import os, sys\nif os.environ['RANK'] == '1':\n    sys.stdout.write(sys.stdin.read())\n"
    status, out = said(2, source + "print('done')")

    assert (status, sorted(out.splitlines())) == (0, ["[0]<stdout>:done", "[1]<stdout>:done"])


def test_a_process_that_a_rank_left_behind_does_not_hold_the_starter() -> None:
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])"
    with begin(1, f"import subprocess, sys\nprint({child}.pid, flush=True)\nsys.exit(3)") as starter:
        left = pids(starter, 1)[0]
        starter.wait(60)
        psutil.Process(left).kill()

    until(lambda: not lives(left))
    assert starter.returncode == 1


def test_nothing_secret_is_on_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "cauliflower")
    with begin(1, f"import os\nassert os.environ['MY_SECRET']\n{SLEEP}") as starter:
        rank = pids(starter, 1)[0]
        lines = [psutil.Process(pid).cmdline() for pid in (starter.pid, rank)]
        starter.terminate()

    assert lines[0] == [sys.executable, "-m", "akidlab.dispatch.starter", "1", "-c", lines[1][2]]
    assert "cauliflower" not in str(lines)
