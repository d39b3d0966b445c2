"""What differs between runs."""

from __future__ import annotations

from typing import Any

import pytest

from akidlab.messages import Event, Message, Samples, Status
from akidlab.messages.graph import Edge, Graph, Node
from akidlab.store import Recorder, Run, Store, comparison

X, RELU, LOSS = (
    Node("x", "x", "Input", "input"),
    Node("relu", "relu", "ReLULayer", "block"),
    Node("loss", "loss", "MSELossLayer", "loss"),
)
PLAIN = Graph("net", "Brain", [X, LOSS], [Edge("x", "loss")])
DEEPER = Graph("net", "Brain", [X, RELU, LOSS], [Edge("x", "relu"), Edge("relu", "loss")])


@pytest.fixture
def made(store: Store):
    """A finished run, made with a config, that said some things of itself and had things done to it."""

    def made(info: dict[str, Any] | None = None, events: tuple[Message, ...] = (), **config: Any) -> Run:
        run = store.create("digits", config=config)
        with Recorder(run) as recorder:
            recorder.hear(Message("status", Status(None, info or {})))
            recorder.hear(
                Message("validation_loss", Samples([1, 2], [0.5, config.get("lr", 1.0)], [1e9, 1e9]))
            )
            for event in events:
                recorder.hear(event)
        return run

    return made


def told(*runs: Run) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {(change.kind, change.name): change.values for change in comparison.changes(runs)}


def test_runs_made_alike_do_not_differ(made) -> None:
    assert comparison.changes([made(lr=0.1, seed=3), made(lr=0.1, seed=3)]) == []


def test_parameters_seeds_data_and_versions_are_told_apart(made) -> None:
    def info(torch: str, train: str) -> dict[str, Any]:
        return {"made_with": {"versions": {"python": "3.11", "torch": torch}, "data": {"train": train}}}

    one = made(info("2.13", "1437, abc"), lr=0.1, seed=0, sensor="a sensor, position epoch 1, sample 5")
    other = made(info("2.14", "1437, def"), lr=0.2, seed=1, sensor="a sensor, position epoch 9, sample 7")

    assert told(one, other) == {
        ("parameter", "lr"): (0.1, 0.2),
        ("seed", "seed"): (0, 1),
        ("data", "training data"): ("1437, abc", "1437, def"),
        ("version", "torch"): ("2.13", "2.14"),
    }


def test_what_one_run_does_not_have_is_none(made) -> None:
    assert told(made(lr=0.1), made(lr=0.1, clip_norm=1.0)) == {("parameter", "clip_norm"): (None, 1.0)}


def test_of_the_code_the_lines_that_differ_are_told_without_folders(made) -> None:
    one = made(code="a = 1\nkid = make()\n")
    other = made(code="a = 2\nkid = make()\nload('/home/ada/x.npy')\n")

    assert told(one, other) == {("code", "cell"): ("", "-a = 1\n+a = 2\n+load('…/x.npy')")}


def test_of_the_graphs_each_node_that_differs_is_told(made) -> None:
    runs = [made(events=(Message("event", Event("graph", {"graph": g.json})),)) for g in (PLAIN, DEEPER)]

    assert told(*runs) == {
        ("graph", "relu"): ("", "added: ReLULayer"),
        ("graph", "loss"): ("", "reads relu, not x"),
    }


def test_what_was_done_while_it_trained_is_told(made) -> None:
    slower = Message("event", Event("rate", {"id": "a", "value": 0.01}), step=120)
    again = Message("event", Event("rate", {"id": "b", "value": 0.001}), step=300)

    assert told(made(), made(events=(slower, again))) == {
        ("act", "learning rate"): (None, "0.01 at step 120, 0.001 at step 300")
    }


def test_the_table_has_what_differs_and_the_best_of_each_validation(made) -> None:
    rows = comparison.table([made(lr=0.1, momentum=0.9), made(lr=0.7, momentum=0.9)])

    assert rows == [
        {"run": "digits", "status": "finished", "step": 2, "lr": 0.1, "validation_loss": 0.1},
        {"run": "digits-2", "status": "finished", "step": 2, "lr": 0.7, "validation_loss": 0.5},
    ]


def test_a_change_reads_as_a_line(made) -> None:
    runs = [made(lr=0.1), made(lr=0.2)]

    assert comparison.line(comparison.changes(runs)[0], runs) == "lr: digits 0.1 · digits-2 0.2"
