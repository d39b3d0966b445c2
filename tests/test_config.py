"""Where things lie."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import akidlab
from akidlab import config


def test_without_a_word_data_and_runs_lie_here(monkeypatch, tmp_path):
    monkeypatch.delenv("AKID_DATA_PATH", raising=False)
    monkeypatch.delenv("AKID_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)

    assert config.data_path() == Path("data")
    assert config.runs_path() == tmp_path / "akid_runs"


def test_the_environment_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("AKID_DATA_PATH", "/sets")
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "r"))
    monkeypatch.setenv("AKIDLAB_CACHE", "/cache")

    assert (config.data_path(), config.runs_path(), config.cache_path()) == (
        Path("/sets"),
        tmp_path / "r",
        Path("/cache"),
    )
    assert akidlab.AKID_DATA_PATH == "/sets"


def test_an_empty_word_is_no_word(monkeypatch):
    monkeypatch.setenv("AKID_DATA_PATH", "")

    assert config.data_path() == Path("data")


def test_what_is_built_outlives_the_checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("AKIDLAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert config.cache_path() == tmp_path / "akidlab"


def test_connection_files_are_for_this_user_alone(monkeypatch, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv("AKIDLAB_RUNTIME", str(folder))

    assert config.runtime_path() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(("word", "quiet"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_notebooks_under_test_ask_for_quiet(monkeypatch, word, quiet):
    monkeypatch.setenv("AKIDLAB_QUIET", word)

    assert config.quiet() is quiet
