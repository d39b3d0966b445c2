"""A ClusterJob: a program, and how many ranks with what each shall run it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from akidlab.errors import DispatchError

NAME = re.compile(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?")  # Kubernetes makes host names of 63 letters out of it
WORD = re.compile(r"[\w][\w./:@+-]*")
CLAIM = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
DURATION = re.compile(r"(\d+-)?\d{1,3}(:\d{2}){0,2}")
LARGEST = 900_000  # bytes; a ConfigMap holds 1 MiB


@dataclass(frozen=True)
class ClusterJob:
    """What a cluster is to train.

    Args:
        name: what the job is called: lower-case letters, digits and dashes, at most 50.
        program: the text of the file that makes the kid.
        options: what `akidlab run` is told besides, such as `("--steps", "500")`.
        ranks: how many processes train together.
        per_node: how many of them share a node.
        cpus: cores of each rank.
        memory: GiB of each rank.
        gpus: GPUs of each rank.
        image: what the pods run, built from the Dockerfile.
        data: where the data sets are: a claim, a folder that every node has mounted (`/mnt/gluster/data`), or
            `nfs://server/folder`.
        store: where the runs go, in the same manner; every node must be able to write there.
        storage_class: makes the claims, for instance on GlusterFS; without, they have to be there.
        size: GiB of each claim that is made.
        namespace: of Kubernetes; the current one without.
        interface: the network interface between the nodes, such as `eth0`; found by Horovod without.
        restarts: how often Kubernetes starts the job again after a failure; it goes on where it was.
        requirements: Python packages that the program needs besides akidlab's.
        partition: of Slurm.
        time: how long Slurm lets it run, such as `12:00:00`.
        venv: the virtual environment that Slurm's nodes use; `akidlab` on their path without.

    Raises:
        DispatchError: if one of them makes no sense.

    Example:
        >>> job = ClusterJob("digits", "kid = ...", ranks=8, per_node=4)
        >>> job.nodes
        2
    """

    name: str
    program: str
    options: tuple[str, ...] = ()
    ranks: int = 2
    per_node: int = 1
    cpus: int = 2
    memory: int = 4
    gpus: int = 0
    image: str = "akidlab:latest"
    data: str = "akid-data"
    store: str = "akid-runs"
    storage_class: str | None = None
    size: int = 50
    namespace: str | None = None
    interface: str | None = None
    restarts: int = 3
    requirements: tuple[str, ...] = ()
    partition: str | None = None
    time: str | None = None
    venv: str | None = None

    def __post_init__(self) -> None:
        self._check_words()
        for option in ("ranks", "per_node", "cpus", "memory", "size"):
            if getattr(self, option) < 1:
                raise DispatchError(f"`{option}` is one or more, found {getattr(self, option)}.")
        for option in ("gpus", "restarts"):
            if getattr(self, option) < 0:
                raise DispatchError(f"`{option}` cannot be negative, found {getattr(self, option)}.")
        if self.ranks % self.per_node:
            raise DispatchError(
                f"{self.ranks} ranks cannot be shared out evenly, {self.per_node} to a node. Take a number of"
                f" ranks that {self.per_node} divides."
            )
        if len(self.program.encode()) > LARGEST:
            raise DispatchError(
                f"The program has {len(self.program.encode())} bytes; it travels in a ConfigMap, which holds"
                f" {LARGEST}. Put data and packages into the volume or the image."
            )

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.ranks // self.per_node

    def _check_words(self) -> None:
        """See that what goes into lines of other languages is one plain word there."""
        if not NAME.fullmatch(self.name):
            raise DispatchError(
                "A job's name has lower-case letters, digits and dashes, begins with a letter, and is at most"
                f" 50 long; found {self.name!r}. Give another: `--name`."
            )
        for option in ("image", "namespace", "interface", "partition", "storage_class"):
            value = getattr(self, option)
            if value is not None and not WORD.fullmatch(value):
                raise DispatchError(f"`{option}` is one word, found {value!r}.")
        if self.time is not None and not DURATION.fullmatch(self.time):
            raise DispatchError(f"`time` is hours:minutes:seconds, found {self.time!r}.")
        for requirement in self.requirements:
            if requirement.startswith("-") or not requirement.isprintable():
                raise DispatchError(
                    f"A requirement is a package such as `einops==0.8.1`, found {requirement!r}."
                )


def named_after(file: Path) -> str:
    """A job's name, from that of a file.

    Example:
        >>> named_after(Path("My_net.py"))
        'my-net'
    """
    return re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:50]
