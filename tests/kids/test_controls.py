"""Commands arrive from any thread, and count once."""

from __future__ import annotations

import threading

import pytest

from akidlab.errors import DispatchError
from akidlab.kids import Controls
from akidlab.messages import Command
from tests.patience import PATIENCE


def test_a_command_that_arrives_by_two_roads_counts_once():
    controls = Controls()

    sent = [controls.send(Command("pause", id="a")), controls.send(Command("pause", id="a"))]

    assert sent == [True, False]
    assert [command.id for command in controls.take()] == ["a"]


def test_a_command_that_was_taken_does_not_come_back():
    controls = Controls()
    controls.send(Command("stop", id="a"))
    controls.take()

    assert not controls.send(Command("stop", id="a"))
    assert (controls.pending, controls.take()) == (False, [])


def test_commands_are_taken_in_the_order_in_which_they_came():
    controls = Controls()

    controls.send("pause")
    controls.send("rate", 0.5)

    assert controls.pending
    assert [(command.action, command.value) for command in controls.take()] == [
        ("pause", None),
        ("rate", 0.5),
    ]


def test_waiting_ends_when_a_command_arrives():
    controls = Controls()
    threading.Timer(0.05, controls.send, ["resume"]).start()

    commands = controls.wait(timeout=PATIENCE)

    assert [command.action for command in commands] == ["resume"]


def test_waiting_ends_without_a_command_after_the_timeout():
    assert Controls().wait(timeout=0.01) == []


def test_a_command_that_waits_can_be_seen_without_being_taken():
    controls = Controls()
    controls.send("stop")

    assert (controls.asked("stop"), controls.asked("pause")) == (True, False)
    assert [command.action for command in controls.take()] == ["stop"]


def test_after_the_end_nobody_is_there_to_obey():
    controls = Controls()
    controls.send("pause")
    controls.close()

    assert (controls.send("stop"), controls.pending, controls.take()) == (False, False, [])
    controls.open()
    assert (controls.send("stop"), [command.action for command in controls.take()]) == (True, ["stop"])


def test_where_practice_is_elsewhere_commands_go_there():
    controls, there = Controls(), list[Command]()
    controls.open(there.append)

    assert [controls.send(Command("stop", id="a")), controls.send(Command("stop", id="a"))] == [True, False]
    assert (there, controls.pending) == ([Command("stop", id="a")], False)


def test_a_call_is_made_by_the_thread_that_takes():
    controls = Controls()
    future = controls.call(threading.get_ident)

    controls.take()

    assert future.result(timeout=0) == threading.get_ident()


def test_the_error_of_a_call_belongs_to_whoever_asked():
    controls = Controls()
    future = controls.call(lambda: 1 / 0)

    controls.take()

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        future.result(timeout=0)


def test_many_threads_lose_no_command():
    controls = Controls()
    threads = [
        threading.Thread(target=lambda: [controls.send("pause") for _ in range(100)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(controls.take()) == 800


def test_a_signal_that_asks_while_commands_are_taken_is_heard():
    controls = Controls()

    class Interrupted(type(controls._queue)):
        def popleft(self):
            controls.send("stop")  # as the handler of Ctrl-C does, at any moment
            return super().popleft()

    controls._queue = Interrupted([Command("pause")])

    assert [command.action for command in controls.take()] == ["pause"]
    assert (controls.pending, [command.action for command in controls._queue]) == (True, ["stop"])


def test_what_comes_after_the_end_is_not_for_the_next_practice() -> None:
    controls = Controls()
    controls.close()

    assert not controls.put(Command("ranks", 2))
    controls.open()
    assert (controls.pending, controls.take()) == (False, [])


def test_who_can_move_the_practice_is_asked_once_and_what_was_refused_may_come_again() -> None:
    controls, asked = Controls(), []
    command = Command("ranks", 2)
    for _ in range(2):
        with pytest.raises(DispatchError, match="This run cannot be moved"):
            controls.send(command)
    controls.mover = asked.append

    assert [controls.send(command), controls.send(command)] == [True, False]
    assert (asked, controls.take()) == ([command], [])
