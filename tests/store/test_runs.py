"""The runs of a store: a sequence, a mapping, a table, a comparison."""

from __future__ import annotations

import subprocess
import sys

import pytest

from akidlab.errors import NoSuchRunError, UnknownNameError
from akidlab.messages import Event, Message, Samples, Status
from akidlab.store import Recorder, runs


@pytest.fixture
def three(store):
    for name, status in (("digits", "finished"), ("lenet", "failed"), ("tiny", "stopped")):
        with Recorder(store.create(name, max_steps=10)) as recorder:
            recorder.hear(Message("status", Status("running"), time=1e9))
            steps = range(1, 11)
            recorder.hear(Message("loss", Samples(steps, [1 / s for s in steps], [1e9] * 10)))
            recorder.hear(Message("status", Status(status), time=1e9 + 3700))
    return runs()


def test_the_newest_comes_first(three):
    assert [run.name for run in three] == ["tiny", "lenet", "digits"]
    assert three[0].name == "tiny"
    assert [run.name for run in three[1:]] == ["lenet", "digits"]


def test_a_run_is_found_by_its_name(three):
    assert three["lenet"] == three[1]
    assert "lenet" in three
    with pytest.raises(UnknownNameError, match="Did you mean `lenet`"):
        three["lennet"]


def test_in_a_terminal_the_table_is_aligned(three):
    lines = repr(three).splitlines()

    assert lines[0] == "name    status        steps    loss    duration  started           ranks"
    assert lines[2].startswith("tiny    ■ stopped   10 / 10  0.1000  1 h 01 min  2001-09-0")
    assert len({len(line) for line in lines}) == 1


def test_an_empty_store_says_where_it_is(store):
    assert repr(store.runs()) == f"No runs in {store.path}."


def test_many_runs_are_cut_off_with_a_word(store):
    for _ in range(53):
        store.create("digits")

    shown = repr(store.runs())

    assert shown.splitlines()[-1] == "... and 3 more."
    assert "and 3 more" in store.runs()._repr_mimebundle_()["text/html"]


def test_the_html_table_has_a_row_for_each_and_its_status_in_colour(three):
    html = three._repr_mimebundle_()["text/html"]

    assert html.count("<tr>") == 4
    assert "✗ failed</span>" in html
    assert "color:#e0433a" in html
    assert "background:#fff" not in html


def test_runs_become_a_table_of_pandas(three):
    table = three.to_pandas()

    assert table.index.tolist() == ["tiny", "lenet", "digits"]
    assert table["loss"].tolist() == [0.1] * 3
    assert table["seconds"].tolist() == [3700.0] * 3


def test_runs_are_compared_in_one_figure(three):
    figure = three.figure("loss")

    assert [trace.name for trace in figure.data] == ["digits", "lenet", "tiny"]
    assert len({trace.line.color for trace in figure.data}) == 3
    with pytest.raises(UnknownNameError, match="Did you mean `loss`"):
        three.figure("los")


def test_lines_are_drawn_in_the_order_in_which_they_are_asked_for(three):
    with Recorder(three["digits"]) as recorder:
        recorder.hear(Message("accuracy", Samples([1], [0.5], [1e9])))
    figure = three[2:].figure("accuracy", "loss")

    assert [trace.name for trace in figure.data] == ["accuracy", "loss"]


def test_a_table_of_many_runs_asks_the_store_a_few_times(store):
    with store.writing() as db:
        for index in range(100):
            db.execute(
                "INSERT INTO runs (uid, name, status, created, heartbeat, pid, host, machine)"
                " VALUES (?, ?, 'finished', 0, 0, 1, '', '')",
                (str(index), f"run-{index}"),
            )
    with store.reading() as db:
        asked: list[str] = []
        db.set_trace_callback(asked.append)
    repr(store.runs())

    assert 0 < len([query for query in asked if query.startswith("SELECT")]) <= 4


