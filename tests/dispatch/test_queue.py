"""What a pool does, and what waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from akidlab.dispatch import Outcome
from akidlab.dispatch.queue import KEPT, Queue
from akidlab.errors import DispatchError


def work(uid: str, closed: list[str]) -> Any:
    """What the queue knows of a work."""
    task = SimpleNamespace(uid=uid)
    return SimpleNamespace(task=task, name=uid, is_closing=False, close=lambda outcome: closed.append(uid))


def test_works_are_done_in_the_order_in_which_they_came() -> None:
    queue, closed = Queue(), list[str]()
    first, second, third = (work(uid, closed) for uid in "abc")
    for each in (first, second, third):
        queue.add(each)
    queue.next()
    queue.end(second, Outcome("stopped"))
    queue.wait_closed()

    assert (queue.active, queue.waiting, closed) == (first, [third], ["b"])
    assert (queue.before(first), queue.before(third), queue.before(second)) == (None, "a", None)
    assert queue.find("b") is second


def test_what_was_done_long_ago_is_forgotten() -> None:
    queue = Queue()
    for number in range(KEPT + 1):
        queue.add(work(str(number), []))
        queue.end(queue.next(), Outcome("finished"))
    queue.wait_closed()

    assert queue.find("1").name == "1"
    with pytest.raises(DispatchError, match="The pool knows no run `0`"):
        queue.find("0")


def test_a_run_that_came_again_is_remembered_from_its_last_end_on() -> None:
    queue = Queue()
    for uid in ("again", *map(str, range(KEPT - 1)), "again", "other"):
        queue.add(work(uid, []))
        queue.end(queue.next(), Outcome("finished"))
    queue.wait_closed()

    assert queue.find("again").name == "again"
