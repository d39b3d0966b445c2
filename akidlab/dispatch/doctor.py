"""The Doctor: finds the rank that hangs, by what each says twice a second, and who is silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SILENT = 3.0  # seconds without a sign of life of a stopped process
APART = 4.0  # seconds that ranks wait for each other in different collectives
TELL = 7.0  # seconds that a rank is waited for, or silent, until we say so; or twenty steps' time
PATIENCE = 60.0  # seconds until something is done about a rank that waits for nothing we know
BUSY = 600.0  # seconds that a rank may work while the others wait: a data set comes, a model compiles


@dataclass
class Sign:
    """What a rank said last."""

    heard: float = field(default_factory=time.monotonic)
    step: int = 0
    pace: float = 0.0
    collective: str | None = None
    number: int = 0
    since: float | None = None  # when it began to wait in that collective; None if it is out of it
    stack: str = ""

    @property
    def place(self) -> str:
        """Where it is among the collectives."""
        if self.collective is None:
            return "has had no collective yet"
        word = "waits in" if self.since is not None else "was last in"
        return f"{word} `{self.collective}`, the collective number {self.number}"


@dataclass(frozen=True)
class Hang:
    """A rank that hangs, as far as can be seen.

    Args:
        rank: which.
        why: what it does, in a sentence.
        since: when that began.
        patience: seconds from then until something is to be done about it.
    """

    rank: int
    why: str
    since: float
    patience: float


class Doctor:
    """Listens to the ranks of a run.

    Three things are told apart: a process that is silent (every rank beats from a thread, which a collective
    that hangs does not stop); a rank that the others wait for; ranks that wait for each other in different
    collectives. A rank that is at work while others wait, or that makes its first step, gets ten minutes.

    Args:
        size: the number of ranks.
        patience: seconds for a rank that is idle while others wait for it.

    Example:
        >>> doctor = Doctor(2)
        >>> doctor.look(lambda rank: "works") is None
        True
    """

    def __init__(self, size: int, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.signs = {rank: Sign() for rank in range(size)}
        self._endured = 0.0  # the longest wait that came to a good end

    def hear(self, rank: int, said: Mapping[str, Any]) -> None:
        """Take a sign of life."""
        now, waiting = time.monotonic(), said.get("waiting")
        self.signs[rank] = Sign(
            now,
            int(said["step"]),
            max(0.0, float(said["pace"])),
            said.get("collective"),
            int(said.get("number") or 0),
            None if waiting is None else now - float(waiting),
            str(said.get("stack") or ""),
        )

    def forgive(self, seconds: float) -> None:
        """Nobody could be heard for so long: we were not awake ourselves."""
        for sign in self.signs.values():
            sign.heard += seconds
            sign.since = None if sign.since is None else sign.since + seconds

    def recovered(self, hang: Hang) -> float:
        """A hang is over by itself: such waits are borne with from now on; how long it took."""
        took = time.monotonic() - hang.since
        self._endured = max(self._endured, took)
        return took

    def look(self, vital: Callable[[int], str]) -> Hang | None:
        """The rank that hangs; None if none does.

        Args:
            vital: says of a rank whether its process `works`, `waits`, or is `stopped`.
        """
        now = time.monotonic()
        for rank, sign in self.signs.items():
            silence = now - sign.heard
            if silence > SILENT and vital(rank) == "stopped":
                return Hang(rank, f"Rank {rank} is stopped (SIGSTOP).", sign.heard, SILENT)
        silent = [rank for rank, sign in self.signs.items() if now - sign.heard > TELL]
        if silent:
            rank = silent[0]
            why = f"Rank {rank} gives no sign of life: something holds its interpreter."
            return Hang(rank, why, self.signs[rank].heard, self._bear(rank, vital))
        return self._waited_for(now, vital)

    def describe(self) -> str:
        """The last collective and the Python stack of each rank."""
        said = []
        for rank, sign in self.signs.items():
            at = f", at\n{sign.stack}" if sign.stack else ".\n"
            said.append(f"Rank {rank}, step {sign.step}, {sign.place}{at}")
        return "".join(said)

    def _waited_for(self, now: float, vital: Callable[[int], str]) -> Hang | None:
        inside = {rank: sign.since for rank, sign in self.signs.items() if sign.since is not None}
        if not inside:
            return None
        outside = [rank for rank in self.signs if rank not in inside]
        first, last = min(inside.values()), max(inside.values())
        tell = max(TELL, 20 * max(sign.pace for sign in self.signs.values()))
        if outside:
            if now - first < tell:
                return None
            rank, waiting = outside[0], next(rank for rank, since in inside.items() if since == first)
            why = f"Rank {rank} does not come: rank {waiting} waits in `{self.signs[waiting].collective}`."
            return Hang(rank, why, first, self._bear(rank, vital))
        if len({(sign.collective, sign.number) for sign in self.signs.values()}) > 1:
            if now - last < APART:
                return None
            places = ", ".join(f"rank {rank} {sign.place}" for rank, sign in self.signs.items())
            return Hang(0, f"The ranks wait for each other in different collectives: {places}.", last, APART)
        if now - last < tell:
            return None
        why = f"All ranks wait in `{self.signs[0].collective}`, and nothing comes through."
        return Hang(0, why, last, max(self.patience, 4 * self._endured))

    def _bear(self, rank: int, vital: Callable[[int], str]) -> float:
        sign = self.signs[rank]
        least = self.patience if sign.step > 0 and vital(rank) == "waits" else BUSY
        return max(least, 40 * sign.pace, 4 * self._endured)
