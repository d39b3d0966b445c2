"""Neighbours: ranks of one host, joined by sockets and memory that have no name; nothing is left of them."""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from akidlab.errors import DispatchError, LostRankError

NOTE = 4096  # bytes that are said at a meeting, at most
OPENING = 10.0  # seconds for all to find rank 0
APART = 20.0  # seconds for the doctor of a pool to find ranks that do different things; then we say so
_HEAD = struct.Struct("<cQ")  # a meeting, or how we stand after an error; and the number of meetings
MOST = 2 * NOTE  # bytes of a message
_STANDING = struct.Struct("<?")
_RANK = struct.Struct("<I")


class Neighbours:
    """The other ranks of this host.

    A meeting is a message to each of them and one from each: whoever waits sleeps, is woken by an interrupt,
    and notices at once when one of them is gone. What they are to hold in common lies in `memory`.

    Args:
        rank: which one we are.
        lines: a socket to each rank, None in our own place.
        memory: the same on all of them.

    Example:
        >>> alone = Neighbours(0, [None], mmap.mmap(-1, 16))
        >>> alone.meet(b"example", b"here")
        [b'here']
    """

    def __init__(self, rank: int, lines: Sequence[socket.socket | None], memory: mmap.mmap) -> None:
        self.rank, self.size, self.memory = rank, len(lines), memory
        self.number = 0  # of meetings that we came to
        self.is_whole = True  # we left none of them before its end
        self._lines = lines
        self._others = [line for line in lines if line is not None]

    def meet(self, what: bytes, note: bytes = b"") -> list[bytes]:
        """Wait until all are here; what each of them notes.

        Args:
            what: what for, the same on every rank.
            note: at most `NOTE` bytes.

        Raises:
            LostRankError: if one of them is gone.
            DispatchError: if one of them is here for something else.
        """
        self.number += 1
        head = _HEAD.pack(b"m", self.number) + what + b"\0"
        self.is_whole = False
        try:
            for line in self._others:
                line.send(head + note)
            said = [self._hear(line, head) if line else note for line in self._lines]
        except OSError as error:
            raise LostRankError(f"Rank {self.rank} lost the others: {error}") from error
        self.is_whole = True
        return said

    def settle(self, timeout: float) -> bool:
        """After an error: whether all came to the same meetings, and left none of them before its end."""
        end = time.monotonic() + timeout
        standing = _HEAD.pack(b"s", self.number) + _STANDING.pack(self.is_whole)
        try:
            for line in self._others:
                line.send(standing)
            said = [self._settled(line, end) for line in self._others]
        except OSError:  # gone, or not in time
            return False
        return self.is_whole and all(one == standing for one in said)

    def close(self) -> None:
        """Part from them."""
        for line in self._others:
            line.close()

    def _hear(self, line: socket.socket, head: bytes) -> bytes:
        said = line.recv(MOST)
        if said.startswith(head):
            return said[len(head) :]
        if not said:
            raise LostRankError(f"Rank {self.rank} lost the others: one of them is gone.")
        time.sleep(APART)
        raise DispatchError(
            f"Ranks do different things: rank {self.rank} is here for {_what(head)}, rank"
            f" {self._lines.index(line)} for {_what(said)}. All ranks must do the same, in the same order."
        )

    def _settled(self, line: socket.socket, end: float) -> bytes:
        """How a rank stands, beyond what it said before."""
        try:
            while True:
                line.settimeout(max(0.001, end - time.monotonic()))
                said = line.recv(MOST)
                if not said or said.startswith(b"s"):
                    return said
        finally:
            line.settimeout(None)


def _what(said: bytes) -> str:
    number = _HEAD.unpack_from(said)[1]
    return f"`{said[_HEAD.size :].partition(bytes(1))[0].decode()}` (meeting {number})"


