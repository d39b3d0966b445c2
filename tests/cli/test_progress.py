"""How a long command shows that it is alive."""

from __future__ import annotations

import io
import re

from rich.console import Console

from akidlab.cli.progress import Progress


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    out = io.StringIO()

    with Progress("compiling", console=Console(file=out), pause=3600) as progress:
        progress.say("Two at a time [sic] ...")
        for share in (0.02, 0.5, 0.99, 1.0, 1.0):
            progress.advance(share)

    said = re.sub(r"\d+ s", "0 s", out.getvalue())
    assert said == "Two at a time [sic] ...\ncompiling   2 %  (0 s)\ncompiling 100 %  (0 s)\n"


def test_on_a_terminal_there_is_a_bar_that_ends_full() -> None:
    out = io.StringIO()

    with Progress("compiling", console=Console(file=out, force_terminal=True, width=100)) as progress:
        progress.advance(0.5)
        progress.advance(1.0)

    assert "compiling" in out.getvalue()
    assert "100 %" in out.getvalue()
