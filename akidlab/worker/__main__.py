"""`python -m akidlab.worker CONNECTION ENVIRONMENT GENERATION LAUNCHER`: a rank, started by a launcher."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Be a rank until the supervisor lets go, or is gone; where there is a cradle, have it make the rank."""
    environment = Path(arguments[1])
    os.environ.update({**json.loads(environment.read_text()), **os.environ})
    if cradle := os.environ.pop("AKIDLAB_CRADLE", None):
        from akidlab.worker.cradle import stand_for

        stand_for(cradle, arguments)
    live(arguments)


def live(arguments: list[str]) -> None:
    """Be the rank."""
    connection, _, generation, launcher = arguments

    from akidlab.worker.rank import Rank

    Rank(Path(connection), int(generation), launcher).live()


if __name__ == "__main__":
    main(sys.argv[1:])
