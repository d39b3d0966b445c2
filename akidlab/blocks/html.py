"""How blocks show themselves in a notebook: a tree that folds, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from akidlab.blocks.block import Block
from akidlab.blocks.describe import Row, count, rows, system
from akidlab.blocks.signal import told
from akidlab.blocks.system import System

# Colours are those of the page: `currentColor`, and JupyterLab's variables where there are some.
_STYLE = """<style>
.akidlab-block { font-family: var(--jp-ui-font-family, sans-serif); font-size: 13px; color: inherit; }
.akidlab-block summary { cursor: pointer; }
.akidlab-block summary:focus-visible { outline: 2px solid var(--jp-brand-color1, currentColor); }
.akidlab-block .quiet { opacity: .7; }
.akidlab-block code { background: none; color: inherit; font-family: var(--jp-code-font-family, monospace); }
.akidlab-block table { border-collapse: collapse; margin: 2px 0 6px 14px; color: inherit; font: inherit; }
.akidlab-block th, .akidlab-block td { text-align: left !important; vertical-align: top !important;
  padding: 2px 14px 2px 0 !important; border: 0; background: none !important; white-space: nowrap; }
.akidlab-block th { opacity: .7; font-weight: normal; }
.akidlab-block tr { background: none !important; border: 0;
  border-top: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)) !important; }
.akidlab-block .number { text-align: right !important; font-variant-numeric: tabular-nums; }
</style>"""


def html(block: Block) -> str:
    """A block as HTML, without scripts."""
    body = _tree(block) if isinstance(block, System) else _layer(block)
    return f'{_STYLE}<div class="akidlab-block">{body}</div>'


def _tree(block: System) -> str:
    head = f"<b>{escape(block.name)}</b> <span class=quiet>{escape(system(block))}</span>"
    return f"<details open><summary>{head}</summary>{_table(block)}</details>"


def _table(block: System) -> str:
    titles = "".join(f"<th>{title}</th>" for title in ("block", "layer", "reads", "emits"))
    header = f"<thead><tr>{titles}<th class=number>parameters</th></tr></thead>"
    return f"<table>{header}<tbody>{''.join(_row(row) for row in rows(block))}</tbody></table>"


def _row(row: Row) -> str:
    name = f"<b>{escape(row.block.name)}</b>"
    facts = _told(_tensors(row.block))
    first = f"<details><summary>{name}</summary>{facts}</details>" if facts else name
    details = f" <span class=quiet>{escape(row.details)}</span>" if row.details else ""
    cells = [first, escape(row.kind) + details, escape(row.reads), escape(row.emits)]
    told = "".join(f"<td>{cell}</td>" for cell in cells) + f"<td class=number>{row.parameters}</td>"
    return f"<tr>{told}</tr>{_inside(row.block)}"


def _inside(block: Block) -> str:
    if not isinstance(block, System):
        return ""
    head = f"<span class=quiet>the {escape(block.extra_repr())} of {escape(block.name)}</span>"
    return f"<tr><td colspan=5><details><summary>{head}</summary>{_table(block)}</details></td></tr>"


def _layer(block: Block) -> str:
    details = f" <span class=quiet>{escape(block.extra_repr())}</span>" if block.extra_repr() else ""
    state = "" if block.is_setup else " <span class=quiet>not set up</span>"
    head = f"<b>{escape(block.name)}</b> {escape(type(block).__name__)}{details}{state}"
    return f"<details open><summary>{head}</summary>{_facts(block)}</details>"


def _facts(block: Block) -> str:
    reads = [] if block.inputs is None else [("reads", ", ".join(map(str, block.inputs)))]
    return _told([*_shapes(block), *_tensors(block), *reads])


def _told(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"<div><span class=quiet>{escape(k)}</span> <code>{escape(v)}</code></div>" for k, v in facts
    )


def _shapes(block: Block) -> Iterable[tuple[str, str]]:
    if block.in_shape is not None:
        yield "shapes", f"{told(block.in_shape)} → {told(block.out_shape)}"
    if count(block) != "0":
        yield "parameters", count(block)


def _tensors(block: Block) -> Iterable[tuple[str, str]]:
    for name, parameter in block.named_parameters(recurse=False):
        shape = "×".join(map(str, parameter.shape)) or "scalar"
        kind = str(parameter.dtype).removeprefix("torch.")
        frozen = "" if parameter.requires_grad else ", frozen"
        yield name, f"{shape} {kind} {parameter.device}{frozen}"
    for name, value in block._told():
        yield name, value
