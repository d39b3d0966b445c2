"""Hooks: lists of functions of the kid, called at the turning points of its practice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from akidlab.errors import KindError, UnknownNameError, unknown

Hook = Callable[[Any], object]

NAMES = (
    "on_train_begin", "on_batch_begin", "on_batch_end", "on_training_log_step", "on_val_log_step",
    "on_epoch_end", "on_train_end", "on_exception",
)  # fmt: skip
ALIASES = {"on_train_log_step": "on_training_log_step"}  # akid's manual and its code disagreed


class Hooks:
    """Lists of functions `f(kid)`, one list for each turning point.

    `on_train_begin` comes once, before the first step and after the first validation; `on_batch_begin` and
    `on_batch_end` around each step; `on_training_log_step` (or `on_train_log_step`) every `train_log_step`
    steps; `on_val_log_step` after each validation; `on_epoch_end` when the epoch has been counted;
    `on_train_end` when practice ends in any way; `on_exception` before an exception leaves `practice()`.

    Raises:
        HookNameError: if a list is asked for or set that does not exist.

    Example:
        >>> hooks = Hooks()
        >>> hooks.on_epoch_end.append(lambda kid: print(kid.epoch))
    """

    on_train_begin: list[Hook]
    on_batch_begin: list[Hook]
    on_batch_end: list[Hook]
    on_training_log_step: list[Hook]
    on_train_log_step: list[Hook]
    on_val_log_step: list[Hook]
    on_epoch_end: list[Hook]
    on_train_end: list[Hook]
    on_exception: list[Hook]

    def __init__(self) -> None:
        for name in NAMES:
            self.__dict__[name] = []
        for alias, name in ALIASES.items():
            self.__dict__[alias] = self.__dict__[name]

    def __setattr__(self, name: str, functions: Iterable[Hook] | Hook) -> None:
        held = getattr(self, name)
        functions = [functions] if callable(functions) else functions
        found = list(functions) if isinstance(functions, Iterable) else [functions]
        for function in found:
            if not callable(function):
                raise KindError(
                    f"A hook is a list of functions of the kid, found {function!r}. Append one: "
                    f"`kid.hooks.{name}.append(function)`."
                )
        held[:] = found  # the list itself stays: the loop holds it

    def __getattr__(self, name: str) -> list[Hook]:
        if name.startswith("__"):
            raise AttributeError(name)
        raise HookNameError(*unknown("hook", name, NAMES).args)

    def call(self, name: str, kid: object) -> None:
        """Call the functions of the list `name`, in order."""
        for function in tuple(getattr(self, name)):
            function(kid)

    def __repr__(self) -> str:
        return "Hooks(" + ", ".join(f"{name}={len(getattr(self, name))}" for name in NAMES) + ")"


class HookNameError(UnknownNameError, AttributeError):
    """There is no hook of that name."""
