"""Ranks that Slurm's `srun` started: each learns its place from Slurm, and the first one has them meet."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Mapping, MutableMapping

from akidlab.errors import DispatchError

PATIENCE = 300.0  # seconds for the first rank to be there; Slurm may start some of them later
_TORCH = {"RANK": "RANK", "WORLD_SIZE": "SIZE", "LOCAL_RANK": "LOCAL_RANK", "LOCAL_WORLD_SIZE": "LOCAL_SIZE"}
_NODES = re.compile(r"(\d+)(?:\(x(\d+)\))?")


def is_step(environment: Mapping[str, str]) -> bool:
    """Whether `srun` started this process as one of several tasks, and nothing else has placed it.

    Example:
        >>> is_step({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0"})  # the script of a batch job, not a task
        False
    """
    placed = {"HOROVOD_RANK", "RANK"} & environment.keys()
    return int(environment.get("SLURM_STEP_NUM_TASKS", 1)) > 1 and not placed


def place(environment: Mapping[str, str]) -> dict[str, str]:
    """What Slurm says of this task, in Horovod's words.

    Raises:
        DispatchError: if Slurm did not say it.

    Example:
        >>> said = {"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1"}
        >>> found = place({**said, "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_TASKS_PER_NODE": "2(x2)"})
        >>> found["HOROVOD_RANK"], found["HOROVOD_LOCAL_RANK"], found["HOROVOD_CROSS_SIZE"]
        ('3', '1', '2')
    """
    try:
        rank, size = int(environment["SLURM_PROCID"]), int(environment["SLURM_STEP_NUM_TASKS"])
        local, node = int(environment["SLURM_LOCALID"]), int(environment["SLURM_NODEID"])
        tasks = _tasks(environment["SLURM_STEP_TASKS_PER_NODE"])
    except KeyError as error:
        raise DispatchError(
            f"This is a task of a Slurm step, but {error} is not set. Start it with `srun`."
        ) from None
    across = [
        number for number, count in enumerate(tasks) if count > local
    ]  # the nodes that have such a task
    return {
        "HOROVOD_HOSTNAME": environment.get("SLURMD_NODENAME") or socket.gethostname(),
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(size),
        "HOROVOD_LOCAL_RANK": str(local),
        "HOROVOD_LOCAL_SIZE": str(tasks[node]),
        "HOROVOD_CROSS_RANK": str(across.index(node)),
        "HOROVOD_CROSS_SIZE": str(len(across)),
    }


def meet(environment: MutableMapping[str, str], launcher: str = "horovod") -> None:
    """Tell the engine what `horovodrun`, or `torchrun`, would: who we are, and where the ranks meet.

    The first rank keeps the meeting place, Horovod's own rendezvous server or torch's store, at
    `MASTER_ADDR:MASTER_PORT`. As under those, whoever reaches that port could disturb the meeting: it belongs
    into a network of the cluster's own.

    Args:
        environment: where Slurm says who we are, and where it is said again in the launcher's words.
        launcher: `horovod` or `torch`.

    Raises:
        DispatchError: if nobody said where to meet, the port is taken, or the first rank does not come.
    """
    try:
        address, port = environment["MASTER_ADDR"], int(environment["MASTER_PORT"])
    except (KeyError, ValueError):
        raise DispatchError(
            "The tasks of this Slurm step do not know where to meet: export MASTER_ADDR, the first node of"
            " the job, and MASTER_PORT, a free port there, as the script of `akidlab manifest` does."
        ) from None
    found = place(environment)
    if launcher == "torch":
        environment.update({theirs: found[f"HOROVOD_{ours}"] for theirs, ours in _TORCH.items()})
        return
    if found["HOROVOD_RANK"] == "0":
        _host(port)
    else:
        _await(address, port)
    environment.update(found)
    environment.update(
        HOROVOD_GLOO_RENDEZVOUS_ADDR=socket.gethostbyname(address),
        HOROVOD_GLOO_RENDEZVOUS_PORT=str(port),
        HOROVOD_CONTROLLER="gloo",
        HOROVOD_CPU_OPERATIONS="gloo",
    )
    environment.setdefault("HOROVOD_GLOO_TIMEOUT_SECONDS", "120")


def _tasks(per_node: str) -> list[int]:
    """`2(x3),1` is `[2, 2, 2, 1]`."""
    return [int(count) for count, times in _NODES.findall(per_node) for _ in range(int(times or 1))]


def _host(port: int) -> None:
    from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

    class Handler(RendezvousHandler):
        def do_DELETE(self) -> None:  # one rank is through: others may still have to read what it wrote
            self.send_status_code(200)

    try:
        server = RendezvousHTTPServer(("", port), Handler, 0)
    except OSError as error:
        raise DispatchError(
            f"The ranks cannot meet at port {port} of {socket.gethostname()}: {error.strerror}. Set"
            " MASTER_PORT to a free one."
        ) from None
    threading.Thread(target=server.serve_forever, name="akidlab-rendezvous", daemon=True).start()


def _await(address: str, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((address, port), timeout=5.0).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise DispatchError(
                    f"The first rank did not come to {address}:{port} in {PATIENCE:.0f} s: {error}. See that"
                    " the nodes of the job reach each other there."
                ) from None
            time.sleep(0.1)
