"""Making the kid of an instance from its recipe, with everything that it draws drawn from one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np
import torch

from akidlab.errors import TuningError
from akidlab.kids import Kid
from akidlab.train.arguments import accepted
from akidlab.train.template import FUNCTION, GIVEN, Recipe
from akidlab.worker.travel import remember_lines, unpack


def make_kid(recipe: Recipe, namespace: dict[str, Any], seed: int) -> Kid:
    """The kid of an instance, made in `namespace`."""
    unpack(recipe.names, namespace)
    unpack(recipe.given, namespace)
    return make_kid_in(namespace, recipe.source, recipe.filename, None if recipe.takes_seed else seed, seed)


def make_kid_in(
    namespace: dict[str, Any], source: str | None, filename: str, shift: int | None, seed: int
) -> Kid:
    """The kid that a template makes, with everything that it draws drawn from `seed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    given = namespace.pop(GIVEN)
    with _seeds_shifted(shift or 0):
        if source is None:
            return _checked(namespace.pop(FUNCTION)(**given), "returned")
        before = {id(value) for value in namespace.values()}
        namespace.update(given)
        remember_lines(filename, source)
        exec(compile(source, filename, "exec", dont_inherit=True), namespace)
        setup = namespace.get("setup")
        if callable(setup) and id(setup) not in before:
            return _checked(setup(**accepted(setup, given)), "returned")
        return _found(namespace, before)


@contextmanager
def _seeds_shifted(shift: int) -> Iterator[None]:
    """Every kid made meanwhile has its own seed and the shift, as has its sensor, before it is set up."""
    original = Kid.__init__

    @wraps(original)
    def init(self: Kid, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        self.seed += shift
        if isinstance(getattr(self.sensor, "seed", None), int):
            self.sensor.seed += shift

    Kid.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        Kid.__init__ = original  # type: ignore[method-assign]


def _checked(kid: object, verb: str) -> Kid:
    if not isinstance(kid, Kid):
        raise TuningError(
            f"A template {verb} a {type(kid).__name__}; it has to make a Kid. End it with "
            "`return Kid(sensor, brain, kongfu, max_steps=...)`."
        )
    return kid


def _found(namespace: dict[str, Any], before: set[int]) -> Kid:
    made = {id(v): v for v in namespace.values() if isinstance(v, Kid) and id(v) not in before}
    if id(namespace.get("kid")) in made:
        return namespace["kid"]
    if len(made) != 1:
        raise TuningError(
            f"The template made {len(made) or 'no'} kid{'s' if made else ''}. Let it bind `kid`, or define "
            "`setup`, which returns one."
        )
    return next(iter(made.values()))
