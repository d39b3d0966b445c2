"""What was measured, for `akidlab scaling` to start from."""

from __future__ import annotations

from dataclasses import dataclass

COMMAND = "python -m tests.benchmarks.scaling"
WHERE = "two cores of one machine, a thread to a rank, float32, Horovod 0.28.1 with Gloo over loopback"


@dataclass(frozen=True, slots=True)
class Measured:
    """One model.

    Args:
        size: bytes of its gradients.
        alone: seconds of a step of one rank, by samples.
        two: seconds of a step of two ranks that share the larger of these batches.
    """

    size: int
    alone: dict[int, float]
    two: float


ALLREDUCE = {  # seconds of two ranks, by bytes
    4_000: 0.001021,
    40_000: 0.001019,
    400_000: 0.001102,
    4_000_000: 0.002195,
    24_000_000: 0.012536,
}
MODELS = {
    "lenet": Measured(6_653_480, {64: 0.03641, 32: 0.01901}, two=0.02729),
    "mlp": Measured(23_298_088, {64: 0.02314, 32: 0.01577}, two=0.03339),  # 784-2048-2048-10
}
