"""The supervisor: launches the ranks of a pool, watches them, and is the one writer of their runs.

`python -m akidlab.dispatch.supervisor`, started by `Pool.start`. It lives in a session of its own, so that
a run outlives the kernel that asked for it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akidlab.config import runtime_path
from akidlab.dispatch import commits, home, host_check, regroup
from akidlab.dispatch.care import Care
from akidlab.dispatch.cells import Cells
from akidlab.dispatch.elastic import Elastic, Roster
from akidlab.dispatch.hosts import Hosts, listening_address
from akidlab.dispatch.launcher import Line, launcher
from akidlab.dispatch.owners import Owners
from akidlab.dispatch.queue import Queue
from akidlab.dispatch.ranks import Ranks
from akidlab.dispatch.task import Outcome, Task
from akidlab.errors import DispatchError
from akidlab.messages import Command
from akidlab.wire import Listener, Peer

if TYPE_CHECKING:
    from akidlab.dispatch.work import Work

log = logging.getLogger(__name__)

Body = dict[str, Any]
TICK = 0.1
EXPLAINING = 5.0  # seconds that a pool without ranks stays, to say why
ASLEEP = 2.0  # seconds between two looks: we were stopped, and heard nobody


class Supervisor:
    """Takes tasks from kernels, hands them to the ranks, and sees that each comes to an end.

    Args:
        uid: the pool's.
        size: the number of ranks.
        project: the folder in which they work.
        launcher_name: what starts them.
        idle: seconds without a task until it leaves; in a pause without a notebook until a run is stopped.
        patience: seconds for the ranks to start.
        hosts: where they are; None for this machine.
        elastic: how their number may change.
    """

    def __init__(
        self,
        uid: str,
        size: int,
        project: str,
        launcher_name: str,
        idle: float,
        patience: float,
        *,
        hosts: Hosts | None = None,
        elastic: Elastic | None = None,
    ) -> None:
        self.uid, self.project, self.launcher_name = uid, project, launcher_name
        self.idle = idle
        self.log = runtime_path() / f"pool-{uid}.log"
        info: Body = {"size": size, "project": project, "launcher": launcher_name, "log": str(self.log)}
        info["variables"] = os.environ.pop("AKIDLAB_POOL_VARIABLES", "")
        self._lock = threading.RLock()
        self._bell = threading.Event()
        self._queue = Queue()
        self._owners = Owners()
        self._listeners: set[Peer] = set()  # kernels that also want what is written between tasks
        self._started = self._busy = self._ticked = time.monotonic()
        self.terminated = False  # set by a signal, which may do no more than that
        self._leaving: float | None = None
        self._failed: float | None = None
        self._why = ""
        self._cut: dict[str, Body] = {}  # runs that nobody stopped but who stopped us, and what is told of it
        address = listening_address(hosts)
        info |= {"hosts": hosts and hosts.to_plain(), "elastic": elastic and elastic.to_plain()}
        self._listener = Listener(self._answer, kind="pool", uid=uid, info=info, address=address)
        examine = None if address.startswith("127.") else host_check.faults(launcher_name, Path(project))
        self.roster = Roster(size, hosts, elastic, examine)
        self.ranks = Ranks(
            launcher(launcher_name),
            launcher_name,
            self.roster,
            connection=runtime_path() / f"pool-{uid}.json",
            secrets=runtime_path() / f"pool-{uid}.env",
            patience=patience,
            on_line=self._hear_line,
        )
        self._care = Care(
            self.ranks, self._end, lambda work: self._cells.holds(work), lambda: self._leaving is not None
        )
        self._cells = Cells(self.ranks, lambda: self._queue.active, self._care.lose)

    @property
    def size(self) -> int:
        """The number of ranks, now."""
        return self.ranks.size

    @property
    def state(self) -> str:
        """`busy` while a task runs, `leaving` once nothing more is taken, else that of the ranks."""
        if self._leaving is not None:
            return "leaving"
        is_busy = self._queue.active is not None and self.ranks.state == "ready"
        return "busy" if is_busy else self.ranks.state

    def serve(self) -> None:
        """Live until told to stop, forgotten, or idle for too long."""
        with self._listener:
            self.roster.start()
            self.ranks.launch()
            import akidlab.dispatch.work  # noqa: F401 - opens the store's door while the ranks start

            try:
                while not self._is_over():
                    self._bell.wait(TICK)
                    self._bell.clear()
                    with self._lock:
                        self._tick()
            except Exception as error:  # nobody stopped the runs
                why = f"The supervisor failed: {error!r}. Its log tells more: {self.log}"
                with self._lock:
                    self._end_all(Outcome("failed", error=why))
                raise
            finally:
                self._farewell()

    def stop(self, why: str, by: int | None = None) -> None:
        """End the active run, then the ranks, then this process; `by` is the process that wants it."""
        if self._leaving is None:
            log.info("leaving: %s", why)
            self._why, self._leaving = why, time.monotonic()
            told = {"error": f"Its pool left: {why}.", "by": by}
            self._cut = {work.task.uid: told for work in self._queue.all if not work.interrupts}
            if self._queue.active is not None:
                self._interrupt(self._queue.active)
            self._bell.set()

    # ------------------------------------------------------------------------------------- what is asked

    def _answer(self, request: Body, peer: Peer) -> Body | None:
        kind = str(request.get("kind"))
        with self._lock:
            if "generation" in request:  # a rank speaks
                if request["generation"] == self.ranks.generation:
                    self._hear(kind, request, peer)
                self._bell.set()
                return None
            act = getattr(self, f"_on_{kind}", None)
            if act is None:
                raise DispatchError(f"A pool knows no request `{kind}`; are both sides of the same version?")
            return act(request, peer)

    def _on_attach(self, request: Body, peer: Peer) -> Body:
        self._owners.add(int(request["pid"]), float(request["born"]))
        if request.get("output"):
            self._listeners.add(peer)
        return self._on_describe(request, peer)

    def _on_describe(self, request: Body, peer: Peer) -> Body:
        now = time.monotonic()
        active = self._queue.active
        return {
            "ok": True,
            "uid": self.uid,
            "pid": os.getpid(),
            "size": self.size,
            "project": self.project,
            "launcher": self.launcher_name,
            "state": self.state,
            "error": self.ranks.failure,
            "ranks": self.ranks.describe(),
            "generation": self.ranks.generation,
            "run": None if active is None else active.name,
            "run_uid": None if active is None else active.task.uid,
            "waiting": [work.name for work in self._queue.waiting],
            "owners": self._owners.pids,
            "age": now - self._started,
            "idle_left": None if self._queue.all else max(0.0, self.idle - (now - self._busy)),
            "log": str(self.log),
        }

    def _on_submit(self, request: Body, peer: Peer) -> Body:
        from akidlab.dispatch.work import Work

        if self._leaving is not None:
            raise DispatchError(f"The pool is leaving ({self._why}).")
        if self.ranks.failure is not None:
            raise DispatchError(self.ranks.failure)
        work = Work(Task(**request["task"]), self.size, self._control)
        work.watch(peer)
        work.start()
        self._queue.add(work)
        self._go_on()
        return {"ok": True, "uid": work.task.uid, "name": work.name, "waits_for": self._queue.before(work)}

    def _on_watch(self, request: Body, peer: Peer) -> Body:
        work = self._queue.find(request.get("run"))
        work.watch(peer)
        return {"ok": True, "name": work.name, "outcome": work.outcome and work.outcome.to_plain()}

    def _on_command(self, request: Body, peer: Peer) -> Body:
        return self._control(self._queue.find(request.get("run")), request, peer)

    def _on_release(self, request: Body, peer: Peer) -> Body:
        work = self._queue.find(request.get("run"))
        work.regroup = None  # it moves anyway
        home.release(work, request["command"], work in self._queue.waiting)
        self._pass_on(work)
        return {"ok": True}

    def _on_note(self, request: Body, peer: Peer) -> Body:
        self._queue.find(request.get("run")).note(request["event"], **request["data"])
        return {"ok": True}

    def _on_cell(self, request: Body, peer: Peer) -> Body:
        if self._leaving is not None:
            raise DispatchError(f"The pool is leaving ({self._why}).")
        return self._cells.take(request, peer)

    def _on_interrupt(self, request: Body, peer: Peer) -> Body:
        if "cell" in request:
            return self._cells.interrupt(request["cell"])
        work = self._queue.find(request.get("run"))
        self._interrupt(work)
        return {"ok": True}

    def _on_stop(self, request: Body, peer: Peer) -> Body:
        by = int(request["pid"])
        runs = [work.name for work in self._queue.all]
        self.stop(f"process {by} asked it to, as by `%akid_pool --stop`", by)
        return {"ok": True, "runs": runs}

    def _control(self, work: Work, request: Body, peer: Peer) -> Body:
        """What arrives on the control socket of a run."""
        if request.get("kind") == "ask":
            with self._lock:
                return self._ask(work, request, peer)
        if request.get("kind") == "status":
            return {"ok": True, "name": work.name, "uid": work.task.uid, "begun": work.begun is not None}
        command = Command.of(request)
        with self._lock:
            if work.is_closing or work.outcome is not None:
                return {"ok": False, "error": f"The run `{work.name}` is over."}
            if command.action == "stop" and work in self._queue.waiting:
                self._end(work, Outcome("stopped"))
            elif command.action == "ranks":
                home.ask(work, command)
            elif command.action == "timeline":
                work.trace(command, self.ranks.tell)
            else:
                work.commands.append(command)
                self._pass_on(work)
        return {"ok": True}

    def _ask(self, work: Work, request: Body, peer: Peer) -> Body:
        """Pass a question on to the rank that is asked; its answer is pushed to who asked."""
        rank, number = request.get("rank"), str(request.get("id"))[:64]
        if work.outcome is not None or work.is_closing:
            return {"ok": False, "error": f"The run `{work.name}` is over."}
        if work is not self._queue.active:
            return {"ok": False, "error": f"The run `{work.name}` has not begun: it waits for the ranks."}
        if type(rank) is not int or not 0 <= rank < self.size:
            return {
                "ok": False,
                "error": f"This run has the ranks 0 to {self.size - 1}; found rank {rank!r:.20}.",
            }
        work.expect(number, peer)
        asked = {name: request.get(name) for name in ("question", "timeout")}
        self.ranks.tell({"kind": "ask", "run": work.task.uid, "id": number, **asked}, rank=rank)
        return {"ok": True}

    # ------------------------------------------------------------------------------- what the ranks say

    def _hear(self, kind: str, said: Body, peer: Peer) -> None:
        number = int(said["rank"])
        if kind == "hello":
            self.ranks.greet(said, peer)
            self._tick()
            return
        self.ranks.hear(number, peer)
        work = self._queue.active
        if kind == "settled":
            self.ranks.hear_settled(number, bool(said["clean"]))
        elif kind.startswith("cell_"):
            self._cells.hear(kind, said)
            self._go_on()
        elif kind == "output" and said.get("cell") is not None:
            self._cells.write(number, said)
        elif kind == "output" and (work is None or said["run"] != work.task.uid):
            self._write(number, said["stream"], said["text"])
        elif work is None or said.get("run") != work.task.uid:
            log.debug("rank %d: %s came too late", number, kind)
        elif kind == "output":
            work.write(number, said["stream"], said["text"])
        elif kind == "messages":
            work.hear(said["messages"], number)
        elif kind == "move":
            home.suggest(work, said["command"])
        elif kind == "answer":
            answer = {name: said[name] for name in ("ok", "value", "step", "error") if name in said}
            work.answer(said["id"], answer)
        elif kind == "commit":
            work.recovery.keep(number, said["name"], said["data"])
        elif kind == "measured":
            work.lookout.hear(number, said)
        elif kind == "beat":
            self.ranks.known[number].step = said["step"]
            work.beat(number, said)
        elif kind == "report" and not work.is_waiting:
            work.reports[number] = said
            if said["status"] == "failed" and work.failed is None:
                work.failed = time.monotonic()
            self._care.see_to(work)
            self._go_on()

    def _hear_line(self, line: Line) -> None:
        """A line that came through the launcher's pipe: what a rank writes beside Python's streams."""
        with self._lock:
            work = self._queue.active
            if work is not None and line.rank is not None and self.ranks.state == "ready":
                work.write(line.rank, line.stream, line.text)
            else:
                self._write(line.rank, line.stream, line.text)

    def _write(self, rank: int | None, stream: str, text: str) -> None:
        sys.stdout.write(f"[{'launcher' if rank is None else rank}] {text}")
        for peer in self._listeners:
            peer.send({"kind": "output", "run": None, "rank": rank, "stream": stream, "text": text})

    # ------------------------------------------------------------------------------------ what is due

    def _tick(self) -> None:
        now, before = time.monotonic(), self._ticked
        self._ticked = now
        if now - before > ASLEEP and self._queue.active is not None:
            self._queue.active.doctor.forgive(now - before)
        if self.terminated:
            self.stop("it was terminated")
        self._look_whether_to_leave()
        self.ranks.look()
        if self.ranks.failure is not None:
            self._give_up(self.ranks.failure)
            return
        if self._queue.active is not None:
            self._queue.active.look()
            self._care.see_to(self._queue.active)
        elif loss := self.ranks.lost():
            self.ranks.replace(loss.text)
        self._cells.look()
        if not self._cells.are_busy:
            regroup.look(self.ranks, self._queue.active)
        self._go_on()

    def _go_on(self) -> None:
        """Go on with the task that lost a rank, or begin with the next one, if the ranks are free for it."""
        active, is_leaving = self._queue.active, self._leaving is not None
        goes_on = active is not None and active.is_waiting
        begins = active is None and self._queue.waiting and not is_leaving and not self._cells.are_busy
        if (goes_on or begins) and self.ranks.are_able:
            work = active if active is not None else self._queue.next()
            self.ranks.launches = 1  # they were of use
            work.lookout.begin(self.ranks.describe())
            task = {
                "kind": "task",
                "run": work.task.uid,
                "name": work.name,
                "folder": str(work.folder),
                "payload": work.task.payload,
                "options": work.task.options,
            }
            told = work.begin(self.size)
            for rank in self.ranks.known:
                orders = commits.packed(told, rank) if self.ranks.is_away(rank) else told
                self.ranks.tell({**task, "commits": orders}, rank)
            self._pass_on(work)

    def _pass_on(self, work: Work) -> None:
        """Pass commands on to rank 0, which tells the others."""
        while work is self._queue.active and not work.is_waiting and work.commands:
            command = work.commands.popleft()
            work.recovery.sent(command)
            body = {"kind": "command", "run": work.task.uid, "command": command}
            self.ranks.tell(body, rank=0)

    def _interrupt(self, work: Work) -> None:
        if work in self._queue.waiting:
            self._end(work, Outcome("stopped"))
        elif work is self._queue.active:
            work.interrupts += 1
            work.interrupted = time.monotonic()
            if work.is_waiting:  # there is nobody to ask
                self._end(work, work.judge())
                return
            self.ranks.tell({"kind": "interrupt", "run": work.task.uid, "hard": False})

    def _end(self, work: Work, outcome: Outcome) -> None:
        if outcome.status == "stopped":
            outcome = replace(outcome, **self._cut.get(work.task.uid, {}))
        self._queue.end(work, outcome)
        self._busy = time.monotonic()

    def _end_all(self, outcome: Outcome) -> None:
        for work in self._queue.all:
            self._end(work, outcome)

    def _give_up(self, why: str) -> None:
        self._end_all(Outcome("failed", error=why))
        self._cells.close(why)
        self._failed = self._failed or time.monotonic()
        if time.monotonic() - self._failed > EXPLAINING:
            self.stop("the ranks cannot be started")

    # ------------------------------------------------------------------------------------ when to leave

    def _look_whether_to_leave(self) -> None:
        if self._queue.all or self._cells.are_open or self.ranks.state not in ("ready", "failed"):
            self._busy = time.monotonic()
        elif time.monotonic() - self._busy > self.idle:
            self.stop(f"nobody had a task for {self.idle:g} s")
        are_gone, active = self._owners.are_gone(), self._queue.active
        if are_gone and not self._queue.all:
            self.stop("no notebook is left that uses it")
        elif active is not None and min(active.waited, self._owners.gone_for) > self.idle:
            active.forsake(active.waited)
            self._pass_on(active)

    def _is_over(self) -> bool:
        if self._leaving is None:
            return False
        return self._queue.active is None or time.monotonic() - self._leaving > 2.5

    def _farewell(self) -> None:
        with self._lock:
            self._leaving = self._leaving or time.monotonic()  # takes no more, whatever brought us here
            self._end_all(Outcome("stopped"))
            self._cells.close("The pool has left.")
            self.ranks.leave()
        self.roster.stop()
        self.ranks.wait_gone(10.0)
        self._queue.wait_closed()
        self.ranks.secrets.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> None:
    """Run a supervisor; the arguments hold nothing secret."""
    parser = argparse.ArgumentParser(prog="python -m akidlab.dispatch.supervisor", description=__doc__)
    parser.add_argument("uid")
    parser.add_argument("size", type=int)
    parser.add_argument("--launcher", default="horovod")
    parser.add_argument("--idle", type=float, default=600.0)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--hosts", type=json.loads)
    parser.add_argument("--elastic", type=json.loads)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s: %(message)s")
    supervisor = Supervisor(
        given.uid,
        given.size,
        os.getcwd(),
        given.launcher,
        given.idle,
        given.patience,
        hosts=None if given.hosts is None else Hosts(**given.hosts),
        elastic=None if given.elastic is None else Elastic(**given.elastic),
    )
    signal.signal(signal.SIGTERM, lambda number, frame: setattr(supervisor, "terminated", True))
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    supervisor.serve()
    log.info("left: %s", supervisor._why)


if __name__ == "__main__":
    main()
