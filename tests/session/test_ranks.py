"""What ranks write is shown with the rank that wrote it."""

from __future__ import annotations

import pytest

from akidlab.session.ranks import Echo


def test_each_line_carries_its_rank_however_it_arrives() -> None:
    shown: list[tuple[str, str]] = []
    echo = Echo(lambda stream, text: shown.append((stream, text)))
    echo(0, "stdout", "one")
    echo(1, "stderr", "other\n")
    echo(0, "stdout", " line\nand more\n")

    assert shown == [
        ("stdout", "[0] one"),
        ("stderr", "[1] other\n"),
        ("stdout", " line\n"),
        ("stdout", "[0] and more\n"),
    ]


def test_nothing_is_shown_where_outputs_may_not_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    shown: list[str] = []
    Echo(lambda stream, text: shown.append(text))(0, "stdout", "hello\n")

    assert shown == []
