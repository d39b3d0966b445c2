"""The wire: kernel, supervisor, ranks and server talk. Loopback, keyed, plain values, no pickles."""

from akidlab.wire.channel import Dialer, Listener, Peer
from akidlab.wire.codec import decode, encode
from akidlab.wire.connection import Connection
from akidlab.wire.remote import send_command

__all__ = ["Connection", "Dialer", "Listener", "Peer", "decode", "encode", "send_command"]
