"""How blocks describe themselves: one line for a layer, a table for a system."""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn.parameter import is_lazy

from akidlab.blocks.block import Block
from akidlab.blocks.plan import later
from akidlab.blocks.signal import told
from akidlab.blocks.system import System
from akidlab.blocks.topology import GraphSystem
from akidlab.blocks.wiring import SYSTEM_IN


@dataclass(frozen=True)
class Row:
    """What is told about one block of a system.

    Args:
        block: the block itself.
        reads: where its values come from.
        emits: the shape of its value, empty while it is not known.
        parameters: how many it has, empty for none.
        details: what sets it apart from others of its class.
    """

    block: Block
    reads: str
    emits: str
    parameters: str
    details: str

    @property
    def kind(self) -> str:
        """Its class."""
        return type(self.block).__name__


def text(block: Block) -> str:
    """A block as plain text."""
    if not isinstance(block, System):
        return f"{block.name}: {layer(block)}"
    lines = list(_table(block, ""))
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(4)]
    body = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)) for line in lines
    )
    return "\n".join([f"{block.name}: {system(block)}", *(f"  {line}".rstrip() for line in body)])


def layer(block: Block) -> str:
    """A layer in one line, without its name."""
    details = [f"{type(block).__name__}({block.extra_repr()})"]
    if block.in_shape is not None:
        details.append(f"{told(block.in_shape)} → {told(block.out_shape)}")
    if count(block) != "0":
        details.append(sized(count(block)))
    if block.inputs is not None:
        details.append("reads " + ", ".join(map(str, block.inputs)))
    if not block.is_setup:
        details.append("not set up")
    return ", ".join(details)


def system(block: System) -> str:
    """A system in one line, without its name."""
    blocks = block.extra_repr()
    known = block.is_setup or all(child.is_setup for child in block)
    size = sized(count(block)) if known and not block.is_empty else "not set up"
    return f"{type(block).__name__}, {blocks}, {size}"


def rows(parent: System) -> list[Row]:
    """What is told about each block of a system."""
    return [_row(parent, at, block) for at, block in enumerate(parent.blocks)]


def count(block: Block) -> str:
    """How many parameters it has, in groups of three digits."""
    return f"{sum(p.numel() for p in block.parameters() if not is_lazy(p)):,}"


def sized(count: str) -> str:
    """So many parameters, in words."""
    return f"{count} parameter" if count == "1" else f"{count} parameters"


def _row(parent: System, at: int, block: Block) -> Row:
    parameters = count(block)
    return Row(
        block=block,
        reads=_reads(parent, at, block),
        emits="" if block.out_shape is None else told(block.out_shape),
        parameters="" if parameters == "0" else parameters,
        details=block.extra_repr(),
    )


def _reads(parent: System, at: int, block: Block) -> str:
    if block.inputs is None or not isinstance(parent, GraphSystem):
        return parent[at - 1].name if at else SYSTEM_IN
    names = [b.name for b in parent.blocks]
    return ", ".join(f"{wire}{' (one step ago)' if later(wire, at, names) else ''}" for wire in block.inputs)


def _table(parent: System, indent: str) -> list[tuple[str, ...]]:
    lines = []
    for row in rows(parent):
        parameters = sized(row.parameters) if row.parameters else ""
        kind = f"{row.kind}({row.details})"
        lines.append((f"{indent}{row.block.name}", kind, f"← {row.reads}", row.emits, parameters))
        if isinstance(row.block, System):
            lines.extend(_table(row.block, indent + "  "))
    return lines
