"""Scaling: how long a step takes on many ranks, told from a step on one and from the network between them."""

from __future__ import annotations

from dataclasses import dataclass

from akidlab.errors import DispatchError

BACKWARD = 2 / 3  # of a step's computation: as a rule it costs twice what the forward pass does


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between neighbours of the ring.

    Args:
        latency: seconds until the first byte of a message is there.
        bandwidth: bytes a second, in each direction; with several ranks on a node, of the slowest link that
            the ring passes, which it passes once in each direction.
        overhead: seconds that a reduction costs besides, however small: until all ranks have agreed on it.
    """

    latency: float
    bandwidth: float
    overhead: float = 0.0

    def __post_init__(self) -> None:
        if min(self.latency, self.overhead) < 0 or self.bandwidth <= 0:
            raise DispatchError(
                f"A network has a latency of 0 s or more and a bandwidth above 0 bytes/s; found {self}."
            )

    def allreduce(self, size: float, ranks: int) -> float:
        """Seconds in which `ranks` ranks add up `size` bytes, in a ring: the sum is everywhere then.

        Each rank sends its neighbour a p-th of the buffer, p - 1 times to add up and p - 1 times to spread:

            T(n, p) = overhead + 2 (p - 1) latency + 2 (p - 1)/p n/bandwidth

        No algorithm moves fewer bytes per rank (Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms
        for clusters of workstations, J. Parallel Distrib. Comput. 69, 2009; the terms as in Thakur,
        Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19, 2005). The time to add is part of the
        bandwidth.

        Example:
            >>> Network(latency=0, bandwidth=1e9).allreduce(1e9, ranks=2)
            1.0
        """
        if ranks < 1:
            raise DispatchError(f"There is one rank or more, found {ranks}.")
        if ranks == 1:
            return 0.0
        sent = 2 * (ranks - 1) / ranks * size
        return self.overhead + 2 * (ranks - 1) * self.latency + sent / self.bandwidth


@dataclass(frozen=True, slots=True)
class Work:
    """What one step costs without a network.

    Args:
        size: bytes of the gradients: four for each parameter.
        batch: samples of a step, over all ranks.
        fixed: seconds of a step that do not depend on the batch: the optimiser, and starting operations.
        per_sample: seconds for each sample on a rank.
    """

    size: float
    batch: int
    fixed: float
    per_sample: float

    @staticmethod
    def measured(size: float, steps: dict[int, float]) -> Work:
        """Work from the seconds of a step at two sizes of the batch, or at one; the larger is the batch.

        Example:
            >>> work = Work.measured(4e6, {64: 0.10, 32: 0.06})
            >>> round(work.fixed, 4), round(work.per_sample, 6)
            (0.02, 0.00125)
        """
        batch, least = max(steps), min(steps)
        slope = steps[batch] / batch
        if least < batch:
            slope = min(slope, max(0.0, (steps[batch] - steps[least]) / (batch - least)))
        return Work(size, batch, steps[batch] - slope * batch, slope)

    def compute(self, samples: float) -> float:
        """Seconds of a step with so many samples on one rank."""
        return self.fixed + self.per_sample * samples


@dataclass(frozen=True, slots=True)
class Step:
    """A step on many ranks.

    Args:
        ranks: how many.
        compute: seconds in which each computes.
        waiting: seconds in which it only waits for the network.
        efficiency: the samples a second of a rank, as a share of those of a single rank.
    """

    ranks: int
    compute: float
    waiting: float
    efficiency: float

    @property
    def seconds(self) -> float:
        """The whole step."""
        return self.compute + self.waiting

    @property
    def speedup(self) -> float:
        """How many times the samples a second of one rank."""
        return self.ranks * self.efficiency


def predict(work: Work, network: Network, ranks: int, *, weak: bool = False, buckets: int = 1) -> Step:
    """A step of `work` on `ranks` ranks.

    Args:
        work: what a step costs on one rank.
        network: between the ranks.
        ranks: how many.
        weak: every rank has the whole batch; by default they share it, as akidlab's do.
        buckets: in how many parts gradients are sent while the backward pass goes on; akidlab sends one
            after it, so that sums are always made in the same order.

    Example:
        >>> step = predict(Work(4e6, 64, 0.0, 1e-3), Network(0, 1e9), ranks=4)
        >>> round(step.compute, 4), round(step.waiting, 4), round(step.speedup, 2)
        (0.016, 0.006, 2.91)
    """
    samples = work.batch if weak else work.batch / ranks
    compute = work.compute(samples)
    waiting = exposed(network.allreduce(work.size / buckets, ranks), buckets, BACKWARD * compute)
    alone = work.compute(work.batch) / work.batch  # seconds a sample
    return Step(ranks, compute, waiting, alone * samples / (compute + waiting))


def exposed(each: float, buckets: int, backward: float) -> float:
    """Seconds for which the network is waited for after the backward pass.

    The k buckets are ready at equal distances, the last with the end of the pass, and are sent one after
    another. Where the network keeps up, only the last is waited for; where it does not, it has been busy
    since the first was ready:

        max(each, k each - (k - 1)/k backward)

    (the wait-free backpropagation of Shi, Chu and Li, MG-WFBP, INFOCOM 2019, for equal layers.)

    Args:
        each: seconds to reduce one bucket.
        buckets: how many there are.
        backward: seconds of the backward pass.

    Example:
        >>> exposed(each=1.0, buckets=1, backward=5.0), exposed(each=1.0, buckets=4, backward=2.0)
        (1.0, 2.5)
    """
    return max(each, buckets * each - (buckets - 1) / buckets * backward)


def fitted(times: dict[int, float], ranks: int, latency: float = 2e-5) -> Network:
    """The network with which allreduces of so many bytes take so many seconds, by least squares.

    Each point counts by its relative error: the small ones tell the overhead, the large ones the bandwidth.

    Args:
        times: seconds, by bytes.
        ranks: with how many they were measured.
        latency: what a message takes; from one number of ranks it cannot be told apart from the overhead.

    Raises:
        DispatchError: if there are too few sizes, or larger ones take no longer.

    Example:
        >>> fitted({1000: 1.041e-3, 1_000_000: 2.04e-3}, ranks=2)
        Network(latency=2e-05, bandwidth=1000000000.0, overhead=0.001)
    """
    weights = {size: 1 / time**2 for size, time in times.items()}
    total = sum(weights.values())
    mean_size = sum(weight * size for size, weight in weights.items()) / total
    mean_time = sum(weights[size] * time for size, time in times.items()) / total
    shared = sum(weights[size] * (size - mean_size) * (time - mean_time) for size, time in times.items())
    spread = sum(weight * (size - mean_size) ** 2 for size, weight in weights.items())
    if len(times) < 2 or shared <= 0:
        raise DispatchError("A bandwidth needs the times of several sizes, of which larger ones take longer.")
    slope = shared / spread
    overhead = mean_time - slope * mean_size - 2 * (ranks - 1) * latency
    return Network(latency, float(f"{2 * (ranks - 1) / ranks / slope:.4g}"), max(0.0, round(overhead, 6)))
