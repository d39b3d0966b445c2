"""`python -m akidlab.sensors.worker`: a process that makes batches, until its sensor lets go or is gone."""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import cloudpickle
import torch

from akidlab.sensors.frames import Frames, frame
from akidlab.sensors.memory import Place, SharedMemory, layout
from akidlab.sensors.span import Span

if TYPE_CHECKING:
    from akidlab.sensors.maker import Batch, Maker

Task = tuple[dict[str, Any], bytearray]


class Worker:
    """Makes the batches that it is told to, one after another, in shared memory.

    Args:
        out: where answers go.
    """

    def __init__(self, out: int) -> None:
        self.out = out
        self.tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.maker: Maker
        self.slots: SharedMemory | None = None

    def live(self) -> None:
        """Work, until there is nobody to work for."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            header, payload = self.tasks.get()
            try:
                answer = self._begin(header, payload) if header["ticket"] == 0 else self._make(header)
            except BaseException:
                answer = frame({"ticket": header["ticket"], "error": traceback.format_exc()})
            _write(self.out, answer)

    def _listen(self) -> None:
        frames = Frames()
        while piece := os.read(0, 1 << 20):
            for task in frames.feed(piece):
                self.tasks.put(task)
        os._exit(0)  # whatever it is doing: nobody is there to take it

    def _begin(self, header: dict[str, Any], payload: bytearray) -> bytes:
        self.maker = cloudpickle.loads(bytes(payload))
        if header["size"]:
            self.slots = SharedMemory(header["size"], header["fd"])
        if header["parts_size"]:
            parts = SharedMemory(header["parts_size"], header["parts_fd"])
            self.maker.hold("train", [parts.tensor(_place(place)) for place in header["parts"]])
        return frame({"ticket": 0})

    def _make(self, header: dict[str, Any]) -> bytes:
        seed, mode, epoch, first, last, batch = header["span"]
        made = self.maker(Span(seed, mode, epoch, first, last, (batch[0], batch[1])))
        places, end = layout(made, header["offset"])
        if self.slots is not None and end <= header["end"]:
            for place, tensor in zip(places, made, strict=True):
                self.slots.tensor(place).copy_(tensor)
            return frame({"ticket": header["ticket"], "places": places})
        places, _ = layout(made)  # it does not fit: it goes through the pipe
        return frame({"ticket": header["ticket"], "inline": places}, _bytes(made, places))


def _place(told: list[Any]) -> Place:
    return Place(told[0], told[1], tuple(told[2]))


def _bytes(batch: Batch, places: list[Place]) -> bytes:
    content = bytearray(layout(batch)[1])
    for place, tensor in zip(places, batch, strict=True):
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        content[place.offset : place.offset + place.length] = raw
    return bytes(content)


def _write(out: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(out, view) :]


def main() -> None:
    """Set this process apart, and work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the one who trains
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # a sensor that waits in vain asks where it hangs
    out = os.dup(1)
    os.dup2(2, 1)  # what a source prints must not get between the answers
    sys.stdout = sys.stderr
    torch.set_num_threads(1)
    Worker(out).live()


if __name__ == "__main__":
    main()
