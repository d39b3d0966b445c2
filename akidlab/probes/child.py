"""The child: a process that measures one snapshot, at low priority, and ends when nobody waits any more."""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
import traceback
from typing import IO, Any

NICE = 10


def main() -> None:
    """Measure what comes in, say what came of it, and end."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what the model prints is no answer
    code = 1
    try:
        work = pickle.load(inlet)  # from the very process that started us
        threading.Thread(target=_watch, args=(inlet,), name="akidlab-line", daemon=True).start()
        outlet.write(json.dumps(_answer(work)).encode() + b"\n")
        outlet.flush()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)  # the watch still reads, which the interpreter would wait for


def _answer(work: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": _measured(**work)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def _measured(kind: str, snapshot: Any, options: dict[str, Any], device: str, threads: int) -> Any:
    import torch

    from akidlab.probes.measures import MEASURES

    torch.set_num_threads(threads)
    for model in (snapshot.model, snapshot.to):
        if isinstance(model, torch.nn.Module):
            model.to(device)
    return MEASURES[kind](snapshot, **options)


def _watch(inlet: IO[bytes]) -> None:
    inlet.read()
    os._exit(1)


if __name__ == "__main__":
    main()
