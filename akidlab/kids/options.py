"""The options of a Kid: checked where they enter."""

from __future__ import annotations

PRECISIONS = {None: None, "fp32": None, "float32": None, "bf16": "bf16", "bfloat16": "bf16"}


def check_span(max_steps: int | None, max_epoch: float | None) -> None:
    """Steps or epochs say how long, not both; neither is known yet where somebody says so later.

    Raises:
        ValueError: if both are given.
    """
    if max_steps is not None and max_epoch is not None:
        raise ValueError("Give `max_steps` or `max_epoch`, not both.")


def check_counts(**counts: object) -> None:
    """Each is a whole number of 1 or more.

    Raises:
        ValueError: if one is not.
    """
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"`{name}` must be a whole number of 1 or more, found {value!r}.")


def positive(name: str, value: float | None) -> float | None:
    """`value`, if it is None or above 0.

    Raises:
        ValueError: if it is not.
    """
    if value is not None and not value > 0:
        raise ValueError(f"`{name}` must be above 0, found {value!r}.")
    return value


def precision_of(name: str | None) -> str | None:
    """`bf16`, or None for torch's own precision.

    Raises:
        ValueError: if `name` is no precision.
    """
    if name not in PRECISIONS:
        raise ValueError(f"`precision` is None or `bf16`, found {name!r}.")
    return PRECISIONS[name]
