"""Which way a metric is better."""

from __future__ import annotations

import pytest

from akidlab.messages import higher_is_better


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        ("validation_loss", False),
        ("validation_top5_error", False),
        ("validation_accuracy", True),
        ("validation_auc", True),
        ("validation_loss_accuracy", True),  # of a block called `loss`
    ],
)
def test_losses_and_errors_fall_and_all_else_rises(metric: str, higher: bool):
    assert higher_is_better(metric) is higher
