"""Shared: what ranks of one host do together through memory that they share."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from typing import Any

import cloudpickle
import torch
from torch import Tensor

from akidlab.engines import buckets
from akidlab.engines.neighbours import NOTE, Neighbours

PIECE = 1 << 20  # bytes that are added up at a time: they stay in the caches, and pages of the memory few
LARGEST = 4 * PIECE
_ALIGNED = 64  # bytes: where a tensor begins
_LENGTH = struct.Struct("<Q")

Part = tuple[int, int, int, list[Tensor]]  # of which tensor, from where to where, and its place on each rank


def memory_for(size: int) -> int:
    """Bytes that ranks need in common: two places each, one is read while the next is written."""
    return 2 * size * LARGEST


class Shared:
    """Adds up, tells and hands round among `neighbours`.

    Every rank writes a piece of its tensors into its place of the memory; all meet; then it reads those of
    the others. Before a place is written again, all have met once more, and so have read it. The ranks are
    added up in their order, so that all of them have the same bits, in every run.

    Args:
        neighbours: all the ranks there are.
    """

    def __init__(self, neighbours: Neighbours) -> None:
        self.neighbours = neighbours
        self.rank, self.size = neighbours.rank, neighbours.size
        self._memory = torch.frombuffer(neighbours.memory, dtype=torch.uint8)
        self._turn = 0
        self._plans: dict[Any, list[tuple[list[Part], list[Part]]]] = {}

    def average(self, tensors: Sequence[Tensor], piece: int = PIECE) -> None:
        """Replace each tensor by its mean over the ranks."""
        packed = buckets.pack(tensors)
        flats = [flat.reshape(-1) for flat, _ in packed]
        what = b"average %d bytes" % sum(flat.nbytes for flat in flats)
        add_up = self._whole if self.size == 2 else self._shares
        for plan in self._plan(flats, piece):
            turn = plan[self._next_turn()]
            for number, start, stop, places in turn:
                places[self.rank].copy_(flats[number][start:stop])
            self.neighbours.meet(what)
            add_up(flats, turn)
        buckets.unpack(packed)

    def spread(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by that of rank 0."""
        packed = buckets.pack(tensors)
        flats = [flat.reshape(-1) for flat, _ in packed]
        what = b"spread %d bytes" % sum(flat.nbytes for flat in flats)
        for plan in self._plan(flats, PIECE):
            turn = plan[self._next_turn()]
            if self.rank == 0:
                for number, start, stop, places in turn:
                    places[0].copy_(flats[number][start:stop])
            self.neighbours.meet(what)
            if self.rank > 0:
                for number, start, stop, places in turn:
                    flats[number][start:stop].copy_(places[0])
        buckets.unpack(packed)

    def gather(self, value: Any) -> list[Any]:
        """What every rank holds. Nobody but a rank can say it: the lines have no name."""
        data: bytes = cloudpickle.dumps(value)
        is_short = len(data) < NOTE
        said = self.neighbours.meet(b"gather", b"s" + data if is_short else b"l" + _LENGTH.pack(len(data)))
        lengths = [_LENGTH.unpack(note[1:])[0] if note[:1] == b"l" else 0 for note in said]
        if not any(lengths):
            return [pickle.loads(note[1:]) for note in said]
        letters = self._exchange(b"" if is_short else data, lengths)
        return [pickle.loads(letter or note[1:]) for note, letter in zip(said, letters, strict=True)]

    def meet(self) -> None:
        """Wait until all are here."""
        self.neighbours.meet(b"barrier")

    def settle(self, timeout: float) -> bool:
        """After an error: whether all ranks stand at the same place, and can go on."""
        self._turn = 0  # one may have been broken off where another one was not
        return self.neighbours.settle(timeout)

    def close(self) -> None:
        """Part from the others."""
        self.neighbours.close()

    def _exchange(self, data: bytes, lengths: list[int]) -> list[bytes]:
        letters: list[list[bytes]] = [[] for _ in lengths]
        for start in range(0, max(lengths), LARGEST):
            turn = self._next_turn()
            mine = data[start : start + LARGEST]
            at = self._place(turn, self.rank)
            self.neighbours.memory[at : at + len(mine)] = mine
            self.neighbours.meet(b"gather more")
            for rank, length in enumerate(lengths):
                at = self._place(turn, rank)
                letters[rank].append(self.neighbours.memory[at : at + min(LARGEST, max(0, length - start))])
        return [b"".join(parts) for parts in letters]

    def _whole(self, flats: list[Tensor], turn: list[Part]) -> None:
        """Two ranks: each adds up everything, which takes no second meeting."""
        for number, start, stop, places in turn:
            torch.add(places[0], places[1], out=flats[number][start:stop]).div_(2)

    def _shares(self, flats: list[Tensor], turn: list[Part]) -> None:
        """Many ranks: each adds up its share, all take the sums."""
        for _, _, _, places in turn:
            first, *others = (place.tensor_split(self.size)[self.rank] for place in places)
            for other in others:
                first.add_(other)
            first.div_(self.size)
        self.neighbours.meet(b"shares")
        for number, start, stop, places in turn:
            flats[number][start:stop].copy_(places[0])

    def _next_turn(self) -> int:
        self._turn = 1 - self._turn
        return self._turn

    def _place(self, turn: int, rank: int) -> int:
        return (turn * self.size + rank) * LARGEST

    def _plan(self, flats: list[Tensor], piece: int) -> list[tuple[list[Part], list[Part]]]:
        """What goes into each piece, for either turn; made once for tensors of these sizes."""
        key = (piece, *((flat.dtype, flat.numel()) for flat in flats))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = [
                (self._parts(cuts, 0), self._parts(cuts, 1)) for cuts in cut(flats, piece)
            ]
        return plan

    def _parts(self, cuts: list[tuple[int, int, int, int, torch.dtype]], turn: int) -> list[Part]:
        return [
            (
                number,
                start,
                stop,
                [self._view(turn, rank, at, stop - start, kind) for rank in range(self.size)],
            )
            for number, start, stop, at, kind in cuts
        ]

    def _view(self, turn: int, rank: int, at: int, count: int, kind: torch.dtype) -> Tensor:
        begin = self._place(turn, rank) + at
        return self._memory[begin : begin + count * kind.itemsize].view(kind)


def cut(flats: Sequence[Tensor], piece: int) -> list[list[tuple[int, int, int, int, torch.dtype]]]:
    """Cut tensors into pieces: each holds `(tensor, start, stop, place in bytes, dtype)` of its parts.

    Example:
        >>> cut([torch.zeros(3), torch.zeros(20)], 128)
        [[(0, 0, 3, 0, torch.float32), (1, 0, 16, 64, torch.float32)], [(1, 16, 20, 0, torch.float32)]]
    """
    pieces: list[list[tuple[int, int, int, int, torch.dtype]]] = [[]]
    at = 0
    for number, flat in enumerate(flats):
        start = 0
        while start < flat.numel():
            if at >= piece:
                pieces.append([])
                at = 0
            count = min((piece - at) // flat.itemsize, flat.numel() - start)
            pieces[-1].append((number, start, start + count, at, flat.dtype))
            start += count
            at += -(-count * flat.itemsize // _ALIGNED) * _ALIGNED
    return pieces if pieces[-1] else []
