"""How blocks show themselves, as text and in a notebook."""

from __future__ import annotations

from akidlab.blocks.block import Block


def text(block: Block) -> str:
    """One line for a layer, a table for a system."""
    return "\n".join(
        [_line(block), *("  " + line for child in _children(block) for line in text(child).split("\n"))]
    )


def html(block: Block) -> str:
    return f"<pre>{text(block)}</pre>"


def _children(block: Block) -> list[Block]:
    return list(getattr(block, "blocks", []))


def _line(block: Block) -> str:
    kind = f"{block.name}: {type(block).__name__}({block.extra_repr()})"
    return kind
