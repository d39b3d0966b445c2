"""Ask a live run, wherever it trains, for a value that nobody logged."""

from __future__ import annotations

import queue
import time
import uuid
from typing import TYPE_CHECKING, Any

from akidlab.errors import AskError, WireError, unknown
from akidlab.wire import Connection, Dialer

if TYPE_CHECKING:
    from akidlab.store import Run

LONGEST = 86_400.0  # seconds: a day; locks cannot wait for ever
TAKEN = 2.0  # seconds for a run to say that it has heard


def ask(question: str, run: Run | str | None = None, *, rank: int = 0, timeout: float = 5.0) -> Any:
    """What a live run says to a question, such as `conv1.out.std(0)`; the run trains on.

    The thread that trains answers between two steps, in a pause, too. Blocks are named as they are, nested
    ones behind a dot (`features.conv1`, `brain["my-block"]`, `net[0]`). Of each: `out` (what it emitted
    last), `inputs`, its parameters (`weight`, `bias`) and their `grad`. Beside those: `step`, `epoch`, `lr`,
    `loss`, `rank`; and methods of torch that compute, as well as `percentiles`, `histogram` and `rms`.
    A block alone says what may be asked of it; `brain` says what blocks there are.

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
    connection = _live(run)
    name = connection.info.get("name", connection.uid)
    heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    timeout = min(timeout, LONGEST)
    end, number = time.monotonic() + timeout, uuid.uuid4().hex
    request = {"kind": "ask", "id": number, "question": question, "rank": rank, "timeout": timeout}
    try:
        with Dialer(connection) as dialer:
            dialer.listen(heard.put)
            told: dict[str, Any] = dialer.ask(request, max(TAKEN, timeout))
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
    return told["value"]


def _live(run: Run | str | None) -> Connection:
    """Where the run listens.

    Raises:
        UnknownNameError: if there is none of that name.
        AskError: if it does not train.
    """
    from akidlab.store import Store

    here, there = str(Store().path), Connection.find("run")
    found = [connection for connection in there if connection.info.get("store") == here]
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
