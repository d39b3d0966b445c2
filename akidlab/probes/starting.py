"""Starting a probe: what is asked for is checked here, before anything is copied or started."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from akidlab.errors import DataError, KindError, OptionError, unknown
from akidlab.messages import Bus
from akidlab.metrics.looking import Loss, batches_of, objective_of
from akidlab.probes.measures import MEASURES, NEEDS_DATA, Snapshot
from akidlab.probes.packing import pack
from akidlab.probes.probe import Probe


def probe(
    model: nn.Module,
    kind: str = "hessian",
    *,
    data: Any = None,
    loss: Loss | None = None,
    to: nn.Module | Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    threads: int = 1,
    bus: Bus | None = None,
    step: int = 0,
    epoch: int = 0,
    **options: Any,
) -> Probe:
    """Measure a model as it is now, in a process of its own, while it learns on.

    The weights are copied before this returns; while another thread trains, some may be of the step after.

    Args:
        model: ours or a stranger's.
        kind: `hessian` (the largest eigenvalues, falling, as a list; `count=3` for three), `spectral_norm`
            (by module), `svcca` or `cka` (by layer, of each layer to itself in `to`; without that a table of
            each layer to each other one).
        data: inputs, `(inputs, labels)`, or batches of these.
        loss: `loss(model(inputs), labels)`, a mean over the samples; a brain has its own.
        to: what to compare with: another model, or a `state_dict()` of this one.
        device: where to measure; the CPU leaves a GPU to training.
        threads: how many threads it may use.
        bus: where to publish what came of it.
        step: the training step that the weights are of.
        epoch: whole epochs behind it.
        options: `count`, `tolerance`, `steps` and `seed` of `hessian`; `threshold` of `svcca`.

    Raises:
        UnknownNameError: if there is no such kind.
        OptionError: if an option is given that the kind does not take.
        DataError: if the kind needs data.
        KindError: if it is no module, needs a loss, or something in it cannot travel.

    Example:
        >>> from akidlab.probes import probe
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2))
        >>> _ = torch.nn.init.eye_(net[0].weight)
        >>> probe(net, "spectral_norm").result(timeout=60)
        {'linear0': 1.0}
    """
    model = getattr(model, "_orig_mod", model)  # what `torch.compile` wraps
    _check(model, kind, data, options)
    if kind == "hessian":
        objective_of(model, loss)
    batches = batches_of(data) if data is not None else []
    models = [part for part in (model, to) if isinstance(part, nn.Module)]
    work = {
        "kind": kind,
        "snapshot": Snapshot(model, batches, loss, to),
        "options": options,
        "device": device,
        "threads": threads,
    }
    return Probe(kind, pack(work, models), threads=threads, bus=bus, step=step, epoch=epoch)


def _check(model: object, kind: str, data: object, options: Mapping[str, object]) -> None:
    if not isinstance(model, nn.Module):
        raise KindError(f"A probe looks at a torch module, found a {type(model).__name__}.")
    if kind not in MEASURES:
        raise unknown("probe", kind, MEASURES)
    if data is None and kind in NEEDS_DATA:
        raise DataError(f"The probe `{kind}` needs data: give data=inputs or data=(inputs, labels).")
    takes = list(inspect.signature(MEASURES[kind]).parameters)[1:]
    for option in options:
        if option not in takes:
            raise OptionError(*unknown(f"option of the probe `{kind}`", option, takes).args)
