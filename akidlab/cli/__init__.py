"""The `akidlab` command: set up, look around, and see the runs of a project."""

from akidlab.cli.main import main

__all__ = ["main"]