def test_any_runs_are_chosen_by_a_list_of_names_and_numbers(three):
    assert three[["digits", 0]].names() == ["digits", "tiny"]
    assert three["lenet", "tiny"].names() == ["lenet", "tiny"]
    assert [trace.name for trace in three[["tiny", "digits"]].figure("loss").data] == ["digits", "tiny"]
    with pytest.raises(UnknownNameError, match="Did you mean `lenet`"):
        three[["digits", "lennet"]]


def test_a_number_that_no_run_has_is_told_how_many_there_are(three):
    with pytest.raises(
        NoSuchRunError, match=r"^There is no run 99: there are 3, from 0, the newest, to 2, or"
    ):
        three[99]
    with pytest.raises(IndexError, match=r"^There is no run -4: there are 3"):
        three[[0, -4]]
    with pytest.raises(IndexError, match=r"^There is no run 0: there are none in .+\.$"):
        three[3:][0]


def test_runs_are_walked_through_to_their_end_by_number(three):
    class Old:
        def __getitem__(self, index):
            return three[index]

    assert [run.name for run in Old()] == ["tiny", "lenet", "digits"]
    assert [run.name for run in reversed(three)] == ["digits", "lenet", "tiny"]


def test_a_run_that_was_warned_of_something_is_marked(three):
    text = "The loss is not finite since step 5: try <b>."
    with Recorder(three["lenet"]) as recorder:
        recorder.hear(Message("event", Event("warning", {"text": text}), step=5))
    shown, html = repr(three).splitlines(), three._repr_mimebundle_()["text/html"]

    assert [line.count("⚠") for line in shown] == [0, 0, 0, 1, 0]
    assert html.count('title="The loss is not finite since step 5: try &lt;b&gt;."') == 1
    assert three.warnings() == {"lenet": [text]}
    assert three[:1].warnings() == {}
    assert three.to_pandas()["warning"].dropna().to_dict() == {"lenet": text}


def test_the_card_of_a_run_tells_what_it_was_warned_of(three):
    run = three["digits"]
    with Recorder(run) as recorder:
        recorder.hear(Message("event", Event("warning", {"text": "The loss is <odd>."}), step=5))
    html = run._repr_mimebundle_()["text/html"]

    assert run.warnings == ["The loss is <odd>."]
    assert html.count("⚠ The loss is &lt;odd&gt;.") == 1
    assert repr(run).endswith(", ⚠ The loss is <odd>.)")


def test_those_that_train_come_first(store):
    for name, status in [("old", "finished"), ("slow", "running"), ("new", "stopped"), ("quick", "paused")]:
        store.create(name, status=status)

    assert store.runs().live_first().names() == ["quick", "slow", "new", "old"]
    assert store.runs().live.names() == ["quick", "slow"]


def test_a_run_that_trains_is_where_its_process_is(store):
    store.create("old", status="finished")
    assert "where" not in repr(store.runs())
    store.create("mine", status="running")
    code = f"from akidlab import Store; Store({str(store.path)!r}).create('theirs', status='running')"
    wait = "; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code + wait], stdin=-1, stdout=-1) as other:
        other.stdout.readline()
        lines, page = repr(store.runs()).splitlines(), store.runs()._repr_mimebundle_()["text/html"]
        other.communicate(b"\n")

    assert [line.split()[0] for line in lines[2:]] == ["theirs", "mine", "old"]
    at = slice(lines[0].index("where"), lines[0].index("steps") - 2)
    assert [line[at].strip() for line in lines[2:]] == [f"process {other.pid}", "here", "-"]
    assert f"process {other.pid}</td>" in page


def test_what_is_measured_of_ranks_is_no_column_and_a_flagged_rank_is_a_warning(store):
    run = store.create("digits", world_size=2)
    with Recorder(run) as recorder:
        recorder.hear(Message("loss", 0.5, step=1))
        recorder.hear(Message("ranks", Samples([1], [2.5], [0.0]), step=1, key="own_ms/1"))
        recorder.hear(Message("event", Event("rank_lags", {"text": "Rank 1 lags."})))

    assert [last for _, last in store.runs().look()] == [{"loss": 0.5}]
    assert store.runs().warnings() == {"digits": ["Rank 1 lags."]}
