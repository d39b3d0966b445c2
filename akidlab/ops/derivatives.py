"""Derivatives of a loss: gradients that can be differentiated again, and the Hessian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float

    Several = Tensor | Sequence[Tensor]


def grad(
    loss: Float[Tensor, ""], x: Several, flatten: bool = False, *, allow_unused: bool = False
) -> Tensor | list[Tensor]:
    """The gradient of `loss` by `x`, which can itself be differentiated.

    Args:
        loss: a single number that was computed from `x`.
        x: a tensor, or several.
        flatten: True to return one vector, all of `x` in a row.
        allow_unused: True to return zeros for what `loss` does not depend on.

    Returns:
        A tensor for a tensor, a list for several; one vector with `flatten`.

    Raises:
        DataError: if `loss` is no single number, or does not depend on `x`.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> grad((x**3).sum(), x).detach()
        tensor([ 3., 12.])
    """
    _check(loss, x)
    wanted = _listed(x)
    found = torch.autograd.grad(loss, wanted, create_graph=True, allow_unused=True)
    if not allow_unused and any(part is None for part in found):
        number = next(i for i, part in enumerate(found) if part is None)
        raise DataError(
            f"The loss does not depend on number {number} of {len(wanted)} tensors. "
            "Leave it out, or give allow_unused=True for a gradient of zeros."
        )
    parts = [torch.zeros_like(w) if part is None else part for w, part in zip(wanted, found, strict=True)]
    if flatten:
        return torch.cat([part.reshape(-1) for part in parts])
    return parts[0] if isinstance(x, Tensor) else parts


def hessian(loss: Float[Tensor, ""], x: Several) -> Float[Tensor, "n n"]:
    """All second derivatives of `loss` by `x`, whose numbers stand in a row; for small `x` only.

    Args:
        loss: a single number that was computed from `x`.
        x: a tensor, or several; together they hold n numbers.

    Returns:
        The matrix of n×n second derivatives.

    Raises:
        DataError: if `loss` is no single number.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> hessian((x**3).sum(), x)
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    nabla = grad(loss, x, flatten=True, allow_unused=True)
    assert isinstance(nabla, Tensor)
    if not nabla.requires_grad:  # a loss that is linear
        return torch.zeros(len(nabla), len(nabla), dtype=nabla.dtype, device=nabla.device)
    return torch.stack([_flat(x, _again(nabla, x, row)) for row in torch.eye(len(nabla)).to(nabla)])


def hessian_vector_product(
    nabla: Several, x: Several, v: Several, allow_unused: bool = False
) -> Tensor | list[Tensor]:
    """The Hessian times a vector, at the price of one more backward pass; the Hessian is never made.

    Source: B. Pearlmutter, Fast Exact Multiplication by the Hessian, 1994.

    Args:
        nabla: the gradient by `x`, as `grad(loss, x)` gives it, flattened or not.
        x: what was differentiated by.
        v: the vector: one tensor of as many numbers as `x`, or tensors like `x`.
        allow_unused: True to return zeros where the gradient does not depend on a tensor.

    Returns:
        What the Hessian makes of `v`, in the form of `v`.

    Raises:
        DataError: if `v` does not fit `x`, or the gradient cannot be differentiated.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> hessian_vector_product(grad((x**3).sum(), x), x, torch.tensor([1.0, 1.0]))
        tensor([ 6., 12.])
    """
    wanted, slope, vector = _listed(x), _joined(nabla), _joined(v)
    if slope.shape != vector.shape or len(vector) != sum(part.numel() for part in wanted):
        raise DataError(
            f"`v` holds {len(vector)} numbers, the gradient {len(slope)} and `x` "
            f"{sum(part.numel() for part in wanted)}; all three must agree."
        )
    if not slope.requires_grad and not allow_unused:
        raise DataError("The gradient cannot be differentiated. Take it by `akidlab.ops.grad(loss, x)`.")
    parts = _again(slope, x, vector.to(slope)) if slope.requires_grad else [None] * len(wanted)
    if not allow_unused and any(part is None for part in parts):
        raise DataError(
            "The gradient does not depend on all of `x`. Give allow_unused=True to take that part as zero."
        )
    product = _flat(x, parts)
    if isinstance(v, Tensor):
        return product.reshape(v.shape)
    return [
        part.reshape(like.shape) for like, part in zip(v, product.split([p.numel() for p in v]), strict=True)
    ]


def _again(nabla: Tensor, x: Several, v: Tensor) -> list[Tensor | None]:
    return list(torch.autograd.grad(nabla, _listed(x), v, retain_graph=True, allow_unused=True))


def _flat(x: Several, parts: Sequence[Tensor | None]) -> Tensor:
    pairs = zip(_listed(x), parts, strict=True)
    return torch.cat([(torch.zeros_like(w) if p is None else p).reshape(-1) for w, p in pairs]).detach()


def _joined(x: Several) -> Tensor:
    return x.reshape(-1) if isinstance(x, Tensor) else torch.cat([part.reshape(-1) for part in x])


def _listed(x: Several) -> list[Tensor]:
    return [x] if isinstance(x, Tensor) else list(x)


def _check(loss: Tensor, x: Several) -> None:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise DataError(f"A loss is a single number, found {shape}. Take its mean or sum first.")
    if not _listed(x):
        raise DataError("There is nothing to differentiate by: `x` is empty.")
    if not loss.requires_grad or not all(part.requires_grad for part in _listed(x)):
        raise DataError(
            "The loss must be computed, with gradients on, from tensors that require a gradient: "
            "call `x.requires_grad_()` first."
        )
