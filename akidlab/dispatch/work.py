"""Work: one task under supervision, from the kernel that asked to the outcome that it hears."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from akidlab import registry
from akidlab.dispatch.doctor import PATIENCE, Doctor
from akidlab.dispatch.gathering import Gathering
from akidlab.dispatch.lookout import Lookout
from akidlab.dispatch.ranks import Loss
from akidlab.dispatch.recovery import Recovery
from akidlab.dispatch.regroup import Regroup
from akidlab.dispatch.task import Outcome, Task
from akidlab.dispatch.treatment import Treatment
from akidlab.errors import DispatchError
from akidlab.messages import Command, Event, Log, Message, Status
from akidlab.messages.merging import is_partial
from akidlab.store import Recorder, Run, Store
from akidlab.wire import Listener, Peer

Body = dict[str, Any]
OVER = ("finished", "stopped", "failed")
ASKED = 64  # questions that wait for an answer
STALLED = 60.0  # seconds without a step until we say so; steps that take longer have twenty times theirs
COMMUNICATION = ("HorovodInternalError", "LostRankError")  # said when another rank is gone: never the cause


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
        self.doctor = Doctor(size)
        self.treatment: Treatment | None = None
        self.regroup: Regroup | None = None
        self.is_told_of_hosts = False
        self.recovery = Recovery(task, size, self.folder)
        self._was_stalled = False
        self._paused: float | None = None  # since when, or since when nobody asked anything
        self.is_forsaken = False
        self._why: object = None
        self._lines: dict[tuple[int, str], str] = {}
        self._recorder = Recorder(self.run)
        self._writers = _writers(task, self.run)
        self._gathering = Gathering(size, self._record)
        self.lookout = Lookout(self._keep, lambda rank, text: self.write(rank, "stderr", text), self.folder)
        self._traced: str | None = None  # the last command to record a timeline
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
        self._record(Message("status", Status(None, {"home": self.task.options.get("home")})))
        if told := self.task.options.get("branched"):
            self._record(Message("event", Event("branched", told), step=int(told["step"])))

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
            self.recovery.hear(message)
            if isinstance(data, Status) and data.status is not None and data.status not in OVER:
                self._paused = time.monotonic() if data.status == "paused" else None
            self._tell_of_the_move(data)
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

    def _answer_nobody(self, why: str) -> None:
        """Tell all who wait for an answer that none will come."""
        for number in list(self._asked):
            self.answer(number, {"ok": False, "error": why})

    def write(self, rank: int, stream: str, text: str) -> None:
        """Show what a rank wrote to whoever watches, and keep whole lines of it in the log of the run."""
        self.tell({"kind": "output", "rank": rank, "stream": stream, "text": text})
        *lines, rest = (self._lines.get((rank, stream), "") + text).split("\n")
        self._lines[rank, stream] = rest[-10_000:]
        for line in lines:
            self._log(rank, stream, line)

    def beat(self, rank: int, said: Body) -> None:
        """A rank lives: at which step, how long it takes for one, and what it does."""
        self.doctor.hear(rank, said)
        step, self.pace = int(said["step"]), max(float(said["pace"]), 0.0)
        self._gathering.pass_by(rank, step)
        if self._paused is not None or self._steps.get(rank) != step:
            self._steps[rank], self._moved = step, time.monotonic()

    def forgive(self, seconds: float) -> None:
        """Its ranks stood still for so long because they were asked to."""
        self.doctor.forgive(seconds)
        self._moved = time.monotonic()

    def trace(self, command: Command, tell: Callable[[Body], object]) -> None:
        """Have the ranks record a timeline; the same command counts once.

        Raises:
            DispatchError: if they cannot now.
        """
        if command.id != self._traced:
            steps, file = self.lookout.trace(command.value, max(self._steps.values(), default=0))
            self._traced = command.id
            tell({"kind": "timeline", "run": self.task.uid, "steps": steps, "file": file})

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
            f"No step for {waited:.0f} s ({steps or 'no rank has told of one'}). Interrupt the kernel, or"
            f" press stop, to end the run.\n{self.doctor.describe()}"
        )

    def begin(self, size: int) -> Body | None:
        """It begins, or goes on after a fault, on so many ranks; what they are told of commits."""
        self.begun = self._moved = time.monotonic()
        before, self.size = self.size, size
        self.doctor = Doctor(size, float(self.task.options.get("patience") or PATIENCE))
        if self.recovery.lost is None:
            self._gathering.size = size
            self.recovery.size = size
            return self.recovery.orders(None)
        return self.recovery.orders(self._go_back(before))

    @property
    def is_done(self) -> bool:
        """True if rank 0 has come to the end, with the weights: whatever becomes of the others."""
        own = self.reports.get(0, {})
        return own.get("status") in ("finished", "moved") and own.get("weights") is not None

    @property
    def is_waiting(self) -> bool:
        """True while it has lost a rank, and there are no others yet."""
        return self.recovery.lost is not None

    @property
    def is_only_cut_off(self) -> bool:
        """True if all that failed is that ranks could not reach each other."""
        failed = [report for report in self.reports.values() if report["status"] == "failed"]
        return bool(failed) and not any(map(_is_cause, failed))

    def lose(self, rank: int, why: str) -> None:
        """A rank is lost: say so, forget what the ranks said of the end, and wait for others."""
        recovery = self.recovery
        recovery.lose(rank, why)
        self.lookout.lose(rank)
        self.reports.clear()
        self.failed, self.nudges, self.treatment, self._was_stalled = None, 0, None, False
        self.regroup = None
        self._answer_nobody(f"Rank {rank} was lost, and the others with it. Ask again when the run goes on.")
        text = f"{why.splitlines()[0]} The ranks are started anew ({recovery.losses} of {recovery.restarts})."
        self.note("rank_lost", rank=rank, why=why, text=text)
        self.write(rank, "stderr", f"{text}\n")

    def _go_back(self, before: int) -> Body | None:
        recovery, lost = self.recovery, self.recovery.lost
        assert lost is not None
        reached = max(recovery.reached, *self._steps.values(), 0)
        resume, again = recovery.go_back(self.size)
        step = recovery.reached
        self._gathering.finish()  # of steps that are not made again nobody will say more
        self._gathering, self._steps = Gathering(self.size, self._record), {}
        self._recorder.flush()
        self.run.rewind(step)
        if self._paused is not None and all(command.action != "pause" for command in again):
            again = [Command("pause"), *again]
        self.commands.extendleft(reversed(again))  # before what was asked meanwhile: the last word counts
        seconds, steps = time.monotonic() - lost.since, max(0, reached - step)
        facts = {"step": step, "steps_lost": steps, "seconds": seconds}
        if lost.rank is not None:
            again_made = "1 step is" if steps == 1 else f"{steps} steps are"
            text = f"Resumed at step {step} after {seconds:.1f} s; {again_made} made again."
            self.note("resumed", rank=lost.rank, why=lost.why, **facts, text=text)
            self.write(lost.rank, "stdout", f"{text}\n")
        if self.size != before or lost.rank is None:
            self._tell_of_size(before, facts)
        return resume

    def _tell_of_size(self, before: int, facts: Body) -> None:
        why = "" if self.regroup is None else f" {self.regroup.text}"
        were = "1 rank" if before == 1 else f"{before} ranks"
        text = f"{were} became {self.size} at step {facts['step']}.{why}"
        self.regroup = None
        self.note(
            "ranks_left" if self.size < before else "ranks_joined",
            **{"from": before, "to": self.size},
            **facts,
            text=text,
        )
        self.write(0, "stderr", f"{text}\n")

    def note(self, kind: str, **data: object) -> None:
        """Record an event that the supervisor knows of."""
        self._record(Message("event", Event(kind, data), step=max(self.step, self.recovery.reached)))

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

    def judge(self, loss: Loss | None = None) -> Outcome:
        """What the reports, and a rank that was lost, come to."""
        own = self.reports.get(0, {})
        facts = {"step": self.step, "weights": own.get("weights"), "kid": own.get("kid")}
        fault = None if loss is not None and self.is_done else self._fault(loss)
        if fault is not None:
            return Outcome("failed", error=fault[1], rank=fault[0], **facts)
        stopped = self.interrupted is not None and own.get("status") != "finished"
        return Outcome("stopped" if stopped else str(own.get("status", "failed")), **facts)

    def close(self, outcome: Outcome) -> None:
        """Write the last rows, take no more commands, then tell the outcome: by then the store has it all.

        Where the ranks had to be broken off, it brings home what they committed.
        """
        if outcome.status == "stopped" and outcome.weights is None:
            outcome = replace(outcome, weights=self.recovery.state())
        try:
            self._wind_up(outcome)
        finally:  # whoever waits for it must hear of it, whatever could not be written
            self.outcome = outcome
            self.tell({"kind": "outcome", **outcome.to_plain()})

    def _wind_up(self, outcome: Outcome) -> None:
        self._answer_nobody(f"The run `{self.name}` has ended.")
        self._gathering.finish()
        self.lookout.end({rank: str(report["status"]) for rank, report in self.reports.items()})
        for (rank, stream), rest in self._lines.items():
            if rest:
                self._log(rank, stream, rest)
        short = outcome.error.splitlines()[0] if outcome.error else None
        if outcome.status == "stopped":
            short = short or self._why
        if outcome.status == "failed" and outcome.error:
            self.note("error", error=short, traceback=outcome.error, rank=outcome.rank)
            self._record(Message("log", Log(outcome.error, "error", outcome.rank or 0), step=self.step))
        if outcome.status != "moved":  # else it is live, and waits for whoever goes on
            self._record(Message("status", Status(outcome.status, {"error": short}), step=self.step))
        self._recorder.stop()
        self._control.stop()
        self.recovery.clear()
        self.run.store.close()
        for writer in self._writers:
            writer.close()

    def _keep(self, message: Message) -> None:
        """Record in the store alone."""
        self._recorder.hear(message)

    def _tell_of_the_move(self, data: object) -> None:
        """A run that came from elsewhere has arrived once a step is made here, or it pauses here, too."""
        made_a_step = isinstance(data, Event) and data.kind == "first_step"
        has_begun = made_a_step or (isinstance(data, Status) and data.status == "paused")
        if has_begun and (told := self.task.options.pop("moved", None)):
            self._record(Message("event", Event("moved", told), step=told["step"]))

    def _record(self, message: Message) -> None:
        self._recorder.hear(message)
        for writer in self._writers:
            writer.hear(message)

    def _log(self, rank: int, stream: str, line: str) -> None:
        text = line.rstrip("\r").rpartition("\r")[2]  # of a progress bar, what was last to be seen
        if text.strip():
            level = "info" if stream == "stdout" else "warning"
            step = max(self.step, self._steps.get(rank, 0))
            self._record(Message("log", Log(text, level, rank), step=step))

    def _fault(self, loss: Loss | None) -> tuple[int, str] | None:
        """Whose fault it is: of a rank that died, then of one that raised, the lowest first."""
        if loss is not None:
            often = f"\n(It happened again after {n} restarts.)" if (n := self.recovery.losses) else ""
            return loss.rank, f"{loss.text}{often}"
        failed = {
            rank: report for rank, report in sorted(self.reports.items()) if report["status"] == "failed"
        }
        causes = {rank: r for rank, r in failed.items() if _is_cause(r)} or failed
        for rank, report in causes.items():
            others = [str(other) for other in causes if other != rank]
            also = f" (and on rank {', '.join(others)})" if others else ""
            return rank, f"{report['short']}{also}\n\n{report['error']}"
        return None


def _is_cause(report: Body) -> bool:
    return not any(name in str(report["error"]) for name in COMMUNICATION)


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
