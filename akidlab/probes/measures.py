"""What a probe measures on a snapshot: the curvature of the loss, spectral norms, how layers resemble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from akidlab.errors import MetricError
from akidlab.exporter.tree import Tree, parameters_of
from akidlab.metrics import cka, hessian_eigenvalues, spectral_norm, svcca
from akidlab.metrics.looking import Batch, Loss, activations_of, looking_at, objective_of, to_device_of

Found = list[float] | dict[str, float] | dict[str, dict[str, float]]


@dataclass(frozen=True)
class Snapshot:
    """What a measure is given.

    Args:
        model: with the weights of the moment.
        batches: of inputs, or of inputs and labels.
        loss: a mean over samples; None if the model has its own, or none is needed.
        to: what to compare with: another model, or other weights for this one.
    """

    model: nn.Module
    batches: list[Batch]
    loss: Loss | None = None
    to: nn.Module | Mapping[str, Tensor] | None = None


def hessian(
    snapshot: Snapshot, *, count: int = 1, tolerance: float = 1e-3, steps: int = 128, seed: int = 0
) -> list[float]:
    """The largest eigenvalues of the loss's Hessian, falling: `metrics.hessian_eigenvalues`."""
    with looking_at(snapshot.model, gradients=True) as model:
        found = hessian_eigenvalues(
            objective_of(model, snapshot.loss),
            model.parameters(),
            [to_device_of(model, batch) for batch in snapshot.batches],
            count=count,
            tolerance=tolerance,
            steps=steps,
            seed=seed,
        )
    return found.tolist()


def spectral_norms(snapshot: Snapshot) -> dict[str, float]:
    """The largest singular value of each matrix of weights, by module: `metrics.spectral_norm`."""
    tree = Tree(-1, None)
    tree.add(snapshot.model)
    weights = [(key, p) for is_bias, key, p in parameters_of(tree.held) if not is_bias and p.dim() > 1]
    return {key: float(spectral_norm(weight)) for key, weight in weights}


def svccas(snapshot: Snapshot, *, threshold: float = 0.99) -> dict[str, Any]:
    """How layers resemble, by `metrics.svcca`."""
    return _resemblance(snapshot, lambda x, y: svcca(x, y, threshold))


def ckas(snapshot: Snapshot) -> dict[str, Any]:
    """How layers resemble, by `metrics.cka`."""
    return _resemblance(snapshot, cka)


MEASURES: dict[str, Callable[..., Found]] = {
    "hessian": hessian,
    "spectral_norm": spectral_norms,
    "svcca": svccas,
    "cka": ckas,
}
NEEDS_DATA = ("hessian", "svcca", "cka")
TOPICS = {"hessian": "hessian_eigenvalue", "spectral_norm": "weights_spectral_norm"}  # else its kind


def _resemblance(snapshot: Snapshot, measure: Callable[[Tensor, Tensor], Tensor]) -> dict[str, Any]:
    """Of each layer to itself in what it is compared with; without that, of each layer to each other one."""
    ours = activations_of(snapshot.model, snapshot.batches)
    if snapshot.to is None:
        return _among(ours, measure)
    theirs = activations_of(_other(snapshot.model, snapshot.to), snapshot.batches)
    both = [name for name in ours if name in theirs and len(_rows(ours[name])) == len(_rows(theirs[name]))]
    if not both:
        raise MetricError(
            f"The models have no layers of one name: {', '.join(ours)}, and {', '.join(theirs)}."
        )
    return {name: float(measure(ours[name], theirs[name])) for name in both}


def _among(
    layers: Mapping[str, Tensor], measure: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, dict[str, float]]:
    """Positions differ from layer to layer, so what is compared is the mean over them."""
    flat = {name: _rows(tensor) for name, tensor in layers.items()}
    found: dict[str, dict[str, float]] = {name: {} for name in flat}
    for i, first in enumerate(flat):
        for second in list(flat)[i:]:
            found[first][second] = found[second][first] = float(measure(flat[first], flat[second]))
    return {name: {other: found[name][other] for other in flat} for name in flat}


def _rows(tensor: Tensor) -> Tensor:
    if tensor.dim() == 2:
        return tensor
    return tensor.mean(dim=1) if tensor.dim() == 3 else tensor.flatten(2).mean(dim=2)


def _other(model: nn.Module, to: nn.Module | Mapping[str, Tensor]) -> nn.Module:
    if isinstance(to, nn.Module):
        return to
    other = deepcopy(model)
    other.load_state_dict(to)
    return other
