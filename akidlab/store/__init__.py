"""The store: what happened to every run, in one SQLite database. No torch, no Jupyter."""

from akidlab.checkpoints import Checkpoint, Checkpoints
from akidlab.store import titles, words
from akidlab.store.bands import Bands
from akidlab.store.pictures import Recorded
from akidlab.store.pulse import EventEntry, LogEntry, Pulse, Tag
from akidlab.store.recorder import Recorder
from akidlab.store.run import Run
from akidlab.store.runs import Runs
from akidlab.store.series import Series
from akidlab.store.snapshot import Snapshot
from akidlab.store.store import Store, runs

__all__ = [
    "Bands",
    "Checkpoint",
    "Checkpoints",
    "EventEntry",
    "LogEntry",
    "Pulse",
    "Recorded",
    "Recorder",
    "Run",
    "Runs",
    "Series",
    "Snapshot",
    "Store",
    "Tag",
    "runs",
    "titles",
    "words",
]
