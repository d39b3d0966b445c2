"""`python -m akidlab.worker CONNECTION ENVIRONMENT GENERATION LAUNCHER`: a rank, started by a launcher."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Be a rank until the supervisor lets go, or is gone."""
    connection, environment, generation, launcher = arguments
    os.environ.update({**json.loads(Path(environment).read_text()), **os.environ})

    from akidlab.worker.rank import Rank

    Rank(Path(connection), int(generation), launcher).live()


if __name__ == "__main__":
    main(sys.argv[1:])
