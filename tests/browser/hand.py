"""A training driven by hand: a real recorder and a real control socket around a made-up loss. No torch."""

from __future__ import annotations

import json
import math
import queue
import threading
import time

import numpy as np

from akidlab.messages import Command, Event, Log, Message, Percentiles, Samples, Status
from akidlab.store import Recorder, Run, Store
from akidlab.widgets import Dashboard
from akidlab.wire import Listener

SPREAD = np.array([-3.1, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 3.4])  # the nine of a bell


class Hand:
    """Makes `steps` steps of `pace` seconds, and obeys commands.

    Args:
        name: of the run.
        steps: how many it makes, if it is not stopped.
        pace: seconds of a step.
        fails_at: the step at which it fails.
        layers: how many layers it looks into at every tenth step: a few metrics, a line a layer.
        guards_at: the step at which a guard finds something, and holds the run.
        guard: what that guard does, `stop` or `pause`.
        ranks: of how many ranks it tells; the last one lags from step 100 on.
        tensors: of how many layers it tells how their tensors are spread, at every fifth step.
    """

    def __init__(
        self,
        name: str,
        steps: int = 1000,
        pace: float = 0.005,
        fails_at: int = 0,
        layers: int = 0,
        guards_at: int = 0,
        guard: str = "stop",
        ranks: int = 0,
        tensors: int = 0,
    ) -> None:
        self.run: Run = Store().create(name, max_steps=steps, world_size=max(1, ranks))
        self.steps, self.pace, self.fails_at = steps, pace, fails_at
        self.layers, self.guards_at, self.guard, self.ranks = layers, guards_at, guard, ranks
        self.tensors = tensors
        self.rate, self.step, self.left = 0.05, 0, 0
        self.paused = self.stopped = False
        self.asked: queue.Queue[Command] = queue.Queue()
        self.known: set[str] = set()

    def send(self, command: Command) -> None:
        if command.id not in self.known:
            self.known.add(command.id)
            self.asked.put(command)

    def watch(self, *, reachable: bool = True) -> Dashboard:
        """Train in a thread and wait for it, as a cell does; the dashboard above it."""
        dashboard = Dashboard(self.run, send=self.send if reachable else None)
        dashboard.show()
        thread = threading.Thread(target=self.train, args=(reachable,))
        thread.start()
        thread.join()
        dashboard.finish()
        return dashboard

    def train(self, reachable: bool = True) -> None:
        self.recorder = Recorder(self.run).start()
        self._say("status", Status("running", {"samples_per_second": 12873.0}))
        if reachable:
            info = {"store": str(self.run.store.path), "name": self.run.name}
            with Listener(self._answer, kind="run", uid=self.run.uid, info=info):
                self._loop()
        else:
            self._loop()
        status = "failed" if self.step == self.fails_at else "stopped" if self.stopped else "finished"
        if status == "finished":
            self._say("event", Event("finished"))
        self.recorder.stop(status, error="ValueError: the loss is not finite" if status == "failed" else None)

    def _answer(self, request: dict[str, object], peer: object) -> dict[str, object]:
        self.send(Command.of(request))
        return {"ok": True}

    def _loop(self) -> None:
        while self.step < self.steps and not self.stopped:
            while not self.asked.empty() or (self.paused and not self.left and not self.stopped):
                self._obey(self.asked.get())
            if self.stopped:
                return
            self.step += 1
            self.left = max(0, self.left - 1)
            self._record()
            if self.layers and (self.step == 1 or self.step % 10 == 0):
                self._look_inside()
            if self.tensors and self.step % 5 == 0:
                self._tell_of_tensors()
            if self.ranks and self.step % 20 == 0:
                self._tell_of_ranks()
            if self.step == self.guards_at:
                self._hold()
            if self.paused:
                self._say("status", Status("paused"))
            if self.step == self.fails_at:
                trace = "Traceback (most recent call last):\n  ...\nValueError: the loss is not finite"
                self._say("event", Event("error", {"error": trace}))
                return
            time.sleep(self.pace)

    def _obey(self, command: Command) -> None:
        if command.action in ("pause", "step"):
            self.paused = True
            self.left = self.left + int(command.value or 1) if command.action == "step" else 0
            self._say("status", Status("paused"))
        elif command.action == "resume":
            self.paused = False
            self._say("status", Status("running"))
        elif command.action == "rate":
            assert command.value is not None
            self.rate = command.value
        elif command.action == "timeline":
            self._record_timeline()
            return
        self.stopped = command.action == "stop"
        self._say("event", Event(command.action, command.facts))
        if command.action == "save":
            self._say("event", Event("checkpoint", {"file": f"step-{self.step}", "pinned": True}))

    def _record(self) -> None:
        noise = math.sin(12.9 * self.step) * math.sin(78.2 * self.step)
        if self.step % 2 == 0:
            self._scalar("loss", 2.3 * math.exp(-self.step / 260) + 0.08 + 0.06 * noise)
            self._scalar("accuracy", min(1.0, 0.97 - 0.9 * math.exp(-self.step / 220) + 0.03 * noise))
            self._scalar("learning_rate", self.rate)
        if self.step % 100 == 0:
            self._scalar("validation_loss", 2.3 * math.exp(-self.step / 270) + 0.11)
            self._scalar("validation_accuracy", 0.96 - 0.9 * math.exp(-self.step / 230))
        if self.step == 700:
            self._say("log", Log("The gradient was clipped from 12.3 to 1.", level="warning"))

    def _look_inside(self) -> None:
        self._scalar("observation_share", 0.014 + 0.002 * math.sin(self.step / 50))
        self._scalar("observation_every", 10)
        for layer in range(self.layers):
            fall, wave = math.exp(-self.step / 300), 1 + 0.1 * math.sin(self.step / 20 + layer)
            key = f"features/conv2d{layer}" if self.layers > 8 else f"conv{layer}"
            self._scalar(f"weights_norm2/{key}", (3 + layer) * wave)
            self._scalar(f"update_ratio/{key}", 10 ** (-1 - layer % 5) * (fall + 0.05) * wave)
            if layer % 2 == 0:
                self._scalar(f"activations_dead_units/{key}/relu", min(1.0, 0.04 * layer * (1 - fall)))
        if self.step == 100:
            text = "61 of 64 units have been zero for 10 looks: a smaller rate or LeakyReLU may help."
            self._find("warning", "dead units", "conv1", text, 0.95)

    def _tell_of_tensors(self) -> None:
        grown, fallen = 1 + self.step / 400, math.exp(-self.step / 300)
        tags, rows = [], []
        for layer in range(1, self.tensors + 1):
            wave = 1 + 0.1 * math.sin(self.step / 20 + layer)
            tags += [f"weights/conv{layer}", f"weight_gradients/conv{layer}", f"activations/relu{layer}"]
            rows += [SPREAD * (0.1 * grown * wave / layer), SPREAD**5 * (0.001 * fallen * wave)]
            rows.append(np.maximum(0, (SPREAD + 0.4) * grown * wave))
        found = Percentiles(tags, np.array(rows, np.float32), np.full(len(tags), 4096))
        self._say("percentiles", found)

    def _hold(self) -> None:
        text = "The gradient is not finite: the rate is too large (the loss rose 12 times in 5 steps)."
        self._find("guard", "not finite", "features/conv2d1", text)
        if self.guard == "pause":
            self.paused = True
        else:
            self.stopped = True

    def _find(self, kind: str, finding: str, block: str, text: str, value: float | None = None) -> None:
        self._say("event", Event(kind, {"text": text, "finding": finding, "block": block, "value": value}))

    def _tell_of_ranks(self) -> None:
        late, last = self.step >= 100, self.ranks - 1
        rows = []
        for rank in range(self.ranks):
            lags = late and rank == last
            row = {"host": "ada", "pid": 4100 + rank, "state": "running", "step": self.step}
            rows.append(row | {"checksum": "a1b2c3d4", "lags": 12.4 if lags else 0.0, "drifts": 0})
            own, wait = (62.0, 0.4) if lags else (5.0 + rank, 57.4 if late else 1.0)
            measured = {"step_ms": own + wait, "own_ms": own, "wait_ms": wait, "bytes": 8488.0}
            for name, value in (measured | {"gradient_norm": 0.5 + rank}).items():
                self._scalar(f"ranks/{name}/{rank}", value)
            self._say("log", Log(f"rank {rank} made {self.step} steps", "info", rank))
        self._say("status", Status(None, {"ranks": rows}))
        if self.step == 100:
            self._say("log", Log("beware", "warning", last))
            data = {
                "rank": last,
                "step": 100,
                "by": 12.4,
                "text": f"Rank {last} lags: its own work takes 62 ms.",
            }
            self._say("event", Event("rank_lags", data))

    def _record_timeline(self) -> None:
        bars: list[dict[str, object]] = []
        for rank in range(self.ranks):
            lane = {"pid": rank, "tid": 0}
            bars.append({"name": "process_name", "ph": "M", **lane, "args": {"name": f"rank {rank} on ada"}})
            for step in range(50):
                begin, args = 1000 * step, {"step": self.step + step}
                own = {"name": "own work", "cat": "own", "ts": begin, "dur": 400 * (1 + rank)}
                wait = {"name": "average", "cat": "wait", "ts": begin + 400 * (1 + rank), "dur": 100}
                bars += [{"ph": "X", **lane, "args": args, **bar} for bar in (own, wait)]
        self.run.folder.mkdir(parents=True, exist_ok=True)
        name = f"timeline-{self.step}.json"
        (self.run.folder / name).write_text(json.dumps({"traceEvents": bars}))
        self._say("event", Event("timeline", {"file": name, "first": self.step, "last": self.step + 49}))

    def _scalar(self, tag: str, value: float) -> None:
        self._say(tag, Samples([self.step], [value], [time.time()]))

    def _say(self, topic: str, data: object) -> None:
        self.recorder.hear(Message(topic, data, step=self.step, epoch=self.step // 15))
