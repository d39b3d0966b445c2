"""Perform an instance: make its kid, and let it practise into its run."""

from __future__ import annotations

import builtins
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from akidlab.errors import TuningError
from akidlab.kids import DoneEvent, Kid, checkpoint
from akidlab.messages import Command, Event, Message, Status
from akidlab.store import Run, Store
from akidlab.train import ledger
from akidlab.train.instance import Instance
from akidlab.train.making import make_kid, make_kid_in
from akidlab.train.template import Template
from akidlab.train.work import FAILED, FINISHED, STOPPED, Work
from akidlab.wire import Listener

HERE = str(Path(__file__).parent)
Consult = Callable[[int, Mapping[str, float]], bool]


def perform(work: Work, consult: Consult | None = None) -> int:
    """Train the instance of `work` in this process; an exception is recorded, not raised.

    Args:
        work: what to do.
        consult: told the step and the values of each validation; False ends the practice.

    Returns:
        The exit code of the process.
    """
    run = Store(work.store).run(work.uid)
    try:
        torch.set_num_threads(work.threads)
        with _fresh_main() as namespace:
            kid = make_kid(work.recipe, namespace, work.seed)
            practise(kid, run, work.resume, consult)
    except KeyboardInterrupt:
        ledger.settle(run, "stopped")
    except BaseException as error:  # SystemExit, too
        text = _told(error)
        sys.stderr.write(text)
        line = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
        ledger.settle(run, "failed", line, text)
        return FAILED
    return FINISHED if run.status == "finished" else STOPPED


def perform_here(template: Template, instance: Instance, run: Run, resume: bool) -> None:
    """Train an instance in this process, where a debugger can stop; what it raises is raised."""
    namespace, source = template.prepare(instance)
    shift = None if template.takes_seed else instance.seed
    try:
        practise(make_kid_in(namespace, source, "<template>", shift, instance.seed), run, resume)
    except KeyboardInterrupt:
        ledger.settle(run, "stopped")
        raise
    except BaseException as error:
        ledger.settle(run, "failed", f"{type(error).__name__}: {error}", _told(error))
        raise


def practise(kid: Kid, run: Run, resume: bool, consult: Consult | None = None) -> None:
    """Let `kid` practise into `run`; go on from its checkpoint if it is to be resumed and has left one."""
    kid.log_dir, kid.folder, kid.continue_from_chk_point = None, run.folder, False
    kid.setup()
    if resume:
        if checkpoint.latest(run.folder) is not None:
            kid.restore(run.folder)
        run.rewind(kid.step)
    if consult is not None:
        kid.hooks.on_val_log_step.append(_prune_when_told(consult))
    kid.open_run(run=run)
    info: dict[str, object] = {"store": str(run.store.path), "name": run.name}
    try:
        with Listener(lambda request, peer: _obey(kid, run, request), kind="run", uid=run.uid, info=info):
            kid.bus.publish(Message("status", Status(None, kid.describe()), step=kid.step))
            kid.practice()
    finally:
        kid.close_run()


def _obey(kid: Kid, run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """What a button asks for, over the control socket that every live run has."""
    if request.get("kind") == "status":
        return {"ok": True, "status": run.status, "step": kid.step}
    if request.get("kind") != "command":
        raise TuningError(f"A run understands `command` and `status`, found {request.get('kind')!r}.")
    return {"ok": True, "new": kid.controls.send(Command.of(request))}


def _prune_when_told(consult: Consult) -> Callable[[Kid], None]:
    def prune(kid: Kid) -> None:
        assert kid.loss is not None
        values = {"validation_loss": kid.loss, **{f"validation_{k}": float(v) for k, v in kid.evals.items()}}
        if kid.step > 0 and kid.step < kid.last_step and not consult(kid.step, values):
            kid.bus.publish(Message("event", Event("pruned", {"step": kid.step}), step=kid.step))
            raise DoneEvent

    return prune


@contextmanager
def _fresh_main() -> Iterator[dict[str, Any]]:
    """A fresh `__main__`, so that what the template defines can be found by name."""
    ours, main = sys.modules["__main__"], types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    try:
        yield main.__dict__
    finally:
        sys.modules["__main__"] = ours


def _told(error: BaseException) -> str:
    """The traceback, from the template (or from the practice) on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(HERE):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
