"""The Kid: a sensor, a brain and a kongfu, put together so that it practises."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from akidlab import engines
from akidlab.clock import Clock
from akidlab.errors import CheckpointError, DispatchError, StoreError
from akidlab.kids import assembly, checkpoint, editing, show, state, watched
from akidlab.kids.best import Best, EarlyStopping
from akidlab.kids.controls import Controls, stay
from akidlab.kids.hooks import Hooks
from akidlab.kids.keep import Keep
from akidlab.kids.options import (
    check_counts,
    check_span,
    device_of,
    guard_of,
    positive,
    precision_of,
    samples_of,
    whole,
)
from akidlab.kids.parts import brain_of, kongfu_of, sensor_of
from akidlab.kids.practice import Practice
from akidlab.kids.randomness import Randomness
from akidlab.kids.single_steps import SingleSteps
from akidlab.kids.validation import Measured, measure, watching
from akidlab.messages import Bus, Command, Event, Message
from akidlab.messages.command import check_note
from akidlab.options import Options

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

    from akidlab.blocks import Brain
    from akidlab.blocks.edit import Edit
    from akidlab.engines import Engine
    from akidlab.kids.branch import Branch
    from akidlab.kids.commit import Commits
    from akidlab.kids.pictures import Pictures
    from akidlab.kids.report import Report
    from akidlab.kongfus import KongFu
    from akidlab.probes import Probe
    from akidlab.sensors import FeedSensor
    from akidlab.store import Recorder, Run, Store
    from akidlab.watching import Watch, WatchOptions

T = TypeVar("T")


class Kid(Options, SingleSteps):
    """Puts a sensor, a brain and a kongfu together, and practises.

    Either `max_steps` or `max_epoch` says how long; it may be said later, by `kid.max_steps = 1000` or by
    `%akid_train kid --steps 1000`. What happens is published on `kid.bus`, and
    recorded in the store while it practises. `kid.controls` takes commands from any thread.

    Args:
        sensor_in: what it senses.
        brain_in: what it thinks with.
        kongfu_in: how it learns; a name such as `rmsprop`, or a dictionary, will do (see `KongFu.of`).
        engine: how the work is spread: `single`, `data_parallel`, `horovod`, `torch`, akid's `{"name": ...}`
            with arguments (such as `"num_gpu": 2`), or an Engine.
        max_steps: practise until this step.
        max_epoch: practise until so many epochs are over.
        name: what its runs are called.
        seed: fixes the weights and whatever is drawn while it practises; one seed gives one trajectory.
        log_dir: where checkpoints go; by default the folder of the run.
        val_log_step: validate and save every so many steps, and at the end.
        train_log_step: evaluate on the training batch every so many steps.
        log_by_step: False to validate at the end only (or by epoch).
        log_by_epoch: True to validate and save at the end of epochs.
        num_epoch_per_log: at the end of how many epochs.
        save_chk_point: False to write no checkpoints.
        continue_from_chk_point: True to go on from the newest checkpoint in its folder, if there is one.
        skip_validation: True to measure nothing but training.
        validate_first: False to leave out the validation before the first step.
        compile: True, or the options of `torch.compile`, to compile the brain with its losses.
        precision: `bf16` to compute in bfloat16 where torch deems it safe.
        clip_norm: the largest norm of all gradients together.
        accumulate: how many batches make one step.
        device: where to work; by default the accelerator, else the CPU.
        record: False to leave the store alone.
        early_stopping: how many validations may pass without a better one, or an `EarlyStopping`.
        best: the metric that tells which checkpoint is the best; `(name, "min" | "max")` where its name
            (losses and errors fall, all else rises) would mislead.
        guard: what to do where a loss or a gradient is NaN or infinite: `stop`, `pause` (change the rate,
            then resume), `warn` or `off`. The step is not made, but for `warn` and `off`.
        pictures: False to take no pictures of filters and feature maps for the record (see `run.pictures`).
        watching: what to look at while it practises, a `WatchOptions` or a dictionary of its options; see
            `watch`.
        keep: which checkpoints stay: how many of the last ones, or a `Keep`, which bounds their number and
            their bytes.

    Raises:
        ValueError: if an argument makes no sense.
        KindError: if a part is none of what it should be; it is a TypeError.
        UnknownNameError: if there is no such engine, kongfu or option.

    Example:
        >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
        >>> from akidlab.models.brains import OneLayerBrain
        >>> sensor = FeedSensor(DigitsSource())
        >>> kid = Kid(sensor, OneLayerBrain(), MomentumKongFu(), max_steps=20, record=False)
        >>> kid.practice() < 2.3
        True
    """

    def __init__(
        self,
        sensor_in: FeedSensor,
        brain_in: Brain,
        kongfu_in: KongFu | str | Mapping[str, Any] | type[Optimizer],
        engine: str | dict[str, object] | Engine = "single",
        max_steps: int | None = None,
        max_epoch: float | None = None,
        *,
        name: str | None = None,
        seed: int = 0,
        log_dir: str | Path | None = None,
        val_log_step: int = 1000,
        train_log_step: int = 100,
        log_by_step: bool = True,
        log_by_epoch: bool = False,
        num_epoch_per_log: int = 1,
        save_chk_point: bool = True,
        continue_from_chk_point: bool = False,
        skip_validation: bool = False,
        validate_first: bool = True,
        compile: bool | Mapping[str, Any] = False,
        precision: str | None = None,
        clip_norm: float | None = None,
        accumulate: int = 1,
        device: torch.device | str | None = None,
        record: bool = True,
        early_stopping: int | Mapping[str, Any] | EarlyStopping | None = None,
        best: str | tuple[str, str] = "validation_loss",
        guard: str = "stop",
        watching: WatchOptions | Mapping[str, Any] | None = None,
        pictures: bool = True,
        keep: int | Mapping[str, Any] | Keep = 5,
    ) -> None:
        check_span(max_steps, max_epoch)
        check_counts(accumulate=accumulate, val_log_step=val_log_step, train_log_step=train_log_step)
        check_counts(num_epoch_per_log=num_epoch_per_log)
        self.sensor, self.brain = sensor_of(sensor_in), brain_of(brain_in)
        self.kongfu = kongfu_of(kongfu_in)
        self.max_steps = None if max_steps is None else int(max_steps)
        self.max_epoch = max_epoch
        self.name, self.seed = name or "kid", whole("seed", seed)
        self.log_dir = None if log_dir is None else Path(log_dir)
        self.val_log_step, self.train_log_step = val_log_step, train_log_step
        self.log_by_step, self.log_by_epoch = log_by_step, log_by_epoch
        self.num_epoch_per_log = num_epoch_per_log
        self.save_chk_point, self.continue_from_chk_point = save_chk_point, continue_from_chk_point
        self.skip_validation, self.validate_first = skip_validation, validate_first
        self.compile, self.precision = compile, precision_of(precision)
        self.clip_norm, self.accumulate = positive("clip_norm", clip_norm), accumulate
        self.record, self._guard, self._keep = record, guard_of(guard), Keep.of(keep)
        self.early_stopping = EarlyStopping.of(early_stopping)
        self.best = Best.of(best)
        self.patience = Best.of(self.early_stopping.metric) if self.early_stopping else None

        self.watching = watched.options_of(watching)
        self.pictures = bool(pictures)

        self.bus, self.hooks, self.controls = Bus(), Hooks(), Controls()
        self.commits: Commits | None = None
        self.shown = False  # by a dashboard in a notebook, while it practises
        self.step = self.epoch = 0
        self.loss: float | None = None
        self.evals: dict[str, float] = {}
        self._verbose_evals: dict[str, Any] = {}
        self.training_loss: float | None = None
        self.training_evals: dict[str, float] = {}
        self.loss_data_train: list[float] = []
        self.eval_data_train: list[dict[str, float]] = []
        self.loss_data_val: list[float] = []
        self.eval_data_val: list[dict[str, float]] = []
        self.step_time: float | None = None
        self.samples_per_second: float | None = None
        self.exception: BaseException | None = None
        self.run: Run | None = None
        self.branched: Branch | None = None  # where its next run begins, if that is no new beginning

        # what `setup` puts together
        self.parameters: list[Parameter] = []
        self.optimizer: Optimizer
        self.objective: Callable[[Any], Tensor]
        self.random: Randomness

        # what the loop and its helpers keep here
        self.validated: int | None = None  # the step of the last validation
        self.saved: tuple[int, bool] | None = None  # the step of the last checkpoint, and what was due there
        self.due = False  # the step is made, what it ends is not: checkpoints are taken there
        self.flagged = False  # some rank holds a command
        self.practising = False
        self.on_cell: Callable[[int], object] | None = None  # has the cell of a notebook run here
        self.moved = False  # its last practice was broken off, to go on elsewhere
        self.pause_at: int | None = None  # the step at which its next practice pauses by itself
        self.report: Report | None = None
        self.watch_on: Watch | None = None  # while it practises
        self.taking: Pictures | None = None  # while it practises
        engines.check(engine)
        self._engine: str | dict[str, object] | Engine = engine
        self.engine_asked = engine  # what a kid that is made like this one asks for, too
        self._device, self._folder, self._thread = device_of(device), None, 0
        self._recorder: Recorder | None = None
        self.random_of_ranks: tuple[int, list[Randomness]] | None = None
        self.is_setup = False
        self.assembled = 0  # how often it was put together: the loop follows
        self.edits = 0  # how many edits of the brain it knows

    # ------------------------------------------------------------------------------------- what it is made of

    @property
    def clock(self) -> Clock:
        """The moment it is at; `int(kid.clock)` is the step."""
        return Clock(self.step, self.epoch)

    @property
    def engine(self) -> Engine:
        """How the work is spread; may be set until the kid practises."""
        if not isinstance(self._engine, engines.Engine):
            self._engine = engines.get(self._engine, device=self._device)
        return self._engine

    @engine.setter
    def engine(self, engine: str | dict[str, object] | Engine) -> None:
        engines.check(engine)
        self._engine, self.engine_asked, self.is_setup = engine, engine, False

    @property
    def engine_name(self) -> str:
        """The engine as it was asked for; it need not be there yet."""
        return repr(self._engine) if isinstance(self._engine, engines.Engine) else str(self._engine)

    @property
    def device(self) -> torch.device:
        """Where it works."""
        return self.engine.device

    @property
    def guard(self) -> str:
        """What happens where a loss or a gradient is not finite; counts from the next practice on."""
        return self._guard

    @guard.setter
    def guard(self, guard: str) -> None:
        self._guard = guard_of(guard)

    @property
    def keep(self) -> Keep:
        """Which of its checkpoints stay on the disk; may be set to a number, a dict, or a `Keep`."""
        return self._keep

    @keep.setter
    def keep(self, keep: int | Mapping[str, Any] | Keep) -> None:
        self._keep = Keep.of(keep)

    @property
    def folder(self) -> Path | None:
        """Where its checkpoints go: what was set, else `log_dir`, else the folder of its run."""
        if self._folder is not None or self.log_dir is not None:
            return self._folder or self.log_dir
        return None if self.run is None else Path(self.run.folder)

    @folder.setter
    def folder(self, folder: Path | str | None) -> None:
        self._folder = None if folder is None else Path(folder)

    @property
    def batches_per_epoch(self) -> int:
        """How many batches of its sensor make an epoch."""
        return max(1, self.sensor.num_batches_per_epoch)

    @property
    def samples_per_step(self) -> int:
        """How many samples, over all ranks, make a step."""
        return self.sensor.batch_size * self.accumulate

    @property
    def last_step(self) -> int:
        """The step at which practice ends.

        Raises:
            ValueError: if neither `max_steps` nor `max_epoch` is set, or both are.
        """
        if (self.max_steps is None) == (self.max_epoch is None):
            raise ValueError(
                f"Either `max_steps` or `max_epoch` says how long to practise; found max_steps="
                f"{self.max_steps}, max_epoch={self.max_epoch}. Set one and leave the other None, such as "
                f"`kid.max_steps = 1000`."
            )
        if self.max_steps is not None:
            return self.max_steps
        assert self.max_epoch is not None
        return math.ceil(self.max_epoch * self.batches_per_epoch / self.accumulate)

    @property
    def verbose_evals(self) -> dict[str, Any]:
        """What the brain tells beyond its evaluations: of its last validation, else of its last pass."""
        return {**self.brain.verbose_evals, **self._verbose_evals}

    # --------------------------------------------------------------------------------------------- its life

    def setup(self) -> None:
        """Put the parts together: data, weights, optimiser, generators; a second time does nothing.

        Raises:
            AkidlabError: if the parts do not fit.
        """
        if assembly.is_needed(self):
            first = not self.parameters
            assembly.assemble(self)
            if first and self.continue_from_chk_point:
                self._continue()

    def practice(self, return_eval: bool = False) -> Any:
        """Practise until the last step; go on from where it stands.

        In the main thread, an interrupt ends it after the step it is in, saved and usable. From other
        threads, use `kid.controls`.

        Args:
            return_eval: True to return `(loss, evals)`.

        Returns:
            The last validation loss.

        Raises:
            Exception: whatever a hook or a block raised; the kid stays usable.
        """
        if self.practising:
            raise RuntimeError(
                f"`{self.name}` is practising already. Stop it first: `kid.controls.send('stop')`."
            )
        last_step = self.last_step
        opened = self.record and self._recorder is None and self.engine.rank == 0
        self.setup()
        if opened:
            self.open_run()
        self._thread, self.exception, self.moved = threading.get_ident(), None, False
        try:
            with watched.watched(self):
                Practice(self, last_step).run()
        finally:
            if opened:
                self.close_run()
        return (self.loss, self.evals) if return_eval else self.loss

    def validate(self, mode: str = "val") -> tuple[float, dict[str, float]]:
        """The loss and the evaluations on all samples of `mode` (`val` or `test`), each counted once.

        Raises:
            DataError: if the source has no such part.
        """
        if mode not in ("val", "test"):
            raise ValueError(f"`mode` is `val` or `test`, found {mode!r}.")
        self.setup()
        measured = self.between_steps(lambda: self._measure(mode))
        loss, evals, self._verbose_evals = measured.loss, measured.evals, measured.verbose_evals
        if mode == "val":
            self.loss, self.evals = loss, evals
        return loss, evals

    def predict(self, data: Any, batch_size: int | None = None) -> Tensor:
        """What the brain makes of `data`, without labels, batch by batch.

        Args:
            data: an array or tensor of samples; akid's list `[data, labels]` is understood, too.
            batch_size: samples at a time; by default as in validation.

        Returns:
            The output of the last block before the losses, on the CPU.

        Raises:
            DataError: if these are no samples.
        """
        self.setup()
        samples = samples_of(data)
        size = getattr(self.sensor, "val_batch_size", 100) if batch_size is None else batch_size
        check_counts(batch_size=size)

        def run() -> Tensor:
            with watching(self):
                return torch.cat(
                    [self.brain.infer(part.to(self.device)).cpu() for part in samples.split(size)]
                )

        return self.between_steps(run)

    def edit(self, change: Callable[[Brain], object]) -> Edit:
        """Change the brain, and go on learning: what fits keeps its weights and what the optimiser knows.

        While it practises, in a pause or not, the thread that trains makes the change between two steps. It
        is one edit, made as a whole or not at all, and an event of the run.

        Args:
            change: given the brain, calls its `insert_after`, `replace`, `remove`, `rewire` or `attach`.

        Returns:
            What changed.

        Raises:
            BlockError: if that cannot work, or leaves nothing to train; then nothing has changed.
            KindError: if `change` is no function.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu, TanhLayer
            >>> from akidlab.models.brains import OneLayerBrain
            >>> sensor = FeedSensor(DigitsSource())
            >>> kid = Kid(sensor, OneLayerBrain(), MomentumKongFu(), max_steps=20, record=False)
            >>> edit = kid.edit(lambda brain: brain.insert_after("system_in", TanhLayer(name="tanh")))
            >>> print(edit)
            brain: inserted `tanh` after `system_in`
        """
        self.setup()
        editing.check_thread(self, self._thread)
        return self.between_steps(lambda: editing.edit(self, change))

    def watch(self, *topics: str, **options: Any) -> WatchOptions:
        """Look at weights, gradients, updates and what passes through, while it practises.

        Called while it practises, it begins, or changes, after the step that is under way. Percentiles go to
        the store (`kid.run.percentiles("weights/conv1")`), and what goes wrong is warned of.

        Args:
            topics: such as `"weights"`, `"activations"`, or groups: `all` (the default), `parameters`,
                `gradients`, `updates`, `none`.
            options: the others of `WatchOptions`: every, exact, elements, budget, metrics, doctor.

        Raises:
            UnknownNameError: if there is no such topic or metric.
            ValueError: if a number makes no sense.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
            >>> from akidlab.models.brains import OneLayerBrain
            >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps=20)
            >>> kid.watch("parameters", every=5).kinds
            ('weights', 'biases')
            >>> _ = kid.practice()
            >>> kid.run.distributions()
            ['weights/conv1', 'biases/conv1', 'weights/ip1', 'biases/ip1']
        """
        from akidlab.watching import WatchOptions

        return self._watch(WatchOptions(topics, **{"own": self.bus.topics, **options}))

    def unwatch(self) -> None:
        """Look no longer."""
        self._watch(None)

    def probe(self, kind: str = "hessian", **options: Any) -> Probe:
        """Measure the brain as it is now in a process of its own, while it practises on.

        What comes of it is recorded, too, while the kid has a run.

        Args:
            kind: `hessian`, `spectral_norm`, `svcca` or `cka`.
            options: those of `akidlab.probes.probe`; `data` is the first validation batch if left out.

        Raises:
            UnknownNameError: if there is no such kind.
            OptionError: if the kind does not take an option.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
            >>> from akidlab.models.brains import OneLayerBrain
            >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), record=False)
            >>> sorted(kid.probe("spectral_norm").result(timeout=60))
            ['conv1', 'ip1']
        """
        self.setup()
        return self.between_steps(lambda: watched.probe(self, kind, options))

    def _watch(self, options: Any) -> Any:
        def begin() -> None:
            before, self.watching = self.watching, options
            try:
                if self.practising:
                    watched.renew(self)
            except BaseException:
                self.watching = before
                watched.renew(self)
                raise

        self.between_steps(begin)
        return options

    def between_steps(self, function: Callable[[], T]) -> T:
        """Call `function`; if another thread trains this kid, have that thread do it between two steps."""
        if not self.practising or threading.get_ident() == self._thread:
            return function()
        future = self.controls.call(function)
        while self.practising:
            with contextlib.suppress(FutureTimeout):
                return future.result(timeout=1.0)
        return function() if future.cancel() else future.result()  # the last step came in between

    # ------------------------------------------------------------------------------------------- its record

    def open_run(
        self,
        name: str | None = None,
        *,
        config: Mapping[str, object] | None = None,
        store: Store | None = None,
        parent: str | None = None,
        run: Run | None = None,
    ) -> Run:
        """Open a run in the store and record there from now on, until `close_run`.

        Args:
            name: what it is called; by default the kid's name.
            config: more about it, plain values.
            store: where; by default the store here.
            parent: the uid of the run that it is branched from.
            run: an earlier run to go on with, instead of a new one.

        Raises:
            StoreError: if the store cannot be written.
        """
        from akidlab.store import Recorder, Store

        self.close_run()
        store = store or Store()
        facts = {**self.describe(), **(config or {})}
        steps = self.last_step if (self.max_steps is None) != (self.max_epoch is None) else None
        branched = None if run else self.branched
        self.run = run or store.create(
            name or self.name,
            config=facts,
            parent=branched.uid if branched and not parent else parent,
            max_steps=steps,
            world_size=self.engine.size,
        )
        self.branched = None  # now that its run has begun
        self._recorder = Recorder(self.run)
        self._recorder.start()
        self.bus.subscribe(self._recorder)
        if branched is not None:
            self.bus.publish(Message("event", Event("branched", branched.facts), self.step, self.epoch))
        return self.run

    def close_run(self, status: str | None = None) -> None:
        """Write what is left and record no more; `kid.run` can still be read."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self.bus.unsubscribe(recorder)
            recorder.stop(status)

    def describe(self) -> dict[str, object]:
        """What it is made of, in plain values."""
        return {
            "sensor": str(self.sensor),
            "brain": self.brain.name,
            "kongfu": str(self.kongfu),
            "batch_size": self.sensor.batch_size,
            "lr": self.kongfu.get_lr(),
            "seed": self.seed,
            "max_steps": self.max_steps,
            "max_epoch": self.max_epoch,
            "compile": bool(self.compile),
            "precision": self.precision,
            "clip_norm": self.clip_norm,
            "accumulate": self.accumulate,
        }

    # ------------------------------------------------------------------------------------- its checkpoints

    def save(self, folder: Path | str | None = None) -> Path:
        """Write a checkpoint; every rank calls it, rank 0 writes.

        Args:
            folder: where to; by default `kid.folder`.

        Returns:
            The file.

        Raises:
            ValueError: if there is no folder.
            OSError: if it cannot be written.
        """
        place = Path(folder) if folder is not None else self.folder
        if place is None and self.engine.rank == 0:
            raise ValueError("There is no folder for the checkpoint: give one, or `Kid(..., log_dir=...)`.")
        self.setup()
        self.between_steps(lambda: state.gather(self))
        if place is not None and self.engine.rank == 0:
            return self.between_steps(lambda: checkpoint.save(self, place))
        return (place or Path()) / f"step-{self.step}.safetensors"

    def restore(self, source: Any = None) -> Kid:
        """Go back, or on, to where a checkpoint was taken; every rank calls it, rank 0 reads.

        Args:
            source: a checkpoint's file or folder, a Run, the name of a run, a moment (`run.at(100)`), or the
                bytes of a checkpoint; by default the newest in `kid.folder`.

        Returns:
            The kid itself.

        Raises:
            CheckpointError: if there is none, it is torn, or belongs to another kid.
        """
        self.setup()
        told = getattr(source, "data", source)
        data = told if isinstance(told, bytes) else None
        if data is None:
            place = self.folder if source is None else source
            data = self.engine.broadcast(checkpoint.find(place) if self.engine.rank == 0 else None)
        if data is None:
            raise CheckpointError(f"There is no checkpoint in `{source or self.folder}`.")
        self.between_steps(lambda: self._go_to(data))
        return self

    def branch(self, step: int | None = None, name: str | None = None) -> Kid:
        """Another kid like this one, which stands at a step of its run and goes on from there.

        What it practises is a run of its own, a child of this one's. With nothing changed it does on a CPU
        what this one did, bit for bit. This kid, practising or not, stays as it is.

        Args:
            step: which; the checkpoint nearest before it is taken. By default where this kid stands now.
            name: what the new run is called; by default after the run and the step.

        Returns:
            The other kid, its brain, sensor and kongfu copies of those here; it reads the same source.

        Raises:
            CheckpointError: if there is no checkpoint so early, or the kid has no run.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
            >>> from akidlab.models.brains import OneLayerBrain
            >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(0.1), max_steps=20)
            >>> _ = kid.practice()
            >>> other = kid.branch(name="slower")
            >>> other.kongfu.set_lr(0.01, other.clock)
            >>> other.max_steps = 40
            >>> _ = other.practice()
            >>> other.run.parent == kid.run.uid, other.run.branched_at
            (True, 20)
        """
        from akidlab.kids.branch import branch

        if self.run is None:
            raise CheckpointError(f"`{self.name}` has practised no run yet: there is nothing to branch from.")
        if step is None:
            self.save()
            step = self.step
        return branch(self.run, step, self, name)

    def move(self, ranks: int) -> None:
        """Have the run go on with another number of processes, from the next step on; returns at once.

        The run stays the same one: its curves, its dashboard, this kid. It goes on where it is until the
        ranks are ready; then the event `moved` is recorded, or `stays` with the reason.

        Args:
            ranks: how many; 1 for this notebook's own process.

        Raises:
            DispatchError: if it does not train now, is there already, or cannot be moved.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
            >>> from akidlab.models.brains import OneLayerBrain
            >>> Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu()).move(ranks=2)
            Traceback (most recent call last):
            akidlab.errors.DispatchError: The kid does not train now...
        """
        somewhere = self.practising or self.controls.mover is not stay
        if not somewhere or not self.controls.send(Command("ranks", ranks)):
            raise DispatchError("The kid does not train now. `%akid_train kid -np 2` trains it on ranks.")

    def note(self, text: str) -> None:
        """Keep a note with the run, at the step where it is now: it stands in the log and on the curves.

        Args:
            text: at most 2,000 characters.

        Raises:
            ValueError: if it is empty or too long.
            StoreError: if the kid has no run, or its store cannot be written.

        Example:
            >>> from akidlab import DigitsSource, FeedSensor, MomentumKongFu
            >>> from akidlab.models.brains import OneLayerBrain
            >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(0.1), max_steps=20)
            >>> kid.hooks.on_train_begin.append(lambda kid: kid.note("A first try."))
            >>> _ = kid.practice()
            >>> [note.data["text"] for note in kid.run.events("note")]
            ['A first try.']
        """
        check_note(text)
        if self.practising:
            if self.engine.rank == 0:
                facts = {"step": self.step, "text": text}
                self.bus.publish(Message("event", Event("note", facts), self.step, self.epoch))
        elif self.run is not None:
            self.run.note(text)
        else:
            raise StoreError(f"`{self.name}` has no run to keep a note with: `kid.practice()` begins one.")

    def averaged(self, values: Mapping[str, float]) -> dict[str, float]:
        """The mean of each value over the ranks."""
        if self.engine.size == 1:
            return dict(values)
        return {name: total / self.engine.size for name, total in self.engine.sum(values).items()}

    def _continue(self) -> None:
        data = checkpoint.newest_of(self.folder, self.name) if self.engine.rank == 0 else None
        data = self.engine.broadcast(data)
        if data is not None:
            self.restore(data)

    def _go_to(self, data: bytes) -> None:
        if self.practising and self.report is not None and self.report.losses:
            self.report.flush(final=True)  # what was noted belongs to the steps that lie behind
        checkpoint.load(self, data)

    def _measure(self, mode: str) -> Measured:
        if self.engine.size > 1:
            self.engine.average_tensors(state.running(self))
        return measure(self, mode)

    def stop_asked(self) -> bool:
        """True if it practises and a command to stop waits."""
        return self.practising and self.controls.asked("stop")

    def __repr__(self) -> str:
        return show.text(self)

    def _repr_html_(self) -> str:
        return show.html(self)

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            "A kid is not copied or pickled whole. Take `kid.brain.get_clone()` for its brain, "
            "`akidlab.kids.checkpoint.dump(kid)` for its state, or the cell that makes it."
        )
