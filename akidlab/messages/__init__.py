"""Messages: how the two towers meet. Plain values on a bus; no torch, no Jupyter."""

from akidlab.messages.bundle import Bundle
from akidlab.messages.bus import Bus, MessageBus, get_default_bus
from akidlab.messages.command import Command
from akidlab.messages.direction import higher_is_better
from akidlab.messages.graph import Edge, Graph, Node
from akidlab.messages.message import Message
from akidlab.messages.payload import PERCENTS, Event, Log, Percentiles, Picture, Samples, Status
from akidlab.messages.several import Several
from akidlab.messages.subscriber import CallbackSubscriber, Subscriber
from akidlab.messages.subscription import Subscription, SynchronizedSubscription
from akidlab.messages.topics import GROUPS, META, RAW, TOPICS

__all__ = [
    "Bundle",
    "Bus",
    "CallbackSubscriber",
    "Command",
    "Edge",
    "Event",
    "GROUPS",
    "Graph",
    "Log",
    "META",
    "Message",
    "MessageBus",
    "Node",
    "PERCENTS",
    "Percentiles",
    "Picture",
    "RAW",
    "Samples",
    "Several",
    "Status",
    "Subscriber",
    "Subscription",
    "SynchronizedSubscription",
    "TOPICS",
    "get_default_bus",
    "higher_is_better",
]
