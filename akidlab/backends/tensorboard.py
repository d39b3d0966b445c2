"""TensorBoard's files as a backend: a subscriber that writes what a run says where TensorBoard finds it."""

from __future__ import annotations

import atexit
import json
import logging
import time
import uuid
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from akidlab.errors import MissingPackageError
from akidlab.messages import PERCENTS, Event, Message, Percentiles, Samples, Subscriber

log = logging.getLogger(__name__)

WAITING = 2000  # messages, at most, before whoever publishes waits for the disk
FLUSH_SECONDS = 2


class TensorBoardWriter(Subscriber):
    """Writes scalars, distributions and events for TensorBoard; `tensorboard --logdir FOLDER` shows them.

    Each writer has a file of its own, so that several may write into one folder. Distributions become
    histograms whose eight bins lie between the nine percentiles, see `histogram`.

    Args:
        folder: where the file lies, made if it is not there; a run in TensorBoard is a folder.
        config: what the run was made with, shown among the texts.

    Raises:
        MissingPackageError: if tensorboard is not installed.

    Example:
        >>> with TensorBoardWriter("logs/digits") as writer:
        ...     writer.hear(Message("loss", 0.5, step=1))
        >>> len(list(Path("logs/digits").iterdir()))
        1
    """

    topics = None

    def __init__(self, folder: str | Path, *, config: Mapping[str, object] | None = None) -> None:
        self.folder = Path(folder)
        self._writer = _event_file(self.folder)
        atexit.register(self.close)
        if config:
            self._text("config", json.dumps(dict(config), indent=4, default=str), 0, time.time())

    def hear(self, message: Message) -> None:
        """Take a message; what is not a payload (a tensor, say) is not written."""
        data, tag = message.data, _tag(message)
        if self._writer is None:
            return
        if isinstance(data, Samples):
            for step, value, when in zip(data.steps, data.values, data.times, strict=True):
                self._scalar(tag, float(value), int(step), float(when))
        elif isinstance(data, Real):
            self._scalar(tag, float(data), message.step, message.time)
        elif isinstance(data, Percentiles):
            self._histograms(data, message.step, message.time)
        elif isinstance(data, Event):
            self._text(f"event/{data.kind}", _said(data), message.step, message.time)

    def flush(self) -> None:
        """Bring what was heard to the disk, now."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Write what is left and close the file; a second time changes nothing."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        atexit.unregister(self.close)
        try:
            writer.close()
        except OSError as error:
            log.error("The last of TensorBoard's file in `%s` could not be written: %s.", self.folder, error)

    def __enter__(self) -> TensorBoardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _scalar(self, tag: str, value: float, step: int, when: float) -> None:
        self._add([{"tag": tag, "simple_value": value}], step, when)

    def _histograms(self, found: Percentiles, step: int, when: float) -> None:
        rows = zip(found.tags, np.asarray(found.values, np.float64), found.counts, strict=True)
        values = [
            {"tag": _plain(tag), "histo": histogram(nine, int(count))}
            for tag, nine, count in rows
            if np.isfinite(nine).all()  # TensorBoard cannot draw the others
        ]
        if values:
            self._add(values, step, when)

    def _text(self, tag: str, text: str, step: int, when: float) -> None:
        tensor = {"dtype": "DT_STRING", "string_val": [text.encode(errors="replace")]}
        kind = {"plugin_data": {"plugin_name": "text"}}
        self._add([{"tag": tag, "tensor": tensor, "metadata": kind}], step, when)

    def _add(self, values: list[dict[str, Any]], step: int, when: float) -> None:
        from tensorboard.compat.proto import event_pb2

        records: Any = event_pb2
        writer = self._writer
        if writer is not None:  # another thread may have closed it
            writer.add_event(records.Event(step=int(step), wall_time=when, summary={"value": values}))


def histogram(nine: np.ndarray, count: int) -> dict[str, Any]:
    """The fields of TensorBoard's histogram for a tensor of `count` elements with these nine percentiles.

    Each bin reaches from one percentile to the next and has as many elements as lie between them. Where
    several percentiles are equal, such as those of a ReLU at 0, a bin of no width has the elements of that
    value: at least so many are; those that may be more, less than a bin's worth at either side, stay there.

    What TensorBoard draws is exact at the percentiles. In between it spreads elements evenly, and so do `sum`
    and `sum_squares`: in the outermost bins there are mostly fewer far out than it shows.

    Example:
        >>> of = histogram(np.array([-1, 0, 0, 0, 0, 0, 0, 0.5, 1]), 101)
        >>> of["bucket_limit"], of["bucket"]
        ([0.0, 0.0, 0.5, 1.0], [7, 78, 9, 7])
    """
    places = (
        np.array(PERCENTS) * (count - 1) // 100
    )  # of the elements in order: those up to there are as small
    differs = nine[1:] != nine[:-1]
    begins, ends = np.append(True, differs), np.append(differs, True)
    kept = begins | ends
    kept[0] = False  # the first bin begins at the minimum
    limits = nine[kept]
    below = np.maximum.accumulate((places + ends)[kept])
    bins, left = np.diff(below, prepend=0), np.append(nine[0], limits[:-1])
    return {
        "min": nine[0],
        "max": nine[-1],
        "num": count,
        "sum": float(bins @ (left + limits)) / 2,
        "sum_squares": float(bins @ (left**2 + left * limits + limits**2)) / 3,
        "bucket_limit": limits.tolist(),
        "bucket": bins.tolist(),
    }


def _event_file(folder: Path) -> Any:
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise MissingPackageError(
            "tensorboard is not installed. Install it with: pip install tensorboard"
        ) from error
    own = f".{uuid.uuid4().hex[:8]}"  # two hosts may have the same name, and two processes the same number
    return EventFileWriter(str(folder), WAITING, FLUSH_SECONDS, filename_suffix=own)


def _tag(message: Message) -> str:
    return _plain(message.topic if message.key is None else f"{message.topic}/{message.key}")


def _plain(tag: str) -> str:
    """A name that nothing takes for a path of its own: no slash leads, none is doubled."""
    return "/".join(part for part in tag.split("/") if part)


def _said(event: Event) -> str:
    """An event in markdown: its text, and below it whatever else it tells."""
    more = {name: value for name, value in event.data.items() if name != "text"}
    lines = [str(event.data.get("text") or event.kind)]
    lines += [f"- {name}: {value}" for name, value in more.items() if value is not None]
    return "\n".join([lines[0], "", *lines[1:]]).strip()
