"""Ask a live run, wherever it trains, for a value that nobody logged."""

from __future__ import annotations

import queue
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akidlab.errors import AkidlabError, AskError, WireError, unknown
from akidlab.wire import Connection, Dialer

if TYPE_CHECKING:
    from akidlab.store import Run

LONGEST = 86_400.0  # seconds: a day; locks cannot wait for ever
TAKEN = 2.0  # seconds for a run to say that it has heard


@dataclass(frozen=True)
class Answer:
    """What a live run said, and who said it when.

    Args:
        value: a number, a text, a numpy array, or a list of these.
        run: the name of the run.
        step: the steps it had made.
        rank: which of its ranks.
        ranks: how many it has.

    Example:
        >>> str(Answer(0.5, "digits", 1200, rank=1, ranks=2))
        'digits · rank 1 · step 1,200'
    """

    value: Any
    run: str
    step: int
    rank: int = 0
    ranks: int = 1

    def __str__(self) -> str:
        rank = [f"rank {self.rank}"] if self.ranks > 1 else []
        return " · ".join([self.run, *rank, f"step {self.step:,}"])


def ask(question: str, run: Run | str | None = None, *, rank: int = 0, timeout: float = 5.0) -> Any:
    """What a live run says to a question, such as `conv1.out.std(0)`; the run trains on.

    The thread that trains answers between two steps, in a pause, too. Blocks are named as they are, nested
    ones behind a dot (`features.conv1`, `brain["my-block"]`, `net[0]`). Of each: `out` (what it emitted
    last), `inputs`, its parameters (`weight`, `bias`) and their `grad`. Beside those: `step`, `epoch`, `lr`,
    `loss`, `rank`; and methods of torch that compute, as well as `percentiles`, `histogram` and `rms`.
    A block alone says what may be asked of it; `brain` says what blocks there are, and `names()`, or
    `names(conv1)`, gives their names in a list.

    Nothing can be changed by a question, and none may take long, or much memory.

    Args:
        question: one expression of Python; it is read, never run.
        run: the run, its name or uid; by default the one that began last, of those that are live here.
        rank: which rank is asked.
        timeout: seconds to wait; a step, or a validation that is under way, has to end first.

    Returns:
        A number, a text, a numpy array (at most 1 MB), or a list of these.

    Raises:
        AskError: if that cannot be answered, or is not within `timeout` seconds.
        UnknownNameError: if there is no such run.

    Example:
        >>> ask("conv1.out.std(0)", "digits", rank=1)  # doctest: +SKIP
        array([[0.31, 0.29, ...
    """
    return answer(question, run, rank=rank, timeout=timeout).value


def answer(
    question: str, run: Run | str | None = None, *, rank: int = 0, timeout: float = 5.0, taken: float = TAKEN
) -> Answer:
    """As `ask`, with who answered, and at which step.

    Args:
        question: as for `ask`.
        run: as for `ask`.
        rank: as for `ask`.
        timeout: as for `ask`.
        taken: seconds that the run has at least to say that it has heard.

    Raises:
        AskError: if that cannot be answered, or is not within `timeout` seconds.
        UnknownNameError: if there is no such run.
    """
    connection = _live(run)
    name = str(connection.info.get("name", connection.uid))
    heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    timeout = min(timeout, LONGEST)
    end, number = time.monotonic() + timeout, uuid.uuid4().hex
    request = {"kind": "ask", "id": number, "question": question, "rank": rank, "timeout": timeout}
    try:
        with Dialer(connection) as dialer:
            dialer.listen(heard.put)
            told: dict[str, Any] = dialer.ask(request, max(taken, timeout))
            while told["ok"] and told.get("id") != number:
                told = heard.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        raise AskError(
            f"The run `{name}` did not answer within {timeout:g} s: a step, or a validation, takes longer. "
            "Wait longer: `timeout=60` (`--timeout 60`)."
        ) from None
    except WireError as error:
        raise AskError(f"The run `{name}` cannot be asked: {error}") from error
    if not told["ok"]:
        raise AskError(str(told.get("error")))
    ranks: Any = connection.info.get("world_size", 1)
    return Answer(told["value"], name, told["step"], rank, ranks)


def names(holder: str = "", run: str | None = None, *, rank: int = 0, timeout: float = 0.5) -> list[str]:
    """What may be asked of a live run next, for completion: behind `holder` and a dot, or at all.

    Nothing if no run answers within `timeout` seconds.
    """
    try:
        found = answer(f"names({holder})", run, rank=rank, timeout=timeout, taken=timeout).value
    except AkidlabError:
        return []
    return [str(name) for name in found]


def live() -> list[str]:
    """The names of the runs of this project that can be asked, the one that began last first."""
    return [str(one.info.get("name", one.uid)) for one in reversed(_found(Connection.find("run")))]


def _found(there: list[Connection]) -> list[Connection]:
    from akidlab.store import Store

    here = str(Store().path)
    return [connection for connection in there if connection.info.get("store") == here]


def _live(run: Run | str | None) -> Connection:
    """Where the run listens.

    Raises:
        UnknownNameError: if there is none of that name.
        AskError: if it does not train.
    """
    from akidlab.store import Store

    there = Connection.find("run")
    found = _found(there)
    if run is None:
        if not found:
            raise AskError("Nothing trains here now. Start it with `%akid_train --background`, then ask.")
        return found[-1]
    uid = run if isinstance(run, str) else run.uid
    for connection in [*reversed(found), *there]:
        if uid in (connection.uid, connection.info.get("name")):
            return connection
    known = Store().runs()
    for one in known:
        if uid in (one.uid, one.name):
            if one.is_live:
                raise AskError(
                    f"The run `{one.name}` does not listen yet, or not on this machine. Ask again."
                )
            raise AskError(f"The run `{one.name}` is {one.status}; only a live run can be asked.")
    raise unknown("run", uid, [str(connection.info.get("name")) for connection in found] or known.names())
