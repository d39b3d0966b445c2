"""Ancestry: what led to a run, and what came of it."""

from __future__ import annotations

import numpy as np

from akidlab.messages import Event, Message, Samples
from akidlab.store import Recorder, Run, Store


def branched(store: Store, parent: Run, step: int, name: str, losses: dict[int, float]) -> Run:
    run = store.create(name, parent=parent.uid)
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("branched", {"parent": parent.uid, "step": step}), step))
        if losses:
            recorder.hear(Message("loss", Samples(list(losses), list(losses.values()), [1e9] * len(losses))))
    return run


def test_the_curve_of_a_branch_begins_with_that_of_its_parent(store, write) -> None:
    parent = write([9.0, 8.0, 7.0, 6.0, 5.0])
    child = branched(store, parent, 2, "child", {3: 1.0, 4: 0.5})

    whole = child.scalars("loss", lineage=True)

    assert (whole.steps.tolist(), whole.values.tolist()) == ([0, 1, 2, 3, 4], [9.0, 8.0, 7.0, 1.0, 0.5])
    assert child.scalars("loss").steps.tolist() == [3, 4]
    assert child.scalars("loss", lineage=True, points=8).steps.tolist() == [0, 1, 2, 3, 4]
    assert child.scalars("loss", lineage=True, since=1, within=(0, 3)).steps.tolist() == [2, 3]


def test_what_a_branch_measured_again_counts(store, write) -> None:
    parent = write([9.0, 8.0, 7.0])
    child = branched(store, parent, 2, "child", {2: 6.5, 3: 1.0})

    assert child.scalars("loss", lineage=True).values.tolist() == [9.0, 8.0, 6.5, 1.0]


def test_the_curve_of_a_long_parent_is_read_no_further_than_is_seen(store, write, monkeypatch) -> None:
    parent = write(list(range(20_000, 0, -1)))
    child = branched(store, parent, 15_000, "child", {15_000: 1.0, 15_001: 0.5})
    read, rows = Run.scalars, []

    def counted(run: Run, tag: str, **which: object) -> object:
        found = read(run, tag, **which)
        rows.append(len(found))
        return found

    monkeypatch.setattr(Run, "scalars", counted)
    whole = read(child, "loss", lineage=True, points=100)

    assert sum(rows) < 200
    assert len(whole) <= 100
    assert whole.total > len(whole)
    assert whole.steps[[0, -2, -1]].tolist() == [0, 15_000, 15_001]
    assert (np.diff(whole.steps) > 0).all()


def test_a_branch_that_measured_nothing_yet_has_what_led_there(store, write) -> None:
    child = branched(store, write([9.0, 8.0, 7.0]), 1, "child", {})

    assert child.scalars("loss", lineage=True).values.tolist() == [9.0, 8.0]


def test_an_ancestor_that_was_deleted_ends_the_way_back(store, write) -> None:
    parent = write([9.0])
    child = branched(store, parent, 1, "child", {2: 1.0})
    parent.delete()

    assert [stretch.run for stretch in child.lineage] == [child]
    assert child.scalars("loss", lineage=True).values.tolist() == [1.0]


def test_branches_stand_under_their_parents_in_the_table(store, write) -> None:
    parent = write([9.0])
    child = branched(store, parent, 1, "child", {2: 1.0})
    branched(store, child, 2, "grandchild", {3: 1.0})
    store.create("another")

    names = [line.split("  ")[0].rstrip() for line in repr(store.runs()).splitlines()[2:]]

    assert names == ["another", "digits", "└ child", "\u2007\u2007└ grandchild"]
    assert "└ child" in store.runs()._repr_mimebundle_()["text/html"]
