"""Pictures in the store: filters and feature maps of some steps, with a bound on how many are kept."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab.atlas import Atlas, arrange, tiled
from akidlab.errors import DataError
from akidlab.messages import Picture
from akidlab.messages.picture import numbers

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

KEPT = 48  # pictures of a tag
NEWEST = 12  # of these, that are kept whatever lies near them
BYTES = 1_000_000  # of a tag
FORMAT = "levels"


@dataclass(frozen=True, eq=False)
class Recorded:
    """A picture that was recorded; a notebook shows it.

    Args:
        tag: what it is of: `filters/conv1`, `maps/relu1`.
        step: the step at which it was taken.
        time: when, seconds since the epoch.
        picture: what was recorded: levels, and from where to where they reach.
    """

    tag: str
    step: int
    time: float
    picture: Picture

    @property
    def array(self) -> np.ndarray:
        """The numbers, float32 of `[items, channels, height, width]`; NaN where they were not finite."""
        return numbers(self.picture)

    @property
    def biases(self) -> np.ndarray | None:
        """The bias of each filter, None if there are none."""
        return self.picture.biases

    @property
    def figure(self) -> Figure:
        """It as an interactive plotly figure."""
        return self.atlas().figure

    def atlas(self, layout: str | Mapping[str, object] = "dynamic") -> Atlas:
        """It as one image.

        Args:
            layout: of filters: see `akidlab.atlas.grid`.
        """
        found, name = self.array, self.tag.partition("/")[2]
        title = f"{self.tag} at step {self.step:,}"
        if not self.tag.startswith("filters/"):
            sheet = tiled(found[:, 0]) if found.shape[2] > 1 else tiled(found[:, 0], gap=0)
        elif found.shape[1] == 3 and min(found.shape[2:]) > 1:
            most = max(abs(self.picture.low), abs(self.picture.high)) or 1.0
            sheet = np.clip(0.5 + arrange(found, self.biases, layout, colour=True) / (2 * most), 0, 1)
        else:
            sheet = arrange(found, self.biases, layout)
        return Atlas(title, {name: sheet}, _left(self.picture), meant={name: found})

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.picture.levels.shape))
        return f"Recorded({self.tag!r} at step {self.step:,}: {shape})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {**self.atlas()._repr_mimebundle_(), "text/plain": repr(self)}


def check(found: Picture) -> None:
    """See that it can be written, where it can still be told what it was.

    Raises:
        DataError: if it has another shape.
    """
    levels = np.asarray(found.levels)
    if levels.ndim != 4 or levels.dtype != np.uint8:
        raise DataError(
            f"a picture is uint8 of [items, channels, height, width], found {levels.dtype} of {levels.shape}."
        )


def names(db: sqlite3.Connection, run: int) -> list[str]:
    """What pictures of a run are of, in the order in which they appeared."""
    query = "SELECT name FROM images WHERE run = ? GROUP BY name ORDER BY min(id)"
    return [name for (name,) in db.execute(query, (run,))]


def steps(db: sqlite3.Connection, run: int, name: str) -> list[int]:
    """At which steps pictures were taken and kept, ascending."""
    query = "SELECT step FROM images WHERE run = ? AND name = ? ORDER BY step"
    return [step for (step,) in db.execute(query, (run, name))]


def read(db: sqlite3.Connection, run: int, name: str, step: int | None) -> Recorded | None:
    """The last picture of a step no later than `step`; None if there is none."""
    query = "SELECT step, time, data FROM images WHERE run = ? AND name = ?"
    wanted = 2**62 if step is None else step
    found = db.execute(f"{query} AND step <= ? ORDER BY step DESC LIMIT 1", (run, name, wanted)).fetchone()
    return None if found is None else Recorded(name, found[0], found[1], unpacked(found[2]))


def write(db: sqlite3.Connection, run: int, taken: Sequence[tuple[str, int, float, Picture]]) -> None:
    """Write pictures, and let go of those that there is no room for.

    Those of later steps go: the run went back, and what comes is another way.
    """
    for name, step, when, found in taken:
        db.execute("DELETE FROM images WHERE run = ? AND name = ? AND step >= ?", (run, name, step))
        db.execute(
            "INSERT INTO images (run, name, step, time, format, data) VALUES (?, ?, ?, ?, ?, ?)",
            (run, name, step, when, FORMAT, packed(found)),
        )
    for name in dict.fromkeys(name for name, *_ in taken):
        thin(db, run, name)


def thin(db: sqlite3.Connection, run: int, name: str) -> None:
    """Keep no more pictures of a tag than there is room for."""
    query = "SELECT step, length(data) FROM images WHERE run = ? AND name = ? ORDER BY step"
    sizes = dict(db.execute(query, (run, name)).fetchall())
    while len(sizes) > KEPT or (len(sizes) > 2 and sum(sizes.values()) > BYTES):
        step = crowded(list(sizes))
        del sizes[step]
        db.execute("DELETE FROM images WHERE run = ? AND name = ? AND step = ?", (run, name, step))


def cut(db: sqlite3.Connection, run: int, step: int) -> None:
    """Forget the pictures of step `step` and later."""
    db.execute("DELETE FROM images WHERE run = ? AND step >= ?", (run, step))


def crowded(taken: Sequence[int]) -> int:
    """Of steps, the one that is missed least: of the older ones, whose neighbours are nearest to each other.

    The first one stays, and so do the newest ones, as long as there are older ones.

    Example:
        >>> crowded([0, 50, 60, 100, *range(200, 212)])
        60
    """
    old = list(taken[: max(3, len(taken) - NEWEST + 1)])
    return min(zip(old[2:], old[:-2], old[1:-1], strict=True), key=lambda three: three[0] - three[1])[2]


def packed(found: Picture) -> bytes:
    """A picture as bytes: a line of JSON, and its numbers pressed."""
    head = {
        "shape": list(found.levels.shape), "low": found.low, "high": found.high, "total": found.total,
        "channels": found.channels, "biases": found.biases is not None,
    }  # fmt: skip
    held = b"" if found.biases is None else np.asarray(found.biases, "<f4").tobytes()
    body = zlib.compress(np.ascontiguousarray(found.levels, np.uint8).tobytes() + held, 6)
    return json.dumps(head).encode() + b"\n" + body


def unpacked(data: bytes) -> Picture:
    """The picture that `packed` made these bytes of."""
    line, _, body = data.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    whole, count = zlib.decompress(body), int(np.prod(head["shape"]))
    levels = np.frombuffer(whole, np.uint8, count).reshape(head["shape"])
    biases = np.frombuffer(whole, "<f4", offset=count) if head["biases"] else None
    return Picture(levels, head["low"], head["high"], biases, head["total"], head["channels"])


def _left(found: Picture) -> str:
    shown, channels = found.levels.shape[:2]
    cut = [f"{shown} of {found.total}"] * (shown < found.total)
    cut += [f"{channels} of {found.channels} channels"] * (channels < found.channels)
    return ", ".join(cut)


def known(found: Iterable[str], topic: str) -> list[str]:
    """Of tags those of a topic, `filters` or `maps`."""
    return [name for name in found if name.startswith(f"{topic}/")]
