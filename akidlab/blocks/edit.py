"""Edits: what a change of a system changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from torch import nn

from akidlab.blocks.signal import Shape, told

if TYPE_CHECKING:
    from akidlab.blocks.block import Block
    from akidlab.blocks.system import System


@dataclass(frozen=True)
class Edit:
    """What one change of a system changed; it shows itself in a notebook.

    Args:
        system: the name of the system.
        acts: what was done, in words.
        new: parameters that are new, as `bn.weight 16`.
        anew: parameters that no longer fitted and were made anew, as `ip.weight 10×64 → 10×16`.
        gone: parameters that are no longer there.
        shapes: blocks that emit another shape than before, as `pool N×16×4×4 → N×16×2×2`.
        kept: how many parameters are the same as before, with all that an optimiser knows of them.

    Example:
        >>> brain = SequentialBrain(name="small").attach(InnerProductLayer(out_channel_num=3, name="ip"))
        >>> brain(torch.zeros(2, 4)).shape
        torch.Size([2, 3])
        >>> brain.insert_after("system_in", InnerProductLayer(out_channel_num=5, name="wide"))
        small: inserted `wide` after `system_in`
          new      wide.weight 5×4, wide.bias 5
          anew     ip.weight 3×4 → 3×5
          kept     1 parameter
    """

    system: str
    acts: tuple[str, ...]
    new: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    kept: int = 0

    def __str__(self) -> str:
        return f"{self.system}: {', '.join(self.acts)}"

    def __repr__(self) -> str:
        return "\n".join([str(self), *(f"  {what:<7}  {found}" for what, found in self._facts())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='opacity:.7;text-align:left'>{what}</td>"
            f"<td style='text-align:left'>{escape(found)}</td></tr>"
            for what, found in self._facts()
        )
        acts = ", ".join(self.acts)
        return f"<div><b>{escape(self.system)}</b>: {escape(acts)}<table>{rows}</table></div>"

    def _facts(self) -> Iterator[tuple[str, str]]:
        for what in ("new", "anew", "gone", "shapes"):
            if found := getattr(self, what):
                yield what, ", ".join(found)
        if self.kept:
            yield "kept", f"{self.kept} parameter{'' if self.kept == 1 else 's'}"


class Picture:
    """A system as it is now, for an edit to be told from what it is afterwards."""

    def __init__(self, system: System) -> None:
        self.parameters = dict(system.named_parameters())
        self.shapes = {path: block.out_shape for path, block in _blocks(system)}

    def edit(self, system: System, acts: Iterable[str]) -> Edit:
        """What changed since."""
        now = Picture(system)
        before, after = self.parameters, now.parameters
        held = {id(parameter) for parameter in after.values()}
        known = {id(parameter) for parameter in before.values()}
        made = {name: p for name, p in after.items() if id(p) not in known}
        return Edit(
            system=system.name,
            acts=tuple(acts),
            new=tuple(_sized(name, p) for name, p in made.items() if name not in before),
            anew=tuple(
                f"{_sized(name, before[name])} → {_size(p)}" for name, p in made.items() if name in before
            ),
            gone=tuple(
                _sized(name, p) for name, p in before.items() if id(p) not in held and name not in made
            ),
            shapes=tuple(
                f"{path} {told(self.shapes[path])} → {told(shape)}"
                for path, shape in now.shapes.items()
                if _differ(self.shapes.get(path), shape)
            ),
            kept=len(known & held),
        )


def _blocks(system: System) -> Iterator[tuple[str, Block]]:
    from akidlab.blocks.block import Block

    for path, module in system.named_modules():
        if path and isinstance(module, Block):
            yield path, module


def _differ(before: Shape, after: Shape) -> bool:
    return before is not None and after is not None and told(before) != told(after)


def _sized(name: str, parameter: nn.Parameter) -> str:
    return f"{name} {_size(parameter)}"


def _size(parameter: nn.Parameter) -> str:
    return "×".join(map(str, parameter.shape)) or "scalar"
