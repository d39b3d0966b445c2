"""The Recorder: writes what a run says into the store, in a thread, at most a quarter of a second late."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
import time
from types import TracebackType

from akidlab.errors import StoreError
from akidlab.messages import Log, Message, Status, Subscriber
from akidlab.store import schema
from akidlab.store.batch import Batch
from akidlab.store.liveness import LIVE, Writer
from akidlab.store.run import Run

log = logging.getLogger(__name__)

LATE = 0.2  # seconds between batches; writing one must not make it later than 0.25
HEARTBEAT = 2.0  # seconds
PATIENCE = 5.0  # seconds, at most, between attempts while the store cannot be written
KEPT = 500_000  # rows kept in memory while the disk is full


class Recorder(Subscriber):
    """The one writer of a run.

    A disk that fills up does not stop the training: what cannot be written is kept and written when there is
    room again, and `problem` says what is wrong.

    Args:
        run: the run to write.

    Raises:
        StoreError: when started, if the store cannot be written or another process writes this run.

    Example:
        >>> run = Store().create("digits")
        >>> with Recorder(run) as recorder:
        ...     recorder.hear(Message("loss", 0.5, step=1))
        >>> run.scalars("loss").last, run.status
        (0.5, 'finished')
    """

    topics = None

    def __init__(self, run: Run) -> None:
        self.run = run
        self.problem: str | None = None
        self._heard = Batch()
        self._waiting = Batch()
        self._hearing = threading.Lock()
        self._writing = threading.Lock()
        self._ring = threading.Event()
        self._thread: threading.Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] = (0, 0)
        self._pid = 0
        self._beat = 0.0
        self._since: float | None = None
        self._lost = 0

    def hear(self, message: Message) -> None:
        """Take a message; it is written soon."""
        with self._hearing:
            try:
                self._heard.hear(message)
            except (
                TypeError,
                ValueError,
                OverflowError,
            ) as error:  # one odd metric must not end the recording
                text = f"`{message.topic}` of step {message.step} could not be recorded: {error}"
                self._heard.hear(Message("log", Log(text, level="error"), step=message.step))

    def start(self) -> Recorder:
        """Claim the run for this process and begin to write."""
        if self._thread is None:
            db = schema.connect(self.run.store.path)
            try:
                self._claim(db)
            except BaseException:
                db.close()
                raise
            self._db, self._pid = db, os.getpid()
            self._ring.clear()
            self._thread = threading.Thread(target=self._work, name="akidlab-recorder", daemon=True)
            self._thread.start()
            atexit.register(self.stop)  # the thread is a daemon: it does not outlive the main one
        return self

    def flush(self) -> None:
        """Write what was heard so far, now."""
        self._write()

    def stop(self, status: str | None = None, *, error: str | None = None, patience: float = 5.0) -> None:
        """Write what is left and let go of the run.

        Args:
            status: what the run came to, if it did not say so itself: `finished`, `stopped` or `failed`.
            error: what it failed with.
            patience: how many seconds to try if the store cannot be written.
        """
        if status is not None or error is not None:
            self.hear(Message("status", Status(status, {} if error is None else {"error": error})))
        thread, self._thread = self._thread, None
        if thread is None or self._pid != os.getpid():
            return
        self._ring.set()
        thread.join()
        deadline = time.monotonic() + patience
        while not self._write() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._write()  # the line that says that the store could not be written for a while
        if self.problem is not None:
            log.error(
                "%s %d rows of run `%s` were not written.", self.problem, len(self._waiting), self.run.uid
            )
        if self._db is not None:
            self._db.close()
            self._db = None
        atexit.unregister(self.stop)

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.stop("failed", error=f"{type(error).__name__}: {error}")
            return
        self.flush()
        self.stop("finished" if self.run.look().status in LIVE else None)

    def _claim(self, db: sqlite3.Connection) -> None:
        here, now = Writer.here(), time.time()
        found = self.run.look()
        handed_over = found.status == "preparing"  # made by one process, recorded by another
        if found.is_live and found.pid != here.pid and not handed_over:
            raise StoreError(
                f"The run `{found.name}` is {found.status} in process {found.pid} on {found.host}: a run has"
                " one writer. Stop it there, or start a run of its own here."
            )
        with _transaction(db):
            db.execute(
                "UPDATE runs SET pid = ?, pid_started = ?, host = ?, machine = ?, heartbeat = ? WHERE id = ?",
                (here.pid, here.pid_started, here.host, here.machine, now, found.id),
            )
            if found.sat_down is not None or found.standing not in LIVE:  # resumed: a new sitting
                db.execute(
                    "UPDATE runs SET status = 'preparing', error = NULL, ended = NULL, sat_down = NULL,"
                    " seconds_before = ? WHERE id = ?",
                    (found.elapsed, found.id),
                )

    def _work(self) -> None:
        pause = LATE
        while not self._ring.wait(pause):
            begin = time.monotonic()
            written = self._write()  # an attempt that fails may have cost much: do not try again at once
            pause = LATE if written else min(PATIENCE, 2 * pause + 10 * (time.monotonic() - begin))

    def _write(self) -> bool:
        """Write all there is; False if that failed (the rows are kept)."""
        with self._writing:
            with self._hearing:
                heard, self._heard = self._heard, Batch()
            self._waiting.take(heard)
            now = time.time()
            # A forked process has neither the thread nor the right to use the connection.
            if self._db is None or self._pid != os.getpid():
                return True
            if not (self._waiting or now - self._beat > HEARTBEAT):
                return True
            try:
                self._check_file()
                with _transaction(self._db):
                    self._waiting.write(self._db, self.run.id)
            except (sqlite3.Error, OSError) as error:
                self._keep(error)
                return False
            except Exception:
                log.exception("%d rows of run `%s` could not be stored.", len(self._waiting), self.run.uid)
            self._waiting, self._beat = Batch(), now
            self._recover()
            return True

    def _check_file(self) -> None:
        found = os.stat(self.run.store.path / schema.FILE)
        known, self._file = self._file, (found.st_dev, found.st_ino)
        if known not in ((0, 0), self._file):
            self._file = known
            raise OSError("the database was replaced while the run was going on")

    def _keep(self, error: Exception) -> None:
        self._lost += self._waiting.shed(KEPT)
        path = self.run.store.path
        if self._since is None:
            self._since = time.time()
            log.warning("The store `%s` cannot be written: %s. Training goes on.", path, error)
        dropped = f", {self._lost:,} were dropped" if self._lost else ""
        self.problem = (
            f"The store `{path}` cannot be written: {error}. Training goes on; {len(self._waiting):,} rows"
            f" wait in memory{dropped}. Free some space."
        )

    def _recover(self) -> None:
        """Say in the log of the run that the store could not be written for a while."""
        if self._since is None:
            return
        went = f"{self._lost:,} rows were dropped" if self._lost else "nothing was lost"
        text = f"The store could not be written for {time.time() - self._since:.1f} s; {went}."
        self.problem, self._since, self._lost = None, None, 0
        self.hear(Message("log", Log(text, level="warning"), step=self.run.look().step))


class _transaction:
    """BEGIN IMMEDIATE, and COMMIT unless something is raised."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.db.execute("COMMIT")
        finally:
            if self.db.in_transaction:
                self.db.rollback()
