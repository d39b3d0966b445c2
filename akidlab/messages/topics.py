"""The topics that an exporter publishes, and the groups by which they are asked for."""

from __future__ import annotations

META = (
    "epoch_started",
    "batch_started",
    "input_data",
    "network_output",
    "input_labels",
    "loss",
    "batch_finished",
    "step_finished",
    "epoch_finished",
)
TOPICS = (
    "weights",
    "weight_gradients",
    "weight_updates",
    "biases",
    "bias_gradients",
    "bias_updates",
    "activations",
    "layer_gradients",
)
PICTURES = ("filters", "maps")  # what pictures are of; the sample is `maps/system_in`
RANKS = "ranks"  # what is measured of each rank, `ranks/own_ms/1`: kept apart from what a user measures
RAW = frozenset({*META, *TOPICS} - {"loss"})  # heard by those alone who name them
GROUPS = {
    "all": TOPICS,
    "parameters": ("weights", "biases"),
    "gradients": ("weight_gradients", "bias_gradients"),
    "updates": ("weight_updates", "bias_updates"),
    "none": (),
}
