"""`python -m akidlab.worker CONNECTION ENVIRONMENT GENERATION LAUNCHER`: a rank, started by a launcher.

With hosts, `LETTER GENERATION LAUNCHER`: a private file for each rank tells it all the rest.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Be a rank until the supervisor lets go, or is gone; where there is a cradle, have it make the rank."""
    if len(arguments) == 3:
        from akidlab.dispatch.letter import opened

        arguments = opened(*arguments)
    else:
        environment = Path(arguments[1])
        os.environ.update({**json.loads(environment.read_text()), **os.environ})
    if cradle := os.environ.pop("AKIDLAB_CRADLE", None):
        from akidlab.worker.cradle import stand_for

        stand_for(cradle, arguments)
    live(arguments)


def live(arguments: list[str]) -> None:
    """Be the rank."""
    connection, where, generation, launcher = arguments

    from akidlab.wire import Connection
    from akidlab.worker.rank import Rank

    found = (
        Connection(**json.loads(connection)) if connection.startswith("{") else Connection.read(connection)
    )
    Rank(found, int(generation), launcher, is_afar=where == "afar").live()


if __name__ == "__main__":
    main(sys.argv[1:])
