"""Practice: the loop in which a Kid learns, and what it does at the turning points."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from akidlab import checkpoints
from akidlab.events import DoneEvent, EarlyStoppingEvent
from akidlab.guards.finite import all_finite
from akidlab.kids import checkpoint, made_with, state, watched
from akidlab.kids.guarding import Guarding, NotFinite
from akidlab.kids.interrupt import graceful_interrupt
from akidlab.kids.randomness import Randomness, outer_kept
from akidlab.kids.report import Report
from akidlab.kids.update import make_update
from akidlab.kids.validation import Abandoned
from akidlab.messages import Command

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.kids.kid import Kid

TURNS = ("on_training_log_step", "on_val_log_step", "on_epoch_end")
EVENT = "event:"  # begins the id of a stop that stands for an event raised by a hook
POLL = 0.1  # seconds between looks of paused ranks at each other


class Stopped(Exception):
    """Somebody asked to stop; everything is in order."""


class Moved(Exception):
    """It goes on elsewhere, with the next step."""


class Practice:
    """One practice of a kid, from where it stands to its last step.

    At every step the loop does what an expert's loop would, notes the loss and the time, and compares the
    step with the next turning point. All else happens at turning points: the training log, the checkpoint,
    the validation, the end of an epoch.
    """

    def __init__(self, kid: Kid, max_steps: int) -> None:
        self.kid = kid
        self.max_steps = max_steps
        self.report = kid.report = Report(kid)
        self.guarding = Guarding(kid)
        self.error: str | None = None  # what the guard stopped it for
        self.outcome, self.saves, self.has_folder = "finished", False, False
        self.paused, self.moves, self.turning = False, False, 0
        self.pause_at, kid.pause_at = kid.pause_at, None
        self.agreed: frozenset[str] = frozenset()
        self.event: EarlyStoppingEvent | DoneEvent | None = None  # raised here, not yet known to other ranks
        self._log_every, self._val_every = max(1, kid.train_log_step), max(1, kid.val_log_step)

    def run(self) -> None:
        """Practise until the last step, a stop, or an event; an exception marks the run and leaves."""
        kid = self.kid
        with graceful_interrupt(lambda: kid.controls.send("stop")), self._practising():
            try:
                self._begin()
                self._loop()
            except Moved:
                return self._leave()
            except Stopped:
                self.outcome = "stopped"
            except EarlyStoppingEvent as event:
                self._stop_early(event)
            except DoneEvent:
                pass
            self._end()

    @contextlib.contextmanager
    def _practising(self) -> Iterator[None]:
        kid, report = self.kid, self.report
        kid.practising = True
        kid.controls.open()
        kid.bus.subscribe(self.guarding)
        try:
            with outer_kept(kid.device):
                kid.random.restore(kid.device)
                kid.flagged = False
                kid.brain.train()
                try:
                    yield
                finally:
                    kid.random = Randomness.capture(kid.device)
        except KeyboardInterrupt:  # a second Ctrl-C, which cannot wait
            report.flush(final=True)
            report.status("stopped")
            raise
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            kid.bus.unsubscribe(self.guarding)
            kid.practising = False
            kid.controls.close()

    # ------------------------------------------------------------------------------------- begin and end

    def _begin(self) -> None:
        kid, report = self.kid, self.report
        if kid.patience is not None and self._exhausted():  # who trains on after that asks for patience again
            kid.patience = replace(kid.patience, stale=0)
        self.has_folder = kid.engine.broadcast(kid.folder is not None)
        self.saves = kid.save_chk_point and self.has_folder
        if kid.engine.size > 1:
            self.agreed = self._agree_on_hooks()
        report.event("started", max_steps=self.max_steps, seed=kid.seed, world_size=kid.engine.size)
        report.graph()
        report.status("running", max_steps=self.max_steps, world_size=kid.engine.size)
        report.status(None, made_with=made_with.facts(kid))
        report.learning_rate(always=True)
        if not kid.skip_validation:
            kid.sensor.validation_batches()  # if there are none, say so now, not after the first epoch
        if kid.due:  # restored from a checkpoint that was taken on the way into a turning point
            self._turn()
        elif kid.step == 0 and kid.validate_first and not kid.skip_validation and self.max_steps > 0:
            self._validate()
        kid.hooks.call("on_train_begin", kid)
        report.restart()

    def _end(self) -> None:
        kid, report = self.kid, self.report
        if report.losses:
            report.flush(final=True)
        if self.outcome != "stopped" and not kid.skip_validation and kid.validated != kid.step:
            with contextlib.suppress(Stopped, EarlyStoppingEvent, DoneEvent):  # the end they ask for is here
                self._validate()
        if self.saves and kid.saved != (kid.step, kid.due) and not self._is_spoilt():
            self._checkpoint()
        with contextlib.suppress(EarlyStoppingEvent, DoneEvent):
            kid.hooks.call("on_train_end", kid)
        report.event("finished", outcome=self.outcome)
        report.status(self.outcome, **({} if self.error is None else {"error": self.error}))

    def _leave(self) -> None:
        """Let go of the run in the midst of it: it is live, and waits for whoever goes on."""
        kid, report = self.kid, self.report
        if report.losses:
            report.flush(final=True)
        if self.saves and kid.saved != (kid.step, kid.due):
            self._checkpoint()  # who holds the kid on the way may die there
        kid.pause_at, kid.moved = kid.step if self.paused else self.pause_at, True
        state.gather(kid)
        report.status("preparing")

    def _stop_early(self, event: EarlyStoppingEvent) -> None:
        kid = self.kid
        if event.val_loss is not None:
            kid.loss, kid.validated = float(event.val_loss), kid.step
        if event.val_evals is not None:
            kid.evals = dict(event.val_evals)
        self.report.event("early_stop", loss=kid.loss, evals=kid.evals, **self._exhausted())

    def _exhausted(self) -> dict[str, Any]:
        """What ran out of patience, and how; nothing if patience is left, or there is no end to it."""
        asked, seen = self.kid.early_stopping, self.kid.patience
        if asked is None or seen is None or seen.stale < asked.patience:
            return {}
        return {"metric": seen.metric, "patience": asked.patience, "best": seen.value, "best_step": seen.step}

    def _fail(self, error: BaseException) -> None:
        kid, report = self.kid, self.report
        kid.exception = error
        with contextlib.suppress(Exception):  # a device that failed has no losses to give; the error matters
            if not self.paused:  # else all was said, and it is not running
                report.flush(final=True)
        report.failure(error)
        kid.hooks.call("on_exception", kid)

    # ------------------------------------------------------------------------------------------ the loop

    def _loop(self) -> None:
        kid, report, max_steps = self.kid, self.report, self.max_steps
        controls, kongfu, scheduled = kid.controls, kid.kongfu, kid.kongfu.scheduled
        on_begin, on_end = kid.hooks.on_batch_begin, kid.hooks.on_batch_end
        guarding, (update, assembled) = self.guarding, self._updating()
        note, note_time, clock = report.losses.append, report.times.append, time.perf_counter
        alone, step, first = kid.engine.size == 1, kid.step, True
        report.due = 0.0  # the first step is told at once: nobody shall look at an empty chart
        if self.pause_at == step:  # it was paused where it comes from
            self._pause()
            self._wait()
        self._plan()
        while step < max_steps:
            if kid.flagged or (alone and controls.pending):
                self._obey()
                kid.setup()
                step = kid.step
                if step >= max_steps:  # it was restored
                    break
            if scheduled:
                kongfu.adjust(kid.clock)
            if on_begin:
                self._call("on_batch_begin")
            if kid.assembled != assembled:  # a hook or a command changed what there is to train
                update, assembled = self._updating()
            try:
                note(update())
                kid.step = step = step + 1
                if step >= self.turning:
                    guarding.settle()
            except NotFinite as fault:
                self._guard(fault)
                step = kid.step
                continue
            now = clock()
            note_time(now)
            if now >= report.due:
                report.flush()
                if first:
                    first = False
                    report.event("first_step")
                if kid.taking is not None:
                    kid.taking.look()
            if on_end:
                kid.due = (
                    step >= self.turning
                )  # a hook that saves, or ends practice, leaves the rest for later
                self._call("on_batch_end")
            if step >= self.turning:
                kid.due = True
                self._log()
                self._turn(save=step != max_steps)
                if kid.commits is not None and step >= kid.commits.due:
                    kid.commits.make(kid)
                if step == self.pause_at:
                    self._pause()
                    self._wait()
                self._plan()
                kid.setup()
                step = kid.step

    def _updating(self) -> tuple[Callable[[], Tensor | float], int]:
        """The function that makes a step, and of which assembly it is."""
        return make_update(self.kid, guarding=self.guarding), self.kid.assembled

    def _guard(self, fault: NotFinite) -> None:
        """A step was not made: say why, and stop or pause; resumed, the kid goes on with the next batch."""
        kid, report, guarding = self.kid, self.report, self.guarding
        late = kid.step - fault.step + 1  # an accelerator tells of it when the next step is under way
        kid.step = fault.step - 1
        for noted in (report.losses, report.times):
            del noted[max(0, len(noted) - late) :]
        finding = guarding.explain(fault)
        guarding.mend()
        guarding.tell(finding)
        guarding.heard = None
        if kid.guard == "stop":
            self.error = finding.text
            raise Stopped
        self._pause()
        self._wait()
        self._plan()
        kid.setup()

    def _is_spoilt(self) -> bool:
        """True if the guard stopped it and its weights are none to save: the checkpoints before stay."""
        return self.error is not None and not all_finite(self.kid.brain.state_dict().values())

    def _plan(self) -> None:
        """Find the next step at which there is more to do than a step."""
        kid, step = self.kid, self.kid.step
        turns = [self.max_steps, (step // self._log_every + 1) * self._log_every]
        if kid.log_by_step:
            turns.append((step // self._val_every + 1) * self._val_every)
        done = step * kid.accumulate // kid.batches_per_epoch
        turns.append(-(-(done + 1) * kid.batches_per_epoch // kid.accumulate))
        if self.pause_at is not None:
            turns.append(self.pause_at)
        if kid.commits is not None:
            turns.append(kid.commits.after(step))
        self.turning = min(turns)

    def _log(self) -> None:
        """The training log, if this is its step."""
        kid, report = self.kid, self.report
        self.guarding.remember()
        if kid.step % self._log_every:
            return
        kid.training_loss = float(report.losses[-1]) if report.losses else report.last_loss
        kid.training_evals = kid.averaged(
            {name: float(value) for name, value in kid.engine.evals(kid.brain).items()}
        )
        kid.loss_data_train.append(kid.training_loss)
        kid.eval_data_train.append(kid.training_evals)
        report.scalars(kid.training_evals)
        report.learning_rate(always=True)
        watched.agree(kid)
        self._call("on_training_log_step")

    def _turn(self, save: bool = False) -> None:
        """What a step may end: a stretch between validations, an epoch.

        A kid that is saved, or stops, in the midst of it has it `due`: resumed, it does the rest first.
        """
        kid = self.kid
        if save and self.saves and (self._validates_by_step() or self._validates_by_epoch()):
            self._checkpoint()
        if self._validates_by_step():
            self._validate()
        if kid.epoch < self._epochs():
            kid.epoch = self._epochs()
            self.report.event("epoch", epoch=kid.epoch)
            if kid.watch_on is not None:
                kid.watch_on.exporter.epoch_finished()
            self._call("on_epoch_end")
        if self._validates_by_epoch():
            self._validate()
        kid.due = False

    def _validates_by_step(self) -> bool:
        kid = self.kid
        return (
            kid.step > 0
            and kid.log_by_step
            and (kid.step % self._val_every == 0 or kid.step == self.max_steps)
        )

    def _validates_by_epoch(self) -> bool:
        kid = self.kid
        return kid.log_by_epoch and self._ends_epoch() and self._epochs() % kid.num_epoch_per_log == 0

    def _ends_epoch(self) -> bool:
        kid = self.kid
        before = (kid.step - 1) * kid.accumulate // kid.batches_per_epoch
        return kid.step > 0 and self._epochs() > before

    def _epochs(self) -> int:
        return self.kid.step * self.kid.accumulate // self.kid.batches_per_epoch

    # --------------------------------------------------------------------------- validation and checkpoints

    def _validate(self) -> None:
        kid, report = self.kid, self.report
        if kid.skip_validation or kid.validated == kid.step:
            return
        if report.losses:
            report.flush()
        started = time.perf_counter()
        try:
            loss, evals = kid.validate()
        except Abandoned:
            self._obey()
            raise Stopped from None
        kid.validated = kid.step
        kid.loss_data_val.append(loss)
        kid.eval_data_val.append(evals)
        values = {"validation_loss": loss, **{f"validation_{name}": value for name, value in evals.items()}}
        report.scalars(values)
        report.event("validation", seconds=time.perf_counter() - started, **values)
        self._judge(values)
        report.restart()

    def _judge(self, values: dict[str, float]) -> None:
        """Tell the kongfu, remember the best, call the hooks, and stop if that was long enough ago."""
        kid = self.kid
        kid.kongfu.hear(values, kid.clock)
        self.report.learning_rate()
        kid.best = kid.best.after(values, kid.step)
        self._mark_best()
        self._call("on_val_log_step")
        if kid.early_stopping is not None and kid.patience is not None:
            kid.patience = kid.patience.after(values, kid.step, kid.early_stopping.min_delta)
            if kid.patience.stale >= kid.early_stopping.patience:
                raise EarlyStoppingEvent(kid.loss, kid.evals)

    def _mark_best(self) -> None:
        kid = self.kid
        if kid.best.step == kid.step and kid.folder is not None and kid.engine.rank == 0:
            with contextlib.suppress(OSError):  # the checkpoint itself was reported if it failed
                checkpoint.mark_best(kid.folder, kid.step)
                checkpoint.thin(kid.folder, kid.keep)

    def _checkpoint(self, *, pinned: bool = False) -> None:
        kid, report = self.kid, self.report
        kid.saved = (kid.step, kid.due)
        try:
            path = kid.save()
        except OSError as error:
            report.warn(f"The checkpoint of step {kid.step} could not be written: {error}. Training goes on.")
        else:
            if pinned and kid.engine.rank == 0:
                with contextlib.suppress(OSError):
                    checkpoints.pin(path.parent, kid.step)
            report.event("checkpoint", file=path.name, **({"pinned": True} if pinned else {}))
            self._mark_best()  # the last step is validated before it is saved
        report.restart()

    # ----------------------------------------------------------------------------------- hooks and commands

    def _call(self, name: str) -> None:
        """Call hooks. What a rank raises to end practice ends it on all ranks, at the same step.

        To ask each other at every step would cost too much: there, it is a command that counts at the next.
        """
        kid, event = self.kid, None
        try:
            kid.hooks.call(name, kid)
        except (EarlyStoppingEvent, DoneEvent) as raised:
            if kid.engine.size == 1:
                raise
            self.event = event = raised
        if name in self.agreed:
            if any(kid.engine.any(event is not None)):
                self._end_together()
        elif event is not None:
            kid.controls.send(Command("stop", id=f"{EVENT}{uuid.uuid4().hex}"))

    def _agree_on_hooks(self) -> frozenset[str]:
        """The hooks at turning points that any rank has: after those, ranks ask each other."""
        kid = self.kid
        hooked = kid.engine.any(*(bool(getattr(kid.hooks, name)) for name in TURNS))
        return frozenset(name for name, some in zip(TURNS, hooked, strict=True) if some)

    def _obey(self) -> None:
        """Do what was asked since the last step, the same on every rank."""
        kid = self.kid
        kid.flagged = False
        self._apply(kid.engine.agree(kid.controls.take()))
        if self.paused:
            self._wait()
        self._plan()

    def _apply(self, commands: list[Command]) -> None:
        for command in commands:
            if command.id.startswith(EVENT):
                self._end_together()
            self.report.event(command.action, **command.facts)
            getattr(self, f"_{command.action}")(command.value)
        if self.moves:  # after all else that came with it
            raise Moved
        if commands and self.kid.commits is not None and not self.kid.due:
            self.kid.commits.make(self.kid)  # what was done is not undone by a fault

    def _end_together(self) -> None:
        """Raise on every rank what the first of them raised."""
        event = self.event
        told = None if event is None else (type(event) is DoneEvent, *event.args)
        is_done, *args = next(one for one in self.kid.engine.gather(told) if one is not None)
        raise DoneEvent if is_done else EarlyStoppingEvent(*args)

    def _pause(self, value: float | None = None) -> None:
        self.paused, self.pause_at = True, None

    def _resume(self, value: float | None = None) -> None:
        self.paused, self.pause_at = False, None

    def _step(self, value: float | None = None) -> None:
        begin = max(self.kid.step, self.pause_at or 0)  # steps asked for before these are made, too
        self.paused, self.pause_at = False, begin + int(value or 1)

    def _stop(self, value: float | None = None) -> None:
        raise Stopped

    def _save(self, value: float | None = None) -> None:
        """Write a checkpoint because somebody asked, also of a kid that writes none by itself.

        It stays, unless `value` is 0: then it is only to be read now.
        """
        if self.has_folder:
            self._checkpoint(pinned=value != 0)

    def _ranks(self, value: float | None = None) -> None:
        self.moves = True

    def _cell(self, value: float | None = None) -> None:
        """Have the cell of that number run, which a notebook sent to the ranks: some of them, or all."""
        if self.kid.on_cell is not None and value is not None:
            self.kid.on_cell(int(value))
            self.report.restart()

    def _timeline(self, value: float | None = None) -> None:
        """Ranks record one; one process has nobody to wait for."""

    def _profile(self, value: float | None = None) -> None:
        """Tell how long each block takes in a forward pass, measured on a copy between two steps."""
        try:
            times = self.kid.brain.profile()
        except Exception as error:  # a copy may want more memory than there is; training goes on
            self.report.warn(f"The time per block could not be measured: {error}")
        else:
            lines = {path.replace(".", "/"): 1000 * seconds for path, seconds in times.items()}
            self.report.scalars({f"time_per_block_ms/{name}": taken for name, taken in lines.items()})
        self.report.restart()

    def _note(self, value: float | None = None) -> None:
        """It is kept as the event that tells of it."""

    def _rate(self, value: float | None = None) -> None:
        assert value is not None
        self.kid.kongfu.set_lr(float(value), self.kid.clock)
        self.report.learning_rate()

    def _wait(self) -> None:
        """Sleep until there is something to do; ranks wake together, a few times a second."""
        kid, report = self.kid, self.report
        engine, controls = kid.engine, kid.controls
        report.flush(final=True)
        report.status("paused")
        while self.paused:
            # Ranks all sleep: one that waits for another would spin.
            self._apply(controls.wait() if engine.size == 1 else engine.agree(controls.wait(POLL)))
        report.status("running")
        report.restart()
