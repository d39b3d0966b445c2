"""Flags: akid's switches for what is summarised of a block, taken over from the system around."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from typing_extensions import Self

FLAGS = (
    "do_summary", "summarize_output", "do_summary_on_val", "summarize_variables", "is_mon", "do_stat_on_norm",
    "debug",
)  # fmt: skip


class Flag:
    """One switch of a block: True, False, or None where neither it nor a system around it was set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, block: None, owner: type) -> Self: ...

    @overload
    def __get__(self, block: Flags, owner: type) -> bool | None: ...

    def __get__(self, block: Flags | None, owner: type) -> Self | bool | None:
        return self if block is None else block.flags[self.name]

    def __set__(self, block: Flags, value: bool | None) -> None:
        block.set_flag(self.name, value)


class Flags:
    """What a block offers to be told what is worth summarising of it; whoever observes it reads that.

    What a block was given itself counts; what it was not given it takes over from the system around it.

    Example:
        >>> relu, tanh = ReLULayer(name="relu", do_summary=False), TanhLayer(name="tanh")
        >>> brain = Brain(do_summary=True).attach(relu, tanh)
        >>> relu.do_summary, tanh.do_summary, tanh.is_mon
        (False, True, None)
    """

    do_summary = Flag()
    summarize_output = Flag()
    do_summary_on_val = Flag()
    summarize_variables = Flag()
    is_mon = Flag()
    do_stat_on_norm = Flag()
    debug = Flag()

    _own_flags: dict[str, bool]
    _taken_flags: dict[str, bool]

    @property
    def flags(self) -> dict[str, bool | None]:
        """All flags as they count here."""
        return {name: self._own_flags.get(name, self._taken_flags.get(name)) for name in FLAGS}

    def set_flag(self, name: str, value: bool | None) -> None:
        """Set a flag here, and for the blocks within that were not given their own; None to leave it open.

        Raises:
            UnknownNameError: if there is no such flag.
            BlockError: if the value is neither a truth nor None.
        """
        if name not in FLAGS:
            raise unknown("flag", name, FLAGS)
        if value is not None and not isinstance(value, (bool, int)):
            raise BlockError(f"`{name}` is True, False or None, found {value!r}.")
        if value is None:
            self._own_flags.pop(name, None)
        else:
            self._own_flags[name] = bool(value)
        self._pass_flags_on()

    def set_do_summary_flag(self, value: bool | None) -> None:
        """akid's name for `set_flag("do_summary", value)`."""
        self.set_flag("do_summary", value)

    def set_do_summary_on_val_flag(self, value: bool | None) -> None:
        """akid's name for `set_flag("do_summary_on_val", value)`."""
        self.set_flag("do_summary_on_val", value)

    def switch_batch_monitoring_mode(self) -> None:
        """Switch `is_mon` on or off, here and within: whether one fixed batch is being watched."""
        self.set_flag("is_mon", not self.is_mon)

    def _start_flags(self, given: Mapping[str, Any]) -> None:
        self._own_flags, self._taken_flags = {}, {}
        for name, value in given.items():
            self.set_flag(name, value)

    def _take_flags(self, flags: Mapping[str, bool | None]) -> None:
        """Take over the flags of the system around."""
        self._taken_flags = {name: value for name, value in flags.items() if value is not None}
        self._pass_flags_on()

    def _pass_flags_on(self) -> None:
        flags = self.flags
        for block in getattr(self, "blocks", ()):
            block._take_flags(flags)
