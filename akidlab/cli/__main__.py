"""`python -m akidlab.cli` is `akidlab`."""

import sys

from akidlab.cli.main import main

sys.exit(main())
