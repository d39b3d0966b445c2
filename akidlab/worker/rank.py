"""A rank: its hello, its tasks, and how it leaves."""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from akidlab.dispatch import commits
from akidlab.dispatch.launcher import launcher as find_launcher
from akidlab.messages import Command
from akidlab.wire import Connection, Dialer
from akidlab.worker import collectives
from akidlab.worker.cells import Cells
from akidlab.worker.forwarder import Forwarder

if TYPE_CHECKING:
    from akidlab.asking import Desk
    from akidlab.kids import Kid
    from akidlab.worker.commits import Commits
    from akidlab.worker.meter import Meter

log = logging.getLogger(__name__)

Body = dict[str, Any]
PERFORM = str(Path(__file__).with_name("perform.py"))  # from there on it is the cell
AROUND = (collectives.__file__, str(Path(__file__).with_name("meter.py")))  # they stand around the engine
DEEP = 16  # calls of a stack that are told
BEAT = 0.5  # seconds between signs of life, and between looks whether the supervisor lives
UNHEARD = 20.0  # seconds in which a supervisor on another host says something, if it lives
ABANDONED = 70  # the exit status of a rank whose supervisor is gone


class Rank:
    """One rank of a pool.

    The main thread does the tasks; the dialer's thread takes what the supervisor says; a third one tells that
    we live, and leaves when the supervisor does not.

    Args:
        supervisor: where the supervisor listens.
        generation: of which launch we are.
        launcher: what started us.
        is_afar: True if the supervisor is on another host: it lives as long as it is heard.
    """

    def __init__(
        self, supervisor: Connection, generation: int, launcher: str, *, is_afar: bool = False
    ) -> None:
        self.generation = generation
        self.launcher = find_launcher(launcher)
        self.number, self.size = self.launcher.rank()
        self.parent = os.getppid()
        self.supervisor, self.is_afar = supervisor, is_afar
        self._heard: float | None = None  # when the supervisor last said something
        self.dialer = Dialer(self.supervisor)
        self.forwarder = Forwarder(self.tell, self.number)
        self.tasks: queue.SimpleQueue[Body] = queue.SimpleQueue()
        self.cells = Cells(self)
        self.collectives: collectives.Collectives | None = None  # of the engine, once there is one
        self.meter: Meter | None = None
        self.kid: Kid | None = None
        self.run: str | None = None
        self._places: list[Path] = []  # of commits
        self._desk: Desk | None = None  # made for the first question about a kid
        self._early: list[tuple[str, Command]] = []  # with their run: they came before there was its kid
        self._working = False
        self._lock, self._measuring = threading.Lock(), threading.Lock()

    def live(self) -> None:
        """Warm up, say hello, do tasks, leave."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        self.cells.start()
        self.dialer.start()
        threading.Thread(target=self._pulse, name="akidlab-pulse", daemon=True).start()

        from akidlab.worker.meter import Meter
        from akidlab.worker.warm import warm_up

        self.engine = warm_up(self.launcher.engine)
        self.collectives = collectives.Collectives(self.engine)
        self.meter = Meter(self.engine, self.collectives)
        self.forwarder.start()
        self.dialer.listen(self._hear)
        self.tell({"kind": "hello", "pid": os.getpid(), "host": socket.gethostname()})
        while (task := self.tasks.get())["kind"] != "leave":
            if task["kind"] == "settle":
                self.tell({"kind": "settled", "clean": self.engine.settle(timeout=3.0)})
            elif task["kind"] == "cell":
                self.cells.perform(task)
            else:
                self._work(task)
        self._leave()

    def tell(self, body: Body) -> None:
        """Say something to the supervisor; from any thread."""
        self.dialer.send({**body, "rank": self.number, "generation": self.generation})

    def _work(self, task: Body) -> None:
        from akidlab.worker.perform import Place, clean_up, perform

        self.cells.forget()
        self.run = self.forwarder.run = task["run"]
        sys.path.extend(path for path in task["options"].get("path", []) if path not in sys.path)
        place = Place(
            self.engine,
            Path(task["folder"]),
            task["name"],
            self.forwarder,
            self._take_kid,
            self._commits(task),
            self.cells.keep,
        )
        report: Body = {"status": "stopped", "step": 0, "kid": None, "raised": True}
        try:
            self._working = True
            report = perform(task["payload"], place)
            self._working = False
        except KeyboardInterrupt:  # it came on the way in, or out
            self._working = False
        self.forwarder.flush()
        self._tell_measured(over=True)
        self.tell({"kind": "report", "run": self.run, **report})
        with self._lock:
            if self._desk is not None:
                self._desk.close()
            self._desk = None
            self._early = [early for early in self._early if early[0] != self.run]
            self.kid = self.run = self.forwarder.run = None
        self.cells.drop()  # after that: one that came while we reported would wait for ever
        del report, place, task
        clean_up()

    def _commits(self, task: Body) -> Commits | None:
        from akidlab.worker.commits import Commits

        told = task.get("commits")
        if told is None:
            return None
        if self.is_afar:
            from akidlab.worker.sent_commits import SentCommits

            run = task["run"]
            return SentCommits(
                lambda name, data: self.tell({"kind": "commit", "run": run, "name": name, "data": data}),
                told["every"],
                told["resume"],
                self.forwarder.hurry,
            )
        self._places = [Path(place) for place in told["places"]]
        return Commits(self._places, told["every"], told["resume"], self.forwarder.hurry)

    def _take_kid(self, kid: Kid) -> None:
        with self._lock:
            self.kid = kid
            if self.meter is not None:
                self.meter.begin(kid)
            kid.on_cell = self.cells.between
            kid.controls.mover = self._ask_to_move
            for run, command in self._early:
                if run == self.run:
                    self._hand(kid, command)
            self._early.clear()

    # ------------------------------------------------------------------------ in the dialer's thread

    def _hear(self, said: Body) -> None:
        kind, self._heard = said["kind"], time.monotonic()
        if kind in ("task", "settle", "leave"):
            self.tasks.put(said)
        elif kind == "command":
            self._command(said["run"], said["command"])
        elif kind == "ask":
            self._ask(said)
        elif kind == "timeline":
            if self.meter is not None and said["run"] == self.run:
                self.meter.trace(said["steps"], said["file"] if self.number == 0 else None)
        elif kind in ("cell", "go_on", "break"):
            self.cells.hear(said)
        elif kind == "interrupt" and said["run"] == self.run:
            self._interrupt(said["hard"])

    def _command(self, run: str, command: Command) -> None:
        with self._lock:
            if self.kid is None or run != self.run:
                self._early.append((run, command))
            else:
                self._hand(self.kid, command)

    def _hand(self, kid: Kid, command: Command) -> None:
        """Give a command to the kid; the notebook has agreed if it shall leave the run."""
        take = kid.controls.put if command.action == "ranks" else kid.controls.send
        take(command)

    def _ask_to_move(self, command: Command) -> None:
        """A hook wants to move the run; all ranks call it, and one asks the notebook."""
        if self.number == 0:
            self.tell({"kind": "move", "run": self.run, "command": command})

    def _ask(self, said: Body) -> None:
        """Have the main thread answer a question between two steps."""
        from akidlab.asking import Desk

        with self._lock:
            if self.kid is None or said["run"] != self.run:
                told = {"ok": False, "error": f"Rank {self.number} has no kid yet, or no longer. Ask again."}
            else:
                self._desk = self._desk or Desk.of(self.kid)
                told = self._desk.take(said, lambda body: self.tell({**body, "run": said["run"]}))
        if not told["ok"]:
            self.tell({"kind": "answer", "id": said["id"], "run": said["run"], **told})

    def _interrupt(self, hard: bool) -> None:
        """Ask a practising kid to stop, which all ranks do after the same step; break into anything else."""
        practising = self.kid is not None and self.kid.practising
        if practising and not hard:
            if self.number == 0:
                self._command(str(self.run), Command("stop"))
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._working:
            raise KeyboardInterrupt

    # ------------------------------------------------------------------------------ signs of life

    def _pulse(self) -> None:
        while self._is_wanted() and os.getppid() == self.parent:
            self._beat()
            self.cells.beat()
            time.sleep(BEAT)
        if not self._is_wanted():
            commits.clear(self._places)  # nobody is left who could go on from them
        os._exit(ABANDONED)

    def _is_wanted(self) -> bool:
        if self.is_afar:
            return self._heard is None or time.monotonic() - self._heard < UNHEARD
        return self.supervisor.is_live

    def _beat(self) -> None:  # a function of its own: no name here holds the kid while we sleep
        kid, run = self.kid, self.run
        if run is not None:
            step = 0 if kid is None else int(kid.clock)
            pace = 0.0 if kid is None else kid.step_time or 0.0
            del kid  # nor while we write
            self.forwarder.hurry()  # when it hears of this step, all that is said of it was said
            self._tell_measured()
            doing = {} if self.collectives is None else self.collectives.describe()
            self.tell(
                {"kind": "beat", "run": run, "step": step, "pace": pace, "stack": self.stack(), **doing}
            )

    def _tell_measured(self, over: bool = False) -> None:
        meter = self.meter
        if meter is None:
            return
        with self._measuring:  # what was taken is told before the report that ends the run
            if over:
                meter.stop()
            if (measured := meter.take()) is not None:
                self.tell({"kind": "measured", "run": self.run, **measured})
            if over:
                meter.end()

    def stack(self) -> str:
        """Where the main thread is, the innermost call last."""
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        told: list[str] = []
        while frame is not None and frame.f_code.co_filename != PERFORM and len(told) < DEEP:
            code, line, frame = frame.f_code, frame.f_lineno, frame.f_back
            if code.co_filename not in AROUND:
                told.append(f"  {code.co_filename}:{line}, in {code.co_name}\n")
        return "".join(reversed(told))

    def _leave(self) -> None:
        self.forwarder.stop()
        self.dialer.stop()
        self.engine.leave()
        os._exit(0)  # atexit hooks of libraries have nothing to save here, and may wait for other ranks
