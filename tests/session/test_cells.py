"""What a notebook makes of what ranks say of a cell."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from akidlab import Session
from akidlab.errors import DispatchError, KindError, RankError
from akidlab.session.cells import living
from akidlab.session.replies import Heard, Reply
from akidlab.wire import Listener


def failed(rank: int, short: str, **more: object) -> Reply:
    return Reply(rank, False, short=short, error=f"Traceback\n{short}\n", **more)  # type: ignore[arg-type]


def pool(folder: Path, size: int, state: str = "ready") -> Listener:
    """What answers like the supervisor of a pool."""
    info: dict[str, object] = {"size": size, "project": str(folder.resolve()), "launcher": "torch", "log": ""}
    return Listener(
        lambda request, peer: {"ok": True, "state": state}, kind="pool", uid=f"of{size}", info=info
    )


def test_what_went_well_raises_nothing() -> None:
    Heard([Reply(0, True, shown="1"), Reply(1, True)]).check()


def test_errors_that_are_alike_are_told_once_and_others_one_after_the_other() -> None:
    alike = [failed(rank, "KeyError: 1") for rank in range(3)]
    with pytest.raises(RankError, match=r"^Ranks 0, 1 and 2: KeyError: 1\n\nTraceback\nKeyError: 1$"):
        Heard(alike).check()
    with pytest.raises(RankError, match=r"(?s)^Rank 0: KeyError: 1\n.*\n\nRank 1: KeyError: 2\n"):
        Heard([failed(0, "KeyError: 1"), failed(1, "KeyError: 2")]).check()


def test_a_lost_rank_is_told_after_the_error_of_another() -> None:
    with pytest.raises(DispatchError, match=r"^Rank 1 is gone\.$"):
        Heard([Reply(0, True)], error="Rank 1 is gone.").check()
    with pytest.raises(RankError, match=r"(?s)^Rank 0: KeyError: 1.*\n\nRank 1 is gone\.$"):
        Heard([failed(0, "KeyError: 1")], error="Rank 1 is gone.").check()


def test_an_interrupt_stays_an_interrupt_and_shows_where_the_ranks_were() -> None:
    with pytest.raises(KeyboardInterrupt, match="Rank 1: KeyboardInterrupt") as caught:
        Heard([failed(1, "KeyboardInterrupt", interrupted=True)], interrupted=True).check()

    assert caught.value._render_traceback_()[0].startswith("KeyboardInterrupt: Rank 1")  # type: ignore[attr-defined]


def test_a_value_that_cannot_come_is_told_with_its_rank() -> None:
    with pytest.raises(KindError, match=r"^Rank 1: A `Kid` cannot be gathered"):
        Heard([Reply(0, True), failed(1, "KindError", refused="A `Kid` cannot be gathered")]).check()


def test_where_no_ranks_live_it_says_how_to_start_some(tmp_path: Path) -> None:
    with pytest.raises(DispatchError, match=r"No ranks live here\. `%akid_pool --start 2` starts two"):
        living(tmp_path)


def test_of_several_pools_one_must_be_chosen(tmp_path: Path) -> None:
    with pool(tmp_path, 2) as two, pool(tmp_path / "elsewhere", 8):
        assert living(tmp_path) == two.connection
        with pool(tmp_path, 4):
            with pytest.raises(
                DispatchError, match=r"Pools of 2 and of 4 ranks live here. Say which: `--np 4`"
            ):
                living(tmp_path)
            assert living(tmp_path, 2) == two.connection
            assert living(tmp_path, 3) is living(tmp_path, 2, "horovod") is None


@pytest.mark.parametrize("state", ["failed", "leaving"])
def test_a_pool_that_takes_nothing_more_is_not_chosen(tmp_path: Path, state: str) -> None:
    with pool(tmp_path, 2) as two, pool(tmp_path, 64, state):
        assert living(tmp_path) == two.connection
        assert living(tmp_path, 64) is None


def test_who_asks_for_ranks_hangs_up_on_those_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    closed: list[str] = []
    with Session() as session:
        for name, alive in {"gone": False, "alive": True}.items():
            notebook = SimpleNamespace(pool=SimpleNamespace(alive=alive), close=partial(closed.append, name))
            session.notebooks[name] = notebook  # type: ignore[assignment]
        with pytest.raises(DispatchError, match="No ranks live here"):
            session.ranks()

        assert (closed, list(session.notebooks)) == (["gone"], ["alive"])
