"""Functions that losses and evaluations are made of; usable on tensors of your own."""

from akidlab.nn.accuracy import average_precision, binary_accuracy, roc_auc
from akidlab.nn.hinge import hinge_loss, hinge_ranking_loss, tripod_hinge_loss
from akidlab.nn.regularizers import compute as regularization

__all__ = [
    "average_precision",
    "binary_accuracy",
    "hinge_loss",
    "hinge_ranking_loss",
    "regularization",
    "roc_auc",
    "tripod_hinge_loss",
]
