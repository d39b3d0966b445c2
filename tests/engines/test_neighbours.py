"""Ranks of one host: how they find each other, wait, part, and what is left of them."""

from __future__ import annotations

import os
import socket
import sys
import threading

import pytest

from akidlab.engines import neighbours
from akidlab.engines.shared import Shared
from akidlab.errors import DispatchError, LostRankError
from tests.engines.hood import Talk, together
from tests.engines.test_torch_distributed import said

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ranks share memory on Linux only")


def test_all_hear_what_each_notes() -> None:
    notes = [b"rank 0", b"rank 1", b"rank 2", b"rank 3"]

    assert together(4, lambda shared: shared.neighbours.meet(b"test", notes[shared.rank])) == [notes] * 4


def test_who_is_gone_is_missed_at_once() -> None:
    def leave(shared: Shared) -> None:
        shared.meet()
        if shared.rank == 0:
            shared.meet()

    error = together(2, leave)[0]

    assert isinstance(error, LostRankError)
    assert str(error).startswith("Rank 0 lost the others: ")


def test_ranks_that_do_different_things_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "APART", 0.0)
    said = together(2, lambda shared: shared.meet() if shared.rank else shared.gather(1))

    assert [type(error) for error in said] == [DispatchError] * 2
    assert str(said[0]) == (
        "Ranks do different things: rank 0 is here for `gather` (meeting 1), rank 1 for `barrier`"
        " (meeting 1). All ranks must do the same, in the same order."
    )


def test_ranks_settle_only_where_all_came_to_the_same_meetings() -> None:
    def settle(shared: Shared) -> list[bool]:
        shared.meet()
        told = [shared.settle(30.0)]
        if shared.rank == 1:  # came to one more, and was broken off in it
            shared.neighbours.number += 1
            shared.neighbours.is_whole = False
        told.append(shared.settle(30.0))
        return told

    assert together(3, settle) == [[True, False]] * 3


def test_ranks_that_settled_go_on_although_they_were_broken_off_at_other_places() -> None:
    def go_on(shared: Shared) -> tuple[bool, list[str]]:
        if shared.rank == 0:
            shared._next_turn()
        return shared.settle(30.0), [text[:1] for text in shared.gather(f"{shared.rank}" + "x" * 9000)]

    assert together(2, go_on) == [(True, ["0", "1"])] * 2


def test_nobody_settles_with_one_who_is_silent() -> None:
    assert together(2, lambda shared: shared.rank == 0 and shared.settle(0.2)) == [False, False]


def test_where_one_cannot_come_nobody_takes_that_way(monkeypatch: pytest.MonkeyPatch) -> None:
    talk, found = Talk(2), {}
    monkeypatch.setattr(neighbours, "OPENING", 0.2)

    def be(rank: int) -> None:
        place = (
            (lambda value: talk.broadcast(rank, value))
            if rank == 0
            else (lambda value: talk.broadcast(rank, value) + "elsewhere")
        )
        found[rank] = neighbours.find(rank, 2, place, lambda flag: talk.any(rank, flag), 4096)

    threads = [threading.Thread(target=be, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert found == {0: None, 1: None}


def test_who_hangs_up_at_the_door_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    take = neighbours._take

    def knock(place: str, *told: int) -> neighbours.Neighbours:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.connect(f"\0akidlab-{place}")
        return take(place, *told)

    monkeypatch.setattr(neighbours, "_take", knock)

    assert together(3, lambda shared: shared.gather(shared.rank)) == [[0, 1, 2]] * 3


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_is_not_let_in() -> None:
    with neighbours._listen("test") as listener:
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                line.connect("\0akidlab-test")
            finally:
                os._exit(0)
        line, _ = listener.accept()
        is_ours = neighbours._is_of_our_user(line)
        line.close()
        os.waitpid(child, 0)

    assert not is_ours


@pytest.mark.ranks
def test_a_rank_that_waits_can_be_interrupted_and_one_that_is_gone_leaves_nothing_behind() -> None:
    told = said(
        """
import signal, threading
def average():
    engine.average([torch.ones(1000, 1000)], torch.zeros(()), False)
pids = engine.gather(os.getpid())
average()
if rank == 1:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        average()
    except KeyboardInterrupt:
        tell(rank=1, whole=engine.shared.neighbours.is_whole)
    os._exit(0)
while os.path.exists(f"/proc/{pids[1]}"):
    time.sleep(0.01)
try:
    average()
except DispatchError as error:
    shared = [line for line in open(f"/proc/{os.getpid()}/maps") if "memfd:akidlab" in line]
    tell(rank=0, error=type(error).__name__, nameless=all("(deleted)" in line for line in shared),
         shared=len(shared))
os._exit(0)
"""
    )

    assert told == [
        {"rank": 0, "error": "LostRankError", "nameless": True, "shared": 1},
        {"rank": 1, "whole": False},
    ]