def find(
    rank: int,
    size: int,
    broadcast: Callable[[Any], Any],
    is_any: Callable[[bool], bool],
    memory: int,
) -> Neighbours | None:
    """Find the other ranks of this host; None if not all can be reached, the same on every rank.

    Rank 0 listens for a moment where only processes of its user are let in, and hands each of them its lines.

    Args:
        rank: which one we are.
        size: of how many.
        broadcast: what rank 0 holds, by whatever way they talk already.
        is_any: whether something is so on any of them.
        memory: bytes that they are to have in common.
    """
    place, found = secrets.token_hex(16), None
    listener = None
    try:
        if sys.platform == "linux" and rank == 0:
            listener = _listen(place)
        place = broadcast(place if listener or rank else None)
        if sys.platform == "linux" and place is not None:
            found = _hand_out(listener, size, memory) if listener else _take(place, rank, size, memory)
    except OSError:
        pass
    finally:
        if listener is not None:
            listener.close()
    if is_any(found is None):
        if found is not None:
            found.close()
        return None
    return found


def _listen(place: str) -> socket.socket:
    """A socket that is in no folder, and gone with us."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0akidlab-{place}")
    listener.listen(64)
    return listener


def _hand_out(listener: socket.socket, size: int, memory: int) -> Neighbours:
    """Give every rank a line to each of the others, and the memory."""
    end = time.monotonic() + OPENING
    with contextlib.ExitStack() as opened:
        lines = _listen_to_all(listener, size, end, opened)
        file = os.memfd_create("akidlab")
        opened.callback(os.close, file)
        os.ftruncate(file, memory)
        with contextlib.ExitStack() as theirs:
            ends: dict[tuple[int, int], socket.socket] = {}
            for one in range(1, size):
                for other in range(one + 1, size):
                    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    ends[one, other], ends[other, one] = map(theirs.enter_context, pair)
            for number, line in lines.items():
                others = [ends[number, other].fileno() for other in lines if other != number]
                socket.send_fds(line, [b"here"], [file, *others])
                line.settimeout(None)
        found = Neighbours(0, [None, *(lines[number] for number in range(1, size))], _map(file, memory))
        opened.pop_all()
        os.close(file)
    return found


def _listen_to_all(
    listener: socket.socket, size: int, end: float, opened: contextlib.ExitStack
) -> dict[int, socket.socket]:
    """A line to each of the other ranks, in their order."""
    lines: dict[int, socket.socket] = {}
    while len(lines) < size - 1:
        listener.settimeout(max(0.001, end - time.monotonic()))
        line = opened.enter_context(listener.accept()[0])
        line.settimeout(max(0.001, end - time.monotonic()))
        said = line.recv(_RANK.size) if _is_of_our_user(line) else b""
        if len(said) == _RANK.size:
            lines[_RANK.unpack(said)[0]] = line
        else:  # it was no rank, or is gone
            line.close()
    return dict(sorted(lines.items()))


def _take(place: str, rank: int, size: int, memory: int) -> Neighbours:
    with contextlib.ExitStack() as opened:
        line = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        line.settimeout(OPENING)
        line.connect(f"\0akidlab-{place}")
        if not _is_of_our_user(line):
            raise PermissionError("Who listens there is not of our user.")
        line.send(_RANK.pack(rank))
        _, files, _, _ = socket.recv_fds(line, 16, size, socket.MSG_CMSG_CLOEXEC)
        line.settimeout(None)
        if not files:
            raise ConnectionError("Rank 0 gave us no line.")
        lines: list[socket.socket | None] = [line, *(socket.socket(fileno=file) for file in files[1:])]
        lines.insert(rank, None)
        found = Neighbours(rank, lines, _map(files[0], memory))
        opened.pop_all()
        os.close(files[0])
    return found


def _is_of_our_user(line: socket.socket) -> bool:
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return user == os.getuid()


def _map(file: int, memory: int) -> mmap.mmap:
    return mmap.mmap(file, memory, mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0))
