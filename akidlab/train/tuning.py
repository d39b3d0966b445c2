"""A Tuning: many instances, each in a process of its own, as many at a time as there are slots."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from akidlab.store import Run, Store
from akidlab.train import ledger
from akidlab.train.instance import Instance
from akidlab.train.process import Process, starter
from akidlab.train.progress import Progress, progress
from akidlab.train.slots import Slot, Slots
from akidlab.train.template import Template
from akidlab.train.work import Work

GRACE = 15.0  # seconds for the steps that instances are in, when they are interrupted
TAIL = 15  # lines of output that are told of a process that died


@dataclass(eq=False)
class Entry:
    """One instance on its way through a tuning.

    Args:
        instance: which.
        run: its run, once it has begun.
        resume: whether it goes on from the checkpoint of that run.
        is_over: whether nothing more happens to it.
        code: the exit code of its process.
    """

    instance: Instance
    run: Run | None = None
    resume: bool = False
    is_over: bool = False
    code: int | None = None
    process: Process | None = field(default=None, repr=False)
    last: Progress | None = field(default=None, repr=False)


class Tuning:
    """Trains instances of a template.

    Args:
        template: what makes their kids.
        name: what it is called; its runs are called `<name>.<index>`.
        entries: the instances; more may be added while it runs, by `coming`.
        slots: where they train.
        store: where their runs are.
        coming: gives the entries to begin, one after another; by default those that are not over.
        consult: asked about each validation whether the instance shall go on; by default nobody asks.
        on_end: told each entry that is over.
    """

    def __init__(
        self,
        template: Template,
        name: str,
        entries: list[Entry],
        slots: Slots,
        store: Store,
        *,
        coming: Callable[[], Iterable[Callable[[], Entry]]] | None = None,
        gpus: int = 1,
        consult: Callable[[Entry, int, dict[str, float]], bool] | None = None,
        on_end: Callable[[Entry], None] | None = None,
    ) -> None:
        self.template, self.name, self.entries = template, name, entries
        self.slots, self.store = slots, store
        self.coming, self.gpus = coming, gpus
        self.consult, self.on_end = consult, on_end
        self._changed = threading.Condition()
        self._live: set[Entry] = set()
        self._failure: BaseException | None = None
        self.total = len(entries)
        self.metric, self.higher = "validation_loss", False  # what tells which is the best so far
        self.was_interrupted = False

    def run(self) -> None:
        """Train all that are not over yet; an instance that fails does not keep the others from it.

        Raises:
            KeyboardInterrupt: if it is interrupted, once its processes have stopped, saved.
        """
        with starter() as start:
            try:
                for gpus, entry_of in self._due():
                    slot = self.slots.take(gpus)
                    try:
                        if self._failure is not None:
                            raise self._failure
                        entry = entry_of()
                        self._begin(entry, slot, start.start)
                    except BaseException:
                        self.slots.give(slot)
                        raise
                self._wait()
                if self._failure is not None:
                    raise self._failure
            except BaseException as error:
                self.was_interrupted = isinstance(error, KeyboardInterrupt)
                self._end_all()
                raise

    def look(self) -> list[Progress]:
        """How far each instance is; those that are over are looked up once."""
        return [self._look(entry) for entry in list(self.entries)]

    def _look(self, entry: Entry) -> Progress:
        if entry.last is None:
            over = entry.is_over
            found = progress(entry.instance, entry.run, entry.code)
            if not over:
                return found
            entry.last = found
        return entry.last

    def _due(self) -> Iterable[tuple[int, Callable[[], Entry]]]:
        if self.coming is not None:
            yield from ((self.gpus, entry_of) for entry_of in self.coming())
            return
        for entry in [entry for entry in self.entries if not entry.is_over]:
            yield entry.instance.gpus, lambda entry=entry: entry

    def _begin(self, entry: Entry, slot: Slot, start: Callable[..., Process]) -> None:
        instance = entry.instance
        recipe = self.template.recipe(instance)
        if entry.run is None:
            entry.run = ledger.open_run(self.store, self.name, instance)
        work = Work(
            recipe,
            str(self.store.path),
            entry.run.uid,
            instance.seed,
            entry.resume,
            self.consult is not None,
            slot.threads,
        )
        try:
            entry.run.folder.mkdir(parents=True, exist_ok=True)
            entry.process = start(slot.environment, entry.run.folder / "output.txt")
        except KeyboardInterrupt:
            ledger.settle(entry.run, "stopped")
            raise
        except BaseException as error:
            ledger.settle(entry.run, "failed", f"{type(error).__name__}: {error}")
            raise
        with self._changed:
            self._live.add(entry)
        threading.Thread(
            target=self._attend, args=(entry, work, slot), name=f"akidlab-tune-{instance.index}", daemon=True
        ).start()

    def _attend(self, entry: Entry, work: Work, slot: Slot) -> None:
        """See one instance to its end, in a thread of its own."""
        assert entry.process is not None
        try:
            entry.code = entry.process.attend(work, lambda said: self._answer(entry, said))
            self._settle(entry)
            entry.is_over = True
            if self.on_end is not None:
                self.on_end(entry)
        except BaseException as error:  # raised again by `run`
            self._failure = error
            entry.process.kill()
            entry.process.wait()
        finally:
            entry.is_over = True
            self.slots.give(slot)
            with self._changed:
                self._live.discard(entry)
                self._changed.notify_all()

    def _answer(self, entry: Entry, said: dict[str, Any]) -> bool:
        return self.consult is None or self.consult(entry, said["step"], said["values"])

    def _settle(self, entry: Entry) -> None:
        """Say in the store what became of a process that could not say so itself."""
        assert entry.run is not None
        if self.was_interrupted:
            ledger.settle(entry.run, "stopped")
            return
        why = _why(entry.code)
        tail = _tail(entry.run)
        ledger.settle(entry.run, "failed", why, f"{why}\n{tail}".rstrip())

    def _wait(self, timeout: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._live, timeout)

    def _end_all(self) -> None:
        """Let every instance stop after its step; kill what is left after a while, or at a second Ctrl-C."""
        live = list(self._live)
        for entry in live:
            if entry.process is not None:
                entry.process.interrupt()
        begun = time.monotonic()
        try:
            self._wait(GRACE)
        except KeyboardInterrupt:
            pass
        finally:
            for entry in list(self._live):
                if entry.process is not None:
                    entry.process.kill()
            self._wait(max(1.0, GRACE - (time.monotonic() - begun)))


def _why(code: int | None) -> str:
    if code is None:
        return "Its process is gone, and nobody knows why."
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (perhaps the memory was full)" if name == "SIGKILL" else ""
        return f"Its process was killed by {name}{hint}."
    return f"Its process ended with exit code {code}, and without a word."


def _tail(run: Run) -> str:
    try:
        lines = (run.folder / "output.txt").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-TAIL:])
