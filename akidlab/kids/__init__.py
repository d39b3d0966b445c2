"""Kids: a sensor, a brain and a kongfu put together, and how they practise."""

from akidlab.events import DoneEvent, EarlyStoppingEvent
from akidlab.kids.best import Best, EarlyStopping
from akidlab.kids.controls import Controls
from akidlab.kids.hooks import Hooks
from akidlab.kids.keep import Keep
from akidlab.kids.kid import Kid
from akidlab.kids.moment import Moment
from akidlab.kids.randomness import Randomness

__all__ = [
    "Kid",
    "Best",
    "Controls",
    "DoneEvent",
    "EarlyStopping",
    "EarlyStoppingEvent",
    "Hooks",
    "Keep",
    "Moment",
    "Randomness",
]
