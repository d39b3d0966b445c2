"""Lanczos: a small tridiagonal matrix whose eigenvalues resemble those of a large symmetric one.

What is known of the large matrix is only what it makes of a vector. The coroutines (`..._cr`) yield the
vector and are sent the product, so that the matrix is never made; `drive` answers them by a function.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from akidlab.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import Float

T = TypeVar("T")
Ritz = tuple[Tensor, ...]  # eigenvalues, eigenvectors and, if asked for, the last beta
Asking = Generator[Tensor, Tensor, T]

BREAKDOWN = 10.0  # times the rounding of the matrix: what is left of a vector then is noise


def drive(asking: Asking[T], product: Callable[[Tensor], Tensor]) -> T:
    """Answer a coroutine's vectors by `product` until it returns.

    Args:
        asking: one of the coroutines here.
        product: what the matrix makes of a vector.

    Returns:
        What the coroutine returns.

    Example:
        >>> H = torch.diag(torch.tensor([1.0, 2.0, 5.0]))
        >>> values, vectors = drive(lanczos_tridiagonalization_fast_cr(3, 3), lambda v: H @ v)
        >>> values.round(decimals=3)
        tensor([1., 2., 5.])
    """
    try:
        vector = next(asking)
        while True:
            vector = asking.send(product(vector))
    except StopIteration as done:
        return done.value


def lanczos_tridiagonalization_slow(
    H: Float[Tensor, "n n"], q: Float[Tensor, " n"] | None = None, K: int | None = None
) -> Ritz:
    """Lanczos with every vector made orthogonal to all before: exact, at the price of keeping them all.

    Where the vectors stay in a subspace, it goes on from outside of it, so that with `K` of n all n
    eigenvalues come out, multiple ones as often as they are there.

    Args:
        H: a symmetric matrix, of any floating type.
        q: the vector to start from; by default a random one.
        K: how many steps; by default n.

    Returns:
        The eigenvalues of the tridiagonal matrix, rising, and its eigenvectors as columns.

    Raises:
        DataError: if `H` is not square or the numbers do not fit it.

    Example:
        >>> values, vectors = lanczos_tridiagonalization_slow(torch.eye(2, dtype=torch.float64) * 3)
        >>> values.round(decimals=6)
        tensor([3., 3.], dtype=torch.float64)
    """
    n = size_of(H)
    steps = lanczos_tridiagonalization_slow_cr(n, n if K is None else K, _start(q, H))
    return drive(steps, lambda v: H @ v)


def lanczos_tridiagonalization_slow_cr(
    N: int, K: int, q: Float[Tensor, " n"] | None = None, return_beta_k: bool = False
) -> Asking[Ritz]:
    """`lanczos_tridiagonalization_slow` as a coroutine: it yields a vector and wants the product sent.

    Args:
        N: how many rows the matrix has.
        K: how many steps, and how many vectors are kept.
        q: the vector to start from, whose type and device are used; by default a random one.
        return_beta_k: True to return the last beta, too.

    Raises:
        DataError: if the numbers make no sense.
    """
    values, vectors, beta = yield from _lanczos(N, K, torch.randn(N) if q is None else q, keep=True)
    return (values, vectors, beta) if return_beta_k else (values, vectors)


def lanczos_tridiagonalization_fast(
    H: Float[Tensor, "n n"], q: Float[Tensor, " n"] | None, K: int, return_beta_k: bool = False
) -> Ritz:
    """Lanczos with two vectors in memory: the outer eigenvalues come out well, and may come more than once.

    Args:
        H: a symmetric matrix, of any floating type.
        q: the vector to start from; None for a random one.
        K: how many steps; fewer are made where the vectors stay in a subspace.
        return_beta_k: True to return what is left after the last step, too: it bounds the errors.

    Returns:
        The eigenvalues of the tridiagonal matrix, rising, its eigenvectors as columns, and the last beta.

    Raises:
        DataError: if `H` is not square or the numbers do not fit it.
    """
    steps = lanczos_tridiagonalization_fast_cr(size_of(H), K, _start(q, H), return_beta_k)
    return drive(steps, lambda v: H @ v)


def lanczos_tridiagonalization_fast_cr(
    N: int, K: int, q: Float[Tensor, " n"] | None = None, return_beta_k: bool = False
) -> Asking[Ritz]:
    """`lanczos_tridiagonalization_fast` as a coroutine: it yields a vector and wants the product sent.

    Args:
        N: how many rows the matrix has.
        K: how many steps.
        q: the vector to start from, whose type and device are used; by default a random one.
        return_beta_k: True to return the last beta, too.

    Raises:
        DataError: if the numbers make no sense.
    """
    values, vectors, beta = yield from _lanczos(N, K, torch.randn(N) if q is None else q, keep=False)
    return (values, vectors, beta) if return_beta_k else (values, vectors)


def _lanczos(n: int, K: int, q: Tensor, *, keep: bool) -> Asking[tuple[Tensor, Tensor, Tensor]]:
    _check(n, K, q)
    v, before = q / torch.linalg.vector_norm(q), torch.zeros_like(q)
    alphas: list[float] = []
    betas: list[float] = [0.0]
    held, scale = [v], 0.0
    for step in range(K):
        w = yield v
        if w.shape != v.shape:
            raise DataError(f"The product has {tuple(w.shape)} numbers, the vector {tuple(v.shape)}.")
        scale = max(scale, float(torch.linalg.vector_norm(w)))
        alpha = torch.dot(w, v)
        w = w - alpha * v - betas[-1] * before
        for _ in range(2 if keep else 0):  # once is not enough: W. Kahan and B. Parlett
            for other in held:
                w = w - torch.dot(w, other) * other
        beta = float(torch.linalg.vector_norm(w))
        alphas.append(float(alpha))
        betas.append(beta)
        if beta <= BREAKDOWN * torch.finfo(q.dtype).eps * scale:  # the vectors span a subspace
            betas[-1] = 0.0
            if not keep or step == K - 1:
                break
            w = _outside(held)
            beta = 1.0
        before, v = v, w / beta
        if keep:
            held.append(v)
    return *_eigen(alphas, betas[1:-1], q), torch.tensor(betas[-1]).to(q)


def _outside(held: list[Tensor]) -> Tensor:
    w = torch.randn_like(held[0])
    for _ in range(2):
        for other in held:
            w = w - torch.dot(w, other) * other
        w = w / torch.linalg.vector_norm(w)
    return w


def _eigen(alphas: list[float], betas: list[float], like: Tensor) -> tuple[Tensor, Tensor]:
    off = torch.diag(torch.tensor(betas, dtype=torch.float64), 1) if betas else 0.0
    matrix = torch.diag(torch.tensor(alphas, dtype=torch.float64)) + off
    values, vectors = torch.linalg.eigh(matrix, UPLO="U")
    return values.to(like), vectors.to(like)


def size_of(H: Tensor) -> int:
    """How many rows a square matrix has.

    Raises:
        DataError: if `H` is none.
    """
    if H.dim() != 2 or H.shape[0] != H.shape[1] or not H.is_floating_point():
        raise DataError(f"`H` is a square matrix of floating numbers, found {tuple(H.shape)} of {H.dtype}.")
    return int(H.shape[0])


def _start(q: Tensor | None, H: Tensor) -> Tensor:
    return torch.randn(len(H), dtype=H.dtype, device=H.device) if q is None else q.to(H)


def _check(n: int, K: int, q: Tensor) -> None:
    if not 1 <= K <= n:
        raise DataError(f"`K` is a number of steps from 1 to the {n} rows of the matrix, found {K!r}.")
    if q.shape != (n,) or not bool(torch.any(q != 0)):
        raise DataError(f"`q` is a vector of {n} numbers that are not all 0, found {tuple(q.shape)}.")


def draw(n: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """A random vector, the same on every device."""
    return torch.randn(n, generator=generator, dtype=like.dtype).to(like.device)
