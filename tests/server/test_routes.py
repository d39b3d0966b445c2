"""The routes: who may ask, what reaches a run, what comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from akidlab.errors import UnknownNameError
from akidlab.messages import Event, Log, Message, Samples
from akidlab.server.runs import Runs
from akidlab.store import Recorder, Run, Store
from akidlab.widgets import assets
from akidlab.widgets.questions import QUESTIONS
from akidlab.wire import Connection, Listener
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Server


class Live:
    """A run with a control socket; `heard` is what was asked of it."""

    def __init__(self) -> None:
        self.run: Run = Store().create("digits", max_steps=10)
        self.heard: list[dict[str, Any]] = []
        self.asked, self.free = threading.Event(), threading.Event()
        self.free.set()

    def answer(self, request: dict[str, Any], peer: object) -> dict[str, object]:
        self.asked.set()
        self.free.wait(PATIENCE)
        self.heard.append(request)
        return {"ok": True}


@pytest.fixture
def live() -> Iterator[Live]:
    live = Live()
    info: dict[str, object] = {"store": str(live.run.store.path), "name": live.run.name}
    with Recorder(live.run) as recorder, Listener(live.answer, kind="run", uid=live.run.uid, info=info):
        recorder.hear(Message("loss", Samples([1, 2], [0.5, float("nan")], [1.0, 2.0]), step=2))
        recorder.hear(Message("event", Event("rate", {"id": "a1", "value": 0.1}), step=2))
        recorder.hear(Message("event", Event("epoch", {}), step=2))
        recorder.flush()
        yield live


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("akidlab/api/runs/abc/commands", {"action": "stop", "id": "1"}),
        ("akidlab/api/runs/abc/series", None),
        ("akidlab/api/runs/abc/questions/figure", {}),
        ("akidlab/api/live", None),
        ("akidlab/static/widgets.js", None),
        ("akidlab/static/plotly.min.js", None),
    ],
)
def test_nobody_is_answered_without_a_token(server: Server, path: str, body: object) -> None:
    assert server.ask(path, body, token=False)[0] in (302, 403)  # to the login page, or away


def test_a_command_reaches_the_run(server: Server, live: Live) -> None:
    command = {"action": "rate", "value": 0.01, "id": "b2"}

    status, answer, _ = server.ask(f"akidlab/api/runs/{live.run.uid}/commands", command)

    assert (status, answer) == (200, {"ok": True})
    assert live.heard == [{"kind": "command"} | command]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "explode", "id": "1"},
        {"action": "rate", "value": -1, "id": "1"},
        {"action": "rate", "value": "fast", "id": "1"},
        {"action": "pause"},
        [1, 2],
    ],
)
def test_what_is_no_command_is_refused(server: Server, live: Live, body: object) -> None:
    status, *_ = server.ask(f"akidlab/api/runs/{live.run.uid}/commands", body)

    assert status == 400
    assert live.heard == []


def test_a_run_that_is_not_live_is_not_found(server: Server) -> None:
    status, answer, _ = server.ask("akidlab/api/runs/abc123/commands", {"action": "stop", "id": "1"})

    assert status == 404
    assert "No live run has the uid abc123" in str(answer)


def test_a_run_whose_process_is_gone_takes_no_commands(server: Server, live: Live) -> None:
    Connection("run", "dead1", "tcp://127.0.0.1:1", "", "", "", born=1.0).write()
    status, answer, _ = server.ask("akidlab/api/runs/dead1/commands", {"action": "stop", "id": "1"})

    assert status == 404
    assert "dead1 is not live: the process that held it is gone" in str(answer)


def test_a_history_leaves_no_database_open_although_it_fails(live: Live) -> None:
    asked = Runs()
    asked._stores["nothing"] = str(live.run.store.path)
    live.run.store.close()
    before = len(_databases(live))
    with pytest.raises(UnknownNameError, match="There is no run `nothing`") as raised:
        asked.history("nothing")

    assert raised.tb is not None
    assert len(_databases(live)) == before


def _databases(live: Live) -> list[str]:
    return [f.path for f in psutil.Process().open_files() if Path(f.path).parent == live.run.store.path]


def test_a_slow_run_does_not_hold_up_the_server(server: Server, live: Live) -> None:
    live.free.clear()
    path = f"akidlab/api/runs/{live.run.uid}/commands"
    asking = threading.Thread(target=server.ask, args=(path, {"action": "pause", "id": "c3"}))
    asking.start()
    live.asked.wait(PATIENCE)
    server.ask("api/status")
    waits = asking.is_alive()
    live.free.set()
    asking.join()

    assert waits


def test_the_history_of_a_live_run_is_plain(server: Server, live: Live) -> None:
    status, answer, _ = server.ask(f"akidlab/api/runs/{live.run.uid}/series")

    assert status == 200
    assert answer["series"] == {"loss": {"steps": [1, 2], "values": [0.5, None]}}
    assert [event["kind"] for event in answer["events"]] == ["rate"]
    assert (answer["run"]["name"], answer["run"]["live"]) == ("digits", True)


def test_a_figure_of_a_run_is_plotly(server: Server, live: Live) -> None:
    status, answer, _ = server.ask(f"akidlab/api/runs/{live.run.uid}/questions/figure", {})

    assert status == 200
    assert answer["content"]["data"][0]["y"] == [0.5, None]


def test_lines_of_one_rank_are_asked_for(server: Server, live: Live) -> None:
    with Recorder(live.run) as recorder:
        for rank in (0, 1, 1):
            recorder.hear(Message("log", Log(f"said by {rank}", "warning" if rank else "info", rank)))
    path = f"akidlab/api/runs/{live.run.uid}/questions/log"
    told = server.ask(path, {"rank": 1, "level": "errors"})[1]["content"]
    before = server.ask(path, {"rank": 1, "before": told["logs"][1]["id"]})[1]["content"]

    assert [line["text"] for line in told["logs"]] == ["said by 1", "said by 1"]
    assert (before["logs"], told["more"]) == (told["logs"][:1], False)
    for bad in ({"rank": "x"}, {"level": "all"}, {"before": -1}, [1]):
        assert server.ask(path, bad)[0] == 400


def test_a_timeline_of_a_run_is_read_and_no_other_file(server: Server, live: Live) -> None:
    live.run.folder.mkdir(parents=True)
    for name in ("timeline-7.json", "config.json"):
        (live.run.folder / name).write_text("{}")
    path = f"akidlab/api/runs/{live.run.uid}/questions/timeline"

    told = server.ask(path, {"name": "timeline-7.json"})[1]["content"]
    assert told == {"name": "timeline-7.json", "text": "{}"}
    for name in ("config.json", "timeline-8.json", "../runs.sqlite", "timeline-7.json\0"):
        assert server.ask(path, {"name": name})[0] == 400


def test_a_question_that_nobody_answers_is_refused_with_those_that_are_known(
    server: Server, live: Live
) -> None:
    status, answer, _ = server.ask(f"akidlab/api/runs/{live.run.uid}/questions/weather", {})

    assert status == 400
    assert f"Known questions: {', '.join(QUESTIONS)}" in str(answer)


def test_live_runs_are_listed_without_their_keys(server: Server, live: Live) -> None:
    _, answer, _ = server.ask("akidlab/api/live")

    (found,) = [run for run in answer["runs"] if run["uid"] == live.run.uid]
    assert sorted(found) == ["created", "name", "pid", "uid"]


def test_the_module_is_kept_by_its_version_and_asked_for_without(server: Server) -> None:
    fixed = server.ask(f"akidlab/static/widgets.js?v={assets.version()}")
    asked = server.ask("akidlab/static/widgets.js")
    again = server.ask("akidlab/static/widgets.js", headers={"If-None-Match": asked[2]["Etag"]})

    assert fixed[1] == assets.source()
    assert "max-age=" in fixed[2]["Cache-Control"]
    assert asked[2]["Cache-Control"] == "no-cache"
    assert again[0] == 304


@pytest.mark.parametrize("path", ["..%2fassets.py", "nothing.js", ".hidden"])
def test_only_built_files_are_served(server: Server, path: str) -> None:
    assert server.ask(f"akidlab/static/{path}")[0] in (403, 404)


def test_a_cookie_alone_does_not_steer_a_run_but_the_page_of_the_lab_does(server: Server, live: Live) -> None:
    login = server.ask(f"api/status?token={server.token}", token=False)[2]["Set-Cookie"].split(";")[0]
    path, xsrf = f"akidlab/api/runs/{live.run.uid}/commands", "ab" * 16
    page = {"Cookie": f"{login}; _xsrf={xsrf}", "X-XSRFToken": xsrf}

    elsewhere = server.ask(path, {"action": "stop", "id": "d4"}, token=False, headers={"Cookie": login})
    here = server.ask(path, {"action": "stop", "id": "e5"}, token=False, headers=page)

    assert (elsewhere[0], here[0]) == (403, 200)
    assert [request["id"] for request in live.heard] == ["e5"]
