"""Observers: look at what a network has learnt, on demand: filters, feature maps, what it answers and why."""

from akidlab.observers.answers import Answer, answers
from akidlab.observers.filters import Filters, filter_norms, filters, picture_of
from akidlab.observers.maps import feature_maps, relu_sparsity
from akidlab.observers.observer import Observer
from akidlab.observers.saliency import occlusion, saliency

__all__ = [
    "Answer",
    "Filters",
    "Observer",
    "answers",
    "feature_maps",
    "filter_norms",
    "filters",
    "occlusion",
    "picture_of",
    "relu_sparsity",
    "saliency",
]
