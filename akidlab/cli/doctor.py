"""`akidlab doctor`: what is here, what is wrong, and what to do about it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from akidlab.cli.findings import FAULT, GOOD, NOTE, Finding
from akidlab.cli.inspections import inspect_all

_MARKS = {GOOD: ("ok", "green"), NOTE: ("note", "yellow"), FAULT: ("FIX", "bold red")}
_NAME_WIDTH = 16


def show(findings: list[Finding] | None = None, console: Console | None = None) -> int:
    """Print what was found; 0 when nothing needs mending, else 1.

    Args:
        findings: what to print; this machine's unless given.
        console: where to; the standard output unless given.
    """
    console = console or Console(highlight=False, soft_wrap=True)
    if findings is None:
        with console.status("Looking around ..."):
            findings = inspect_all()
    for finding in findings:
        _print(finding, console)
    faults = sum(finding.level == FAULT for finding in findings)
    ending = "Everything is in order." if not faults else f"{faults} to fix: see the lines marked FIX."
    console.print(Text(f"\n{ending}", style="bold"))
    return 1 if faults else 0


def _print(finding: Finding, console: Console) -> None:
    mark, style = _MARKS[finding.level]
    head = Text.assemble((f"{mark:<5}", style), "  ", (f"{finding.name:<{_NAME_WIDTH}}", "bold"))
    parts = [part for part in (finding.text, finding.remedy) if part]
    if console.is_terminal:
        table = Table.grid()
        table.add_column(no_wrap=True)
        table.add_column()
        table.add_row(head, Text("\n-> ".join(parts)))
        console.print(table, soft_wrap=False)
    else:
        console.print(head + Text(f"\n{' ' * len(head)}-> ".join(parts)))
