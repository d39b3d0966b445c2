"""Work: one task under supervision, from the kernel that asked to the outcome that it hears."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from akidlab import registry
from akidlab.dispatch.gathering import Gathering
from akidlab.dispatch.task import Outcome, Task
from akidlab.errors import DispatchError
from akidlab.messages import Command, Event, Log, Message, Status
from akidlab.messages.merging import is_partial
from akidlab.store import Recorder, Run, Store
from akidlab.wire import Listener, Peer

Body = dict[str, Any]
OVER = ("finished", "stopped", "failed")
ASKED = 64  # questions that wait for an answer
STALLED = 60.0  # seconds without a step until we say so; steps that take longer have twenty times theirs
COMMUNICATION = "HorovodInternalError"  # what ranks say when another one is gone: never the cause itself


class Work:
    """A task, its run in the store, whoever watches it, and what the ranks reported of it.

    Args:
        task: what to do.
        size: the number of ranks.
        control: answers what arrives on the control socket of the run.

    Raises:
        StoreError: if the store cannot be written.
    """

    def __init__(self, task: Task, size: int, control: Callable[[Work, Body, Peer], Body]) -> None:
        self.task, self.size = task, size
        self.run = _open(task, size)
        self.name = self.run.name
        self.commands: deque[Command] = deque()  # that wait for the ranks
        self._watchers: tuple[Peer, ...] = ()
        self._asked: dict[str, Peer] = {}  # who waits for which answer
        self.reports: dict[int, Body] = {}
        self.outcome: Outcome | None = None
        self.is_closing = False
        self.begun: float | None = None
        self.failed: float | None = None
        self.interrupted: float | None = None
        self.interrupts = self.nudges = 0
        self.pace = 0.0
        self._steps: dict[int, int] = {}
        self._moved = time.monotonic()
        self._was_stalled = False
        self._paused: float | None = None  # since when, or since when nobody asked anything
        self.is_forsaken = False
        self._why: object = None
        self._lines: dict[tuple[int, str], str] = {}
        self._recorder = Recorder(self.run)
        self._writers = _writers(task, self.run)
        self._gathering = Gathering(size, self._record)
        self._control = Listener(
            lambda request, peer: control(self, request, peer),
            kind="run",
            uid=task.uid,
            info={"store": task.store, "name": self.name, "world_size": size},
        )

    @property
    def folder(self) -> Path:
        """Where the checkpoints of the run go."""
        return Path(self.run.folder)

    def start(self) -> None:
        """Begin to record, and to take commands."""
        self._recorder.start()
        self._control.start()

    def hear(self, messages: list[Message], rank: int = 0) -> None:
        """Record what rank 0 says, and, merged, what each rank says of its share.

        That the run is over, and why, is for the supervisor to say.
        """
        for message in messages:
            data = message.data
            if self.size > 1 and is_partial(message):
                self._gathering.hear(rank, message)
                continue
            if rank != 0:
                continue
            if isinstance(data, Status) and data.status is not None:
                self._paused = time.monotonic() if data.status == "paused" else None
            if (isinstance(data, Event) and data.kind == "error") or (
                isinstance(data, Log) and data.level == "error"
            ):
                continue  # often it only says that another rank failed
            if isinstance(data, Status) and data.status in OVER:
                self._why = data.data.get("error") if data.status == "stopped" else None  # a guard's reason
                rest = {name: value for name, value in data.data.items() if name != "error"}
                message = Message(message.topic, Status(None, rest), message.step, message.epoch)
            self._record(message)

    def expect(self, number: str, peer: Peer) -> None:
        """A question was passed on to a rank: `peer` gets the answer.

        Raises:
            DispatchError: if too many wait for one.
        """
        if len(self._asked) >= ASKED:
            raise DispatchError(f"{ASKED} questions wait for an answer already. Ask again a little later.")
        self._asked[number] = peer
        if self._paused is not None:
            self._paused = time.monotonic()

    def answer(self, number: object, body: Body) -> None:
        """Tell who asked; an answer that nobody waits for is let go."""
        peer = self._asked.pop(str(number), None)
        if peer is not None:
            peer.send({"kind": "answer", "id": number, **body})

    def write(self, rank: int, stream: str, text: str) -> None:
        """Show what a rank wrote to whoever watches, and keep whole lines of it in the log of the run."""
        self.tell({"kind": "output", "rank": rank, "stream": stream, "text": text})
        *lines, rest = (self._lines.get((rank, stream), "") + text).split("\n")
        self._lines[rank, stream] = rest[-10_000:]
        for line in lines:
            self._log(rank, stream, line)

    def beat(self, rank: int, step: int, pace: float) -> None:
        """A rank lives: at which step, and how long it takes for one."""
        self.pace = max(pace, 0.0)
        self._gathering.pass_by(rank, step)
        if self._paused is not None or self._steps.get(rank) != step:
            self._steps[rank], self._moved = step, time.monotonic()

    @property
    def waited(self) -> float:
        """Seconds that it has been paused with nobody asking anything; 0 if it is not."""
        return 0.0 if self._paused is None else time.monotonic() - self._paused

    def forsake(self, seconds: float) -> None:
        """Stop it, once, as the button does: its state is saved, and can be gone on from."""
        if self.is_forsaken:
            return
        self.is_forsaken = True
        self.note(
            "warning",
            text=f"Paused for {seconds:.3g} s with no notebook left: it was saved and stopped. "
            f"`%akid_train --resume {shlex.quote(self.name)}` goes on.",
        )
        self.commands.append(Command("stop"))

    def look(self) -> None:
        """Record what one rank said and the others were waited for long enough."""
        self._gathering.look()

    def stalled(self) -> str | None:
        """Says, once, that no rank has made a step for too long."""
        waited = time.monotonic() - max(self._moved, self.begun or 0.0)
        if self._was_stalled or waited < max(STALLED, 20 * self.pace):
            return None
        self._was_stalled = True
        steps = ", ".join(f"rank {rank} at step {step}" for rank, step in sorted(self._steps.items()))
        return (
            f"No step for {waited:.0f} s ({steps or 'no rank has told of one'}). Below, each rank says where"
            " it is. Interrupt the kernel, or press stop, to end the run."
        )

    def note(self, kind: str, **data: object) -> None:
        """Record an event that the supervisor knows of."""
        self._record(Message("event", Event(kind, data), step=self.step))

    @property
    def step(self) -> int:
        """The last step that was heard of."""
        return max([int(report.get("step") or 0) for report in self.reports.values()], default=0)

    def watch(self, peer: Peer) -> None:
        """Tell `peer` from now on what is written, and the outcome."""
        if peer not in self._watchers:
            self._watchers = (*self._watchers, peer)

    def tell(self, body: Body) -> None:
        """Tell everyone who watches."""
        for peer in self._watchers:
            peer.send({**body, "run": self.task.uid})

    def judge(self, lost: dict[int, str] | None = None) -> Outcome:
        """What the reports, and ranks that were lost, come to."""
        own = self.reports.get(0, {})
        facts = {"step": self.step, "weights": own.get("weights"), "kid": own.get("kid")}
        fault = self._fault(lost or {})
        if fault is not None:
            return Outcome("failed", error=fault[1], rank=fault[0], **facts)
        stopped = self.interrupted is not None and own.get("status") != "finished"
        return Outcome("stopped" if stopped else str(own.get("status", "failed")), **facts)

    def close(self, outcome: Outcome) -> None:
        """Write the last rows, take no more commands, then tell the outcome: by then the store has it all."""
        self.outcome = outcome
        for number in list(self._asked):
            self.answer(number, {"ok": False, "error": f"The run `{self.name}` has ended."})
        self._gathering.finish()
        for (rank, stream), rest in self._lines.items():
            if rest:
                self._log(rank, stream, rest)
        short = outcome.error.splitlines()[0] if outcome.error else None
        if outcome.status == "stopped":
            short = short or self._why
        if outcome.status == "failed" and outcome.error:
            self.note("error", error=short, traceback=outcome.error, rank=outcome.rank)
            self._record(Message("log", Log(outcome.error, "error", outcome.rank or 0), step=self.step))
        self._record(Message("status", Status(outcome.status, {"error": short}), step=self.step))
        self._recorder.stop()
        for writer in self._writers:
            writer.close()
        self._control.stop()
        self.run.store.close()
        self.tell({"kind": "outcome", **outcome.to_plain()})

    def _record(self, message: Message) -> None:
        self._recorder.hear(message)
        for writer in self._writers:
            writer.hear(message)

    def _log(self, rank: int, stream: str, line: str) -> None:
        text = line.rstrip("\r").rpartition("\r")[2]  # of a progress bar, what was last to be seen
        if text.strip():
            level = "info" if stream == "stdout" else "warning"
            self._record(Message("log", Log(text, level, rank), step=self.step))

    def _fault(self, lost: dict[int, str]) -> tuple[int, str] | None:
        """Whose fault it is: of a rank that died, then of one that raised, the lowest first."""
        for rank in sorted(lost):
            return rank, lost[rank]
        failed = {
            rank: report for rank, report in sorted(self.reports.items()) if report["status"] == "failed"
        }
        causes = {rank: r for rank, r in failed.items() if COMMUNICATION not in str(r["error"])} or failed
        for rank, report in causes.items():
            others = [str(other) for other in causes if other != rank]
            also = f" (and on rank {', '.join(others)})" if others else ""
            return rank, f"{report['short']}{also}\n\n{report['error']}"
        return None


def _open(task: Task, size: int) -> Run:
    store, options = Store(task.store), task.options
    if options.get("resume"):
        return store.run(task.uid)
    return store.create(
        task.name,
        uid=task.uid,
        config=options.get("config"),
        parent=options.get("parent"),
        max_steps=options.get("max_steps"),
        world_size=size,
    )


def _writers(task: Task, run: Run) -> list[Any]:
    """What writes beside the store."""
    if not task.options.get("tensorboard"):
        return []
    backend: Any = registry.load("akidlab.backends", "tensorboard")
    return [backend.TensorBoardWriter(run.folder / "tensorboard")]
