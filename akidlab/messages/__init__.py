"""Messages: how the two towers meet. Plain values on a bus; no torch, no Jupyter."""

from akidlab.messages.bus import Bus
from akidlab.messages.command import Command
from akidlab.messages.direction import higher_is_better
from akidlab.messages.message import Message
from akidlab.messages.payload import PERCENTS, Event, Log, Percentiles, Samples, Status
from akidlab.messages.subscriber import CallbackSubscriber, Subscriber

__all__ = [
    "Bus",
    "CallbackSubscriber",
    "Command",
    "Event",
    "Log",
    "Message",
    "PERCENTS",
    "Percentiles",
    "Samples",
    "Status",
    "Subscriber",
    "higher_is_better",
]
