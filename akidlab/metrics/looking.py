"""Looking at a model while it learns: it answers as in validation, and learns on as if nobody had looked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from akidlab.blocks import Block, Brain
from akidlab.errors import DataError, KindError
from akidlab.exporter import tensors_of
from akidlab.exporter.tree import Tree
from akidlab.ops.curvature import undisturbed

Batch = tuple[Tensor, ...]
Data = Tensor | Sequence[Tensor] | Iterable[Sequence[Tensor] | Tensor]
Loss = Callable[[Any, Tensor], Tensor]


@contextmanager
def looking_at(model: nn.Module, *, gradients: bool = False) -> Iterator[nn.Module]:
    """What to call instead of `model`: it drops nothing, and leaves statistics and random numbers alone.

    Args:
        model: ours or a stranger's. Of a block it is a copy that shares the parameters, for a block keeps
            what it said last.
        gradients: whether one may differentiate.
    """
    shared = model.get_val_copy() if isinstance(model, Block) and model.is_setup else model
    used = [torch.device(d) for d in {str(p.device) for p in model.parameters() if p.is_cuda}]
    with torch.random.fork_rng(used), undisturbed(shared), torch.set_grad_enabled(gradients):
        yield shared


def batches_of(data: Data) -> list[Batch]:
    """The batches in a tensor of inputs, in inputs and labels, or in whatever gives batches of these.

    Going through a loader leaves the random numbers of training alone.

    Raises:
        DataError: if there are none, or they are not made of tensors.

    Example:
        >>> [part.shape for part in batches_of((torch.zeros(8, 3), torch.zeros(8)))[0]]
        [torch.Size([8, 3]), torch.Size([8])]
    """
    with torch.random.fork_rng([]):
        return list(each_batch(data))


def each_batch(data: Data) -> Iterator[Batch]:
    """As `batches_of`, one after the other; to be gone through where random numbers may be drawn.

    Raises:
        DataError: if there are none, or they are not made of tensors.
    """
    if isinstance(data, Tensor) or (isinstance(data, (list, tuple)) and _all_tensors(data)):
        data = [data]  # type: ignore[list-item]
    is_empty = True
    for batch in data:
        is_empty = False
        parts = (batch,) if isinstance(batch, Tensor) else tuple(batch)
        if not _all_tensors(parts):
            odd = next((type(part).__name__ for part in parts if not isinstance(part, Tensor)), "nothing")
            raise _no_batches(f"{odd} in a batch")
        yield parts
    if is_empty:
        raise _no_batches("none")


def _all_tensors(parts: Sequence[object]) -> bool:
    return bool(parts) and all(isinstance(part, Tensor) for part in parts)


def _no_batches(found: str) -> DataError:
    return DataError(
        f"Data are inputs, (inputs, labels), or a list of such batches, all of tensors; found {found}."
    )


def to_device_of(model: nn.Module, batch: Batch) -> Batch:
    """The batch where the parameters of `model` are."""
    device = next((p.device for p in model.parameters()), None)
    return batch if device is None else tuple(part.to(device) for part in batch)


def answer(model: nn.Module, batch: Batch) -> Tensor:
    """What `model` says of the inputs of a batch: of a classifier the logits."""
    said = model.infer(batch[0]) if isinstance(model, Brain) else model(batch[0])
    found = next((tensor for _, tensor in tensors_of(said)), None)
    if found is None:
        raise KindError(f"The model is to answer with a tensor, found a {type(said).__name__}.")
    return found


def objective_of(model: nn.Module, loss: Loss | None) -> Callable[[Batch], Tensor]:
    """The loss of a batch: `loss(model(inputs), labels)`, or a brain's own.

    Raises:
        KindError: if no loss is given and the model has none.
    """
    if loss is not None:
        return lambda batch: loss(answer(model, batch), batch[1])
    if isinstance(model, Brain):
        return lambda batch: model.objective(*batch)
    raise KindError(
        f"A {type(model).__name__} has no loss of its own. Give one: loss=torch.nn.functional.cross_entropy."
    )


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """The modules of a model that an exporter observes, by their names."""
    tree = Tree(-1, None)
    tree.add(model)
    return {name: module for module, name in tree.units.values()}


def activations_of(
    model: nn.Module, batches: Iterable[Batch], layers: Iterable[str] | None = None
) -> dict[str, Tensor]:
    """What each layer gives, all batches in a row; of a layer called more than once in a pass, the first.

    Args:
        model: what is called.
        batches: what it is called with.
        layers: which layers; by default all whose output has a batch and units.
    """
    wanted = None if layers is None else set(layers)
    found: dict[str, list[Tensor]] = {}
    with looking_at(model) as shared:
        modules = {n: m for n, m in layers_of(shared).items() if wanted is None or n in wanted}
        for number, batch in enumerate(batches):
            heard = _heard(shared, modules, to_device_of(model, batch))
            for name, tensor in heard.items():
                if len(found.setdefault(name, [])) == number:
                    found[name].append(tensor)
    return {name: torch.cat(parts) for name, parts in found.items()}


def _heard(model: nn.Module, modules: dict[str, nn.Module], batch: Batch) -> dict[str, Tensor]:
    heard: dict[str, Tensor] = {}

    def listen(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hear(module: nn.Module, inputs: Any, output: Any) -> None:
            tensor = next((tensor for _, tensor in tensors_of(output)), None)
            if name not in heard and tensor is not None and tensor.dim() > 1:
                heard[name] = tensor.detach().clone()  # the next layer may change it in place

        return hear

    handles = [module.register_forward_hook(listen(name)) for name, module in modules.items()]
    try:
        model(*batch) if isinstance(model, Brain) else model(batch[0])
    finally:
        for handle in handles:
            handle.remove()
    return heard
