"""Spreading over devices: a batch is cut, weights are handed to all, results are put together again.

All three can be differentiated through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from akidlab.errors import DataError
from akidlab.parallel.devices import device

Device = str | int | torch.device


def scatter(data: Any, devices: Sequence[Device]) -> list[Any]:
    """Cut a batch into one part for each device, as equal as can be.

    Tensors are cut along their first dimension; whatever is no tensor, or has no dimension, is handed to all.
    A batch of fewer samples than devices makes fewer parts.

    Args:
        data: a tensor, or tensors in lists, tuples and dicts of any depth.
        devices: where the parts go, in order.

    Returns:
        The parts, each of the form of `data`.

    Raises:
        DataError: if tensors hold different numbers of samples.

    Example:
        >>> scatter([torch.arange(5), {"scale": 2}], ["cpu", "cpu"])
        [[tensor([0, 1, 2]), {'scale': 2}], [tensor([3, 4]), {'scale': 2}]]
    """
    places = _places(devices)
    sizes = {len(tensor) for tensor in _tensors(data) if tensor.dim()}
    if len(sizes) > 1:
        raise DataError(f"The tensors of a batch hold as many samples each, found {sorted(sizes)}.")
    parts = max(1, min(len(places), *sizes)) if sizes else len(places)

    def part(number: int) -> Callable[[Tensor], Tensor]:
        def cut(tensor: Tensor) -> Tensor:
            piece = tensor.tensor_split(parts)[number] if tensor.dim() else tensor
            return _moved(piece, places[number])

        return cut

    return [each(part(number), data) for number in range(parts)]


def gather(data: Sequence[Any], output_device: Device | None = None) -> Any:
    """Put together what `scatter` cut: tensors along their first dimension, single numbers as a vector.

    Args:
        data: what the devices computed, each of the same form.
        output_device: where to; by default where the first part is.

    Returns:
        One value of that form.

    Raises:
        DataError: if there is nothing, or the parts differ in form.

    Example:
        >>> gather([(torch.ones(2), torch.tensor(1.0)), (torch.zeros(1), torch.tensor(3.0))])
        (tensor([1., 1., 0.]), tensor([1., 3.]))
    """
    if not data:
        raise DataError("There is nothing to gather.")
    return _joined(list(data), None if output_device is None else device(output_device))


def broadcast(vars: Any, devices: Sequence[Device]) -> list[Any]:
    """Hand tensors to each device; the gradient of the originals is the sum over the devices, in order.

    Args:
        vars: a tensor, or tensors in lists, tuples and dicts of any depth.
        devices: where to; a device may be named more than once.

    Returns:
        For each device, something of the form of `vars`.

    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> a, b = broadcast(w, ["cpu", "cpu"])
        >>> (a + 3 * b).sum().backward()
        >>> w.grad
        tensor([4., 4.])
    """
    places = _places(devices)
    learned = [tensor for tensor in _tensors(vars) if tensor.requires_grad]
    copies = Broadcast.apply(places, *learned) if learned else ()

    def copy(number: int) -> Callable[[Tensor], Tensor]:
        mine = iter(copies[number * len(learned) : (number + 1) * len(learned)])
        return lambda tensor: next(mine) if tensor.requires_grad else _moved(tensor, places[number])

    return [each(copy(number), vars) for number in range(len(places))]


class Broadcast(torch.autograd.Function):
    """Copies of all tensors on the first device, then on the second, ...; backward adds them up."""

    @staticmethod
    def forward(ctx: Any, places: list[torch.device], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.homes = [tensor.device for tensor in tensors]
        ctx.set_materialize_grads(False)
        return tuple(
            tensor.view_as(tensor) if tensor.device == place else _moved(tensor, place)
            for place in places
            for tensor in tensors
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        count = len(ctx.homes)
        sums: list[Tensor | None] = [None] * count
        for at, gradient in enumerate(gradients):
            if gradient is not None:
                moved, so_far = gradient.to(ctx.homes[at % count]), sums[at % count]
                sums[at % count] = moved if so_far is None else so_far + moved
        return (None, *sums)


def each(function: Callable[[Tensor], Any], data: Any) -> Any:
    """What `function` makes of every tensor in lists, tuples and dicts of any depth; all else stays."""
    if isinstance(data, Tensor):
        return function(data)
    if isinstance(data, Mapping):
        return {key: each(function, value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(each(function, value) for value in data))
    if isinstance(data, (list, tuple)):
        return type(data)(each(function, value) for value in data)
    return data


def _joined(parts: list[Any], place: torch.device | None) -> Any:
    first = parts[0]
    if any(type(part) is not type(first) for part in parts):
        raise DataError(f"The parts differ in form: {', '.join(type(part).__name__ for part in parts)}.")
    if isinstance(first, Tensor):
        tensors = [tensor.to(place or first.device) for tensor in parts]
        return torch.cat(tensors) if first.dim() else torch.stack(tensors)
    if isinstance(first, Mapping):
        return {key: _joined([part[key] for part in parts], place) for key in first}
    if isinstance(first, (list, tuple)):
        if len({len(part) for part in parts}) > 1:
            raise DataError(f"The parts differ in length: {[len(part) for part in parts]}.")
        joined = [_joined(list(values), place) for values in zip(*parts, strict=True)]
        return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
    return parts


def _moved(tensor: Tensor, place: torch.device) -> Tensor:
    return tensor.to(place, non_blocking=place.type == "cuda")  # to the CPU, nobody would wait for the end


def _tensors(data: Any) -> Iterator[Tensor]:
    if isinstance(data, Tensor):
        yield data
    elif isinstance(data, (list, tuple, Mapping)):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _tensors(value)


def _places(devices: Sequence[Device]) -> list[torch.device]:
    if isinstance(devices, (str, int, torch.device)) or not devices:
        raise DataError(f'`devices` is a list such as ["cpu", "cpu"], found {devices!r}.')
    return [device(name) for name in devices]
