"""The meeting of ranks on several hosts: a store of values behind a key."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from akidlab.config import runtime_path
from akidlab.dispatch.meeting import Meeting
from akidlab.engines.meeting import MeetingStore
from akidlab.errors import WireError


def test_it_keeps_what_ranks_tell_each_other(tmp_path: Path) -> None:
    place = tmp_path / "ticket"
    with Meeting("127.0.0.1") as meeting:
        place.write_text(meeting.ticket)
        first, second = MeetingStore(str(place)), MeetingStore(str(place))
        threading.Timer(0.1, lambda: first.set("key", "of rank 0")).start()

        assert second.get("key") == b"of rank 0"  # it waits for it
        assert [first.add("here", 1), second.add("here", 2)] == [1, 3]
        assert first.get("here") == b"3"
        assert first.compare_set("key", "of rank 0", "other") == b"other"
        assert first.compare_set("key", "of rank 0", "third") == b"other"
        assert (second.num_keys(), second.delete_key("key"), second.check(["key"])) == (2, True, False)
        with pytest.raises(RuntimeError, match="Nobody told key: another rank is late, or gone"):
            second.wait(["key"], timedelta(seconds=0.05))


def test_it_leaves_no_key_where_it_may_be_killed() -> None:
    with Meeting("127.0.0.1"):
        assert list(runtime_path().glob("meeting-*")) == []


def test_who_has_no_ticket_hears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ticket"
    with Meeting("127.0.0.1") as meeting, Meeting("127.0.0.1") as other:
        told, others = json.loads(meeting.ticket), json.loads(other.ticket)
        for name in ("client_public", "client_secret"):
            told["connection"][name] = others["connection"][name]
        place.write_text(json.dumps(told))
        store = MeetingStore(str(place))
        ask = store._dialer.ask
        monkeypatch.setattr(store._dialer, "ask", lambda body, timeout: ask(body, 0.5))

        with pytest.raises(WireError, match="did not answer within"):
            store.check(["key"])
