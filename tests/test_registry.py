"""Plug-ins: ours are found like a stranger's."""

from __future__ import annotations

import pytest

from akidlab import registry
from akidlab.errors import UnknownNameError


def test_our_own_plug_ins_are_registered():
    assert {"plotly", "svg"} <= set(registry.names("akidlab.backends"))


def test_a_plug_in_is_loaded_by_its_name():
    from akidlab.backends import svg

    assert registry.load("akidlab.backends", "svg") is svg


def test_a_plug_in_that_nobody_offers_is_met_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no backend `plotli`\. Did you mean `plotly`\?"):
        registry.load("akidlab.backends", "plotli")


def test_the_plug_in_of_a_stranger_is_found_too(tmp_path, monkeypatch):
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[akidlab.backends]\nink = stranger_ink:draw\n")
    (tmp_path / "stranger_ink.py").write_text("def draw():\n    return 'ink'\n")
    monkeypatch.syspath_prepend(tmp_path)

    draw = registry.load("akidlab.backends", "ink")

    assert callable(draw)
    assert draw() == "ink"
