"""The Desk: takes questions about what trains from any thread, and has the thread that trains answer them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn

from akidlab.asking.answer import Values, answer
from akidlab.asking.language import parse
from akidlab.asking.names import Unseen
from akidlab.asking.peek import Peek
from akidlab.errors import AkidlabError, AskError

if TYPE_CHECKING:
    from akidlab.kids import Controls, Kid

Body = dict[str, Any]
MOST = 8  # questions that wait
LONGEST = 600.0  # seconds that one waits
AGAIN = object()
OVER = "The run has ended; only live runs are asked."


@dataclass(eq=False)
class _Asked:
    """A question on its way."""

    question: str
    tell: Callable[[Body], object]
    until: float
    future: Future[object] = field(default_factory=Future)
    peek: Peek = field(default_factory=Peek)


class Desk:
    """Answers questions about what trains, between two of its steps, in a pause or not.

    Args:
        module: gives what they are about.
        controls: of the training: the thread that trains makes its calls, between two steps.
        values: names beside those of the module, with functions that give their values; `step` among them.
        compiled: true if nothing of a pass can be seen.

    Example:
        >>> from akidlab.kids import Controls
        >>> controls, answers = Controls(), []
        >>> desk = Desk(lambda: torch.nn.Linear(2, 3), controls, {"step": lambda: 7})
        >>> desk.ask("weight.shape, step", answers.append)
        >>> controls.take()  # what a loop does between two steps
        []
        >>> answers
        [{'ok': True, 'value': [[3, 2], 7], 'step': 7}]
    """

    def __init__(
        self,
        module: Callable[[], nn.Module],
        controls: Controls,
        values: Values,
        *,
        compiled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._module, self._controls, self._values, self._compiled = module, controls, values, compiled
        self._open: set[_Asked] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    @classmethod
    def of(cls, kid: Kid) -> Desk:
        """One for questions about a kid."""
        return cls(lambda: kid.brain, kid.controls, _values(kid), compiled=lambda: bool(kid.compile))

    def ask(self, question: object, tell: Callable[[Body], object], timeout: float = 5.0) -> None:
        """Take a question.

        Args:
            question: its text.
            tell: given the answer later, `{"ok": True, "value", "step"}` or `{"ok": False, "error"}`, once,
                in another thread.
            timeout: seconds after which nobody wants the answer any more.

        Raises:
            AskError: if it is none, or too many wait.
        """
        parse(question)  # what is none is said at once
        asked = _Asked(str(question), tell, time.monotonic() + min(max(timeout, 0.0), LONGEST))
        with self._lock:
            if self._is_closed:
                raise AskError(OVER)
            if len(self._open) >= MOST:
                raise AskError(f"{MOST} questions wait for an answer already. Ask again a little later.")
            self._open.add(asked)
        self._put(asked)

    def take(self, request: Mapping[str, Any], send: Callable[[Body], object]) -> Body:
        """Take a question that came over the wire.

        Args:
            request: its `question`, `timeout`, `id`, and the `rank` that is meant, if there are several.
            send: sends the answer, with the `id` of the request, to who asked.

        Returns:
            What is said at once: whether it is a question.
        """
        number = request.get("id")
        try:
            if request.get("rank"):
                raise AskError(f"This run has one rank, 0; found rank {request['rank']!r:.20}.")
            timeout = float(request.get("timeout") or 0.0)
            self.ask(
                request.get("question"), lambda body: send({"kind": "answer", "id": number, **body}), timeout
            )
        except (AskError, TypeError, ValueError) as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True}

    def close(self) -> None:
        """Tell whoever still waits that the run has ended; take no more questions."""
        with self._lock:
            self._is_closed, waiting = True, list(self._open)
        for asked in waiting:
            asked.future.cancel()

    def _put(self, asked: _Asked) -> None:
        asked.future = self._controls.call(lambda: self._answer(asked))
        asked.future.add_done_callback(lambda future: self._done(asked, future))
        if self._is_closed:
            asked.future.cancel()

    def _answer(self, asked: _Asked) -> object:
        """In the thread that trains."""
        if time.monotonic() > asked.until:
            raise AskError("The question came too late to be answered in time.")
        try:
            value = answer(asked.question, self._module(), self._values, peek=asked.peek)
        except Unseen as unseen:
            return self._look(asked, unseen)
        return {"ok": True, "value": value, "step": self._values["step"]()}

    def _look(self, asked: _Asked, unseen: Unseen) -> object:
        """Have a pass kept that is not, and answer after the next step."""
        peek, step = asked.peek, self._values["step"]()
        if self._compiled():
            raise AskError(
                f"`{unseen.name}` keeps no output: it runs compiled. Ask for parameters, or train without "
                "`compile`."
            )
        if peek.is_looking(unseen.module):
            why = "it did not run in the last step, or its output is too large"
            if step == peek.begun:
                why = "no step is being made; resume the run, or make a step, and ask again"
            raise AskError(f"`{unseen.name}` keeps no output, and none was seen: {why}.")
        peek.look(unseen.module, step)
        return AGAIN

    def _done(self, asked: _Asked, future: Future[object]) -> None:
        try:
            body = future.result()
        except (CancelledError, Exception) as error:
            body = {"ok": False, "error": _told(error)}
        if body is AGAIN and not self._is_closed:
            self._put(asked)
            return
        asked.peek.forget()
        with self._lock:
            self._open.discard(asked)
        asked.tell(body if isinstance(body, dict) else {"ok": False, "error": OVER})


def _told(error: BaseException) -> str:
    if isinstance(error, CancelledError):
        return OVER
    return str(error) if isinstance(error, AkidlabError) else f"{type(error).__name__}: {error}"


def _values(kid: Kid) -> dict[str, Callable[[], object]]:
    """Where the training stands."""
    return {
        "step": lambda: kid.step,
        "epoch": lambda: kid.epoch,
        "lr": lambda: float(kid.kongfu.get_lr()),
        "loss": lambda: _loss(kid),
        "rank": lambda: kid.engine.rank,
    }


def _loss(kid: Kid) -> float:
    report = kid.report
    if report is None:
        raise AskError("No step was made yet, so there is no loss.")
    return float(report.losses[-1]) if report.losses else report.last_loss
