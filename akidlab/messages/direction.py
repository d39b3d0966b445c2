"""Which way a metric is better, by its name: the same for a kid and for who looks at its run."""

from __future__ import annotations

LOWER_IS_BETTER = ("loss", "error", "perplexity", "mse", "mae", "distance")


def higher_is_better(metric: str) -> bool:
    """What is declared for a metric by its name: losses and errors fall, everything else rises.

    Example:
        >>> higher_is_better("validation_loss"), higher_is_better("validation_accuracy")
        (False, True)
    """
    return not metric.lower().split("/")[0].endswith(LOWER_IS_BETTER)
