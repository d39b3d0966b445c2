"""The Lens: finds the rank that lags behind the others, and the one whose weights are no longer theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from akidlab.dispatch.abreast import Block

TIMES = 1.5  # a rank lags whose own work takes so many times that of the others,
LONGER = 0.010  # and so many seconds longer,
IN_A_ROW = 6  # at so many steps in a row: what disturbs a machine for a moment does not
WELL = 50  # steps in a row at which it does not, until it lags no more
OFTEN = 3  # times that one rank is told of
KEPT = 1000  # sums that wait for another rank


@dataclass(frozen=True)
class Finding:
    """What is wrong with a rank.

    Args:
        kind: `rank_lags` or `rank_drifts`.
        rank: which.
        step: at which step that was sure.
        text: in words, with what to do.
        data: how much, or where.
    """

    kind: str
    rank: int
    step: int
    text: str
    data: dict[str, object] = field(default_factory=dict)


class Lens:
    """Looks at what all ranks measured of the same steps.

    Ranks of one machine compete for its cores, so what one waited for a core is no fault of its own; among
    several machines it is.

    Args:
        hosts: of each rank, the machine.

    Example:
        >>> lens = Lens(["here", "here"])
        >>> told = {"names": ["ip1.weight"], "steps": np.array([8, 16]), "sums": np.array([[3], [5]])}
        >>> lens.compare(0, told)
        []
        >>> [finding] = lens.compare(1, told | {"sums": np.array([[3], [6]])})
        >>> finding.rank, finding.step, finding.data["where"]
        (1, 16, ['ip1.weight'])
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self.lags: dict[int, float] = {}  # the ranks that do, with how many times the work of the others
        self.drifts: dict[int, int] = {}  # the ranks that do, with the step at which that was found
        self.checked: dict[int, str] = {}  # of each rank the last fingerprint, with all ranks' of that step
        self._hosts, self._size = list(hosts), len(hosts)
        self._late = [0] * self._size
        self._well = [0] * self._size
        self._told: Counter[tuple[str, int]] = Counter()
        self._sums: dict[int, dict[int, tuple[list[str], np.ndarray]]] = {}
        self._equal: int | None = None  # the last step at which all had the same weights

    def look(self, block: Block) -> list[Finding]:
        """The ranks that are seen to lag with these steps."""
        block = block.plain
        if self._size < 2 or not len(block.steps):
            return []
        own = block.own - block.queued if len(set(self._hosts)) == 1 else block.own
        found = []
        for rank in range(self._size):
            others = np.median(np.delete(own, rank, axis=0), axis=0)
            late = (own[rank] > TIMES * others) & (own[rank] > others + LONGER)
            if late.any() or self._late[rank] or rank in self.lags:
                found += self._follow(rank, block.steps, late, own[rank], others)
        return found

    def compare(self, rank: int, told: Mapping[str, Any] | None) -> list[Finding]:
        """Take the fingerprints of a rank; the ranks that are seen to drift now."""
        if told is None or self._size < 2:
            return []
        found = []
        for step, sums in zip(np.asarray(told["steps"]).tolist(), told["sums"], strict=True):
            at = self._sums.setdefault(step, {})
            at[rank] = list(told["names"]), np.asarray(sums)
            if len(at) == self._size:
                found += self._judge(step, self._sums.pop(step))
        while len(self._sums) > KEPT:
            del self._sums[min(self._sums)]
        return found

    def _follow(
        self, rank: int, steps: np.ndarray, late: np.ndarray, own: np.ndarray, others: np.ndarray
    ) -> list[Finding]:
        found = []
        for at, is_late in enumerate(late.tolist()):
            self._late[rank] = self._late[rank] + 1 if is_late else 0
            self._well[rank] = 0 if is_late else self._well[rank] + 1
            if is_late and self._late[rank] >= IN_A_ROW:
                first = max(0, at + 1 - IN_A_ROW)
                mine, theirs = float(np.median(own[first : at + 1])), float(np.median(others[first : at + 1]))
                is_news = rank not in self.lags
                self.lags[rank] = mine / max(theirs, 1e-9)
                if is_news:
                    found += self._once(self._lag(rank, int(steps[at]), mine, theirs))
            elif self._well[rank] >= WELL:
                self.lags.pop(rank, None)
        return found

    def _lag(self, rank: int, step: int, mine: float, theirs: float) -> Finding:
        times = mine / max(theirs, 1e-9)
        text = (
            f"Rank {rank} lags{self._where(rank)}: its own work takes {_ms(mine)} a step, that of the others"
            f" {_ms(theirs)} ({times:.3g} times), and all wait for it. Look at what only this rank does (a"
            " hook, its share of the data), and at what else runs on its machine."
        )
        return Finding(
            "rank_lags", rank, step, text, {"by": round(times, 2), "seconds": mine, "others": theirs}
        )

    def _judge(self, step: int, sums: dict[int, tuple[list[str], np.ndarray]]) -> list[Finding]:
        names = sums[0][0]
        if any(found != names for found, _ in sums.values()):
            return []  # they are in the midst of an edit
        bits = {rank: row.tobytes() for rank, (_, row) in sums.items()}
        self.checked = {rank: f"{_folded(row):08x}" for rank, (_, row) in sums.items()}
        counts = Counter(bits.values())
        most = max(counts.values())
        right = bits[0] if counts[bits[0]] == most else counts.most_common(1)[0][0]
        reference = next(rank for rank in sorted(bits) if bits[rank] == right)
        found = []
        for rank in sorted(bits):
            if bits[rank] == right:
                self.drifts.pop(rank, None)
            elif rank not in self.drifts:
                self.drifts[rank] = step
                where = [
                    name
                    for name, a, b in zip(names, sums[rank][1], sums[reference][1], strict=True)
                    if a != b
                ]
                found += self._once(self._drift(rank, reference, step, where, alone=most == 1))
        if len(counts) == 1:
            self._equal = step
        return found

    def _drift(self, rank: int, reference: int, step: int, where: list[str], *, alone: bool) -> Finding:
        named = ", ".join(f"`{name}`" for name in where[:3]) + (
            f" and {len(where) - 3} more" * (len(where) > 3)
        )
        since = "from the start" if self._equal is None else f"since a step from {self._equal} to {step - 1}"
        doubt = " (which of the two is right, two ranks cannot tell)" if alone and self._size == 2 else ""
        back = "begin anew" if self._equal is None else f"go on from a checkpoint up to step {self._equal}"
        text = (
            f"Rank {rank} drifts{self._where(rank)}: its weights differ from those of rank {reference}"
            f" {since}, in {named}{doubt}. The ranks train different models now. Look for what changes"
            f" weights on one rank alone (a hook, `if rank == ...`, random numbers of its own); mend it and"
            f" {back}."
        )
        data: dict[str, object] = {"by": len(where), "where": where[:20], "reference": reference}
        return Finding("rank_drifts", rank, step, text, data | {"equal": self._equal})

    def _once(self, finding: Finding) -> list[Finding]:
        """Nothing, if it was told often enough."""
        self._told[finding.kind, finding.rank] += 1
        return [finding] if self._told[finding.kind, finding.rank] <= OFTEN else []

    def _where(self, rank: int) -> str:
        return f" on {self._hosts[rank]}" if len(set(self._hosts)) > 1 else ""


def _folded(row: np.ndarray) -> int:
    """A row of sums as 32 bits, to be shown."""
    whole = 0
    for number in row.tolist():
        whole = (whole * 1_000_003 + int(number)) & 0xFFFFFFFFFFFFFFFF
    return (whole ^ (whole >> 32)) & 0xFFFFFFFF


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"
