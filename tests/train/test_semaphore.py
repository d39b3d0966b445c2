"""A semaphore that is taken several at a time."""

from __future__ import annotations

import threading

import pytest

from akidlab.train import Semaphore
from tests.patience import PATIENCE, until


def test_it_counts_what_is_free() -> None:
    semaphore = Semaphore(3)
    semaphore.acquire(2)

    assert repr(semaphore) == "Semaphore(1 of 3 free)"
    semaphore.release(2)
    assert semaphore.free == 3


def test_two_who_want_two_of_three_take_them_one_after_the_other() -> None:
    semaphore, most, now = Semaphore(3), [], []

    def work() -> None:
        for _ in range(50):
            semaphore.acquire(2)
            now.append(1)
            most.append(len(now))
            now.pop()
            semaphore.release(2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert not any(thread.is_alive() for thread in threads)
    assert max(most) == 1


def test_who_wants_many_is_not_passed_over_by_those_who_want_few() -> None:
    semaphore, order = Semaphore(2), []
    semaphore.acquire(1)

    def take(n: int) -> None:
        semaphore.acquire(n)
        order.append(n)
        semaphore.release(n)

    many, few = threading.Thread(target=take, args=(2,)), threading.Thread(target=take, args=(1,))
    for waiting, thread in enumerate((many, few), start=1):
        thread.start()
        until(lambda waiting=waiting: len(semaphore._waiting) == waiting)

    assert order == []
    semaphore.release(1)
    many.join(PATIENCE)
    few.join(PATIENCE)

    assert order == [2, 1]


def test_who_is_interrupted_gives_up_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    semaphore = Semaphore(1)
    semaphore.acquire()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(semaphore._changed, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt):
            semaphore.acquire()
    semaphore.release()
    semaphore.acquire()

    assert semaphore.free == 0


def test_what_can_never_be_is_said_at_once() -> None:
    semaphore = Semaphore(2)

    with pytest.raises(ValueError, match=r"3 can never be taken: there are 2"):
        semaphore.acquire(3)
    with pytest.raises(ValueError, match=r"1 cannot be given back: 0 are taken"):
        semaphore.release()
    with pytest.raises(ValueError, match=r"`n` must be a whole number of 1 or more, found 0"):
        semaphore.acquire(0)
    with pytest.raises(ValueError, match=r"`count` must be a whole number of 1 or more, found 1.5"):
        Semaphore(1.5)  # type: ignore[arg-type]
