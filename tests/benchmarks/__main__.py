"""All benchmarks, one after the other: `python -m tests.benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys

from rich.console import Console

NAMES = (
    "loop",
    "blocks",
    "dispatch",
    "ranks",
    "meter",
    "sensor",
    "observe",
    "widgets",
)  # each has `report(console, quick) -> bool`


def main() -> int:
    """Print what each benchmark finds; the exit code says whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="a few turns only, to see that they run")
    options = parser.parse_args()
    console, kept = Console(), True
    for name in options.names or NAMES:
        if importlib.util.find_spec(f"tests.benchmarks.{name}") is None:
            console.print(f"There is no benchmark `{name}`.")
            continue
        console.rule(name)
        kept = importlib.import_module(f"tests.benchmarks.{name}").report(console, options.quick) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
