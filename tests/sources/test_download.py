"""Fetching a file: checked before it is seen, and never half there."""

from __future__ import annotations

from pathlib import Path

import pytest

from akidlab.sources.download import FetchError, fetch

CONTENT = b"0123456789" * 20_000


def right(content: bytes) -> str | None:
    return None if content == CONTENT else "it is not what it should be"


def test_a_file_is_fetched_and_nothing_else_is_left(web, tmp_path: Path, capsys):
    fetch(web.put("good", CONTENT), tmp_path / "new" / "good", right)

    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [("good", CONTENT)]
    assert "good" in capsys.readouterr().err


def test_progress_is_silent_where_it_must_be(web, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("AKIDLAB_QUIET", "1")

    fetch(web.put("good", CONTENT), tmp_path / "good", right)

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wrong", b"other", r"http://127.*/wrong: it is not what it should be"),
        ("torn", CONTENT, r"/torn: the connection ended after 100000 of 200000 bytes"),
    ],
)
def test_a_file_that_is_not_right_is_never_seen(web, tmp_path: Path, name: str, content: bytes, message: str):
    address = web.put(name, content)

    with pytest.raises(FetchError, match=message):
        fetch(address, tmp_path / "new" / name, right)

    assert not (tmp_path / "new").exists()


def test_an_address_without_a_file_is_said(web, tmp_path: Path):
    with pytest.raises(FetchError, match=r"/absent: (File n|N)ot [fF]ound"):
        fetch(web.url + "absent", tmp_path / "absent", right)


def test_a_server_that_is_not_there_is_said(closed: str, tmp_path: Path):
    with pytest.raises(FetchError, match=r"http://127.*/file: .*refused"):
        fetch(closed + "file", tmp_path / "file", right)


def test_an_address_that_is_none_is_said(tmp_path: Path):
    with pytest.raises(FetchError, match="nowhere: unknown url type"):
        fetch("nowhere", tmp_path / "file", right)


def test_what_was_there_stays_until_the_new_is_complete(web, tmp_path: Path):
    (tmp_path / "torn").write_bytes(b"old")

    with pytest.raises(FetchError, match="the connection ended"):
        fetch(web.put("torn", CONTENT), tmp_path / "torn", right)

    assert (tmp_path / "torn").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"torn", "web"}


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(web, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError, match="file"):
        fetch(web.put("good", CONTENT), tmp_path / "file" / "good", right)
