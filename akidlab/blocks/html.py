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
.akidlab-block summary { cursor: pointer; padding: 2px 0; }
.akidlab-block summary:focus-visible { outline: 2px solid var(--jp-brand-color1, currentColor); }
.akidlab-block .quiet { opacity: .7; }
.akidlab-block code { background: none; color: inherit; font-family: var(--jp-code-font-family, monospace); }
.akidlab-block table { border-collapse: collapse; margin: 2px 0 6px 14px; table-layout: auto; }
.akidlab-block th, .akidlab-block td { text-align: left !important; vertical-align: top !important;
  padding: 2px 14px 2px 0 !important; border: 0; background: none !important; white-space: nowrap; }
.akidlab-block th { opacity: .7; font-weight: normal; }
.akidlab-block tr { background: none !important; border: 0;
  border-top: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)) !important; }
.akidlab-block .number { text-align: right !important; font-variant-numeric: tabular-nums; }
</style>"""


def html(block: Block) -> str:
    """A block as HTML, without scripts."""
    body = _system(block, True) if isinstance(block, System) else _layer(block)
    return f'{_STYLE}<div class="akidlab-block">{body}</div>'


def _system(block: System, is_open: bool) -> str:
    head = f"<summary><b>{escape(block.name)}</b> <span class=quiet>{escape(system(block))}</span></summary>"
    titles = "".join(f"<th>{title}</th>" for title in ("block", "layer", "reads", "emits"))
    body = "".join(_row(row) for row in rows(block))
    header = f"<thead><tr>{titles}<th class=number>parameters</th></tr></thead>"
    table = f"<table>{header}<tbody>{body}</tbody></table>"
    return f"<details{' open' if is_open else ''}>{head}{table}</details>"


def _row(row: Row) -> str:
    if isinstance(row.block, System):
        return f"<tr><td colspan=5>{_system(row.block, False)}{_flow(row)}</td></tr>"
    name = f"<b>{escape(row.block.name)}</b>"
    facts = _facts(row.block)
    first = f"<details><summary>{name}</summary>{facts}</details>" if facts else name
    details = f" <span class=quiet>{escape(row.details)}</span>" if row.details else ""
    cells = [first, escape(row.kind) + details, escape(row.reads), escape(row.emits)]
    return (
        "<tr>"
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + f"<td class=number>{row.parameters}</td></tr>"
    )


def _flow(row: Row) -> str:
    emits = f", emits {escape(row.emits)}" if row.emits else ""
    return f"<span class=quiet>reads {escape(row.reads)}{emits}</span>"


def _layer(block: Block) -> str:
    details = f" <span class=quiet>{escape(block.extra_repr())}</span>" if block.extra_repr() else ""
    state = "" if block.is_setup else " <span class=quiet>not set up</span>"
    head = f"<b>{escape(block.name)}</b> {escape(type(block).__name__)}{details}{state}"
    return f"<details open><summary>{head}</summary>{_facts(block)}</details>"


def _facts(block: Block) -> str:
    facts = [*_shapes(block), *_tensors(block)]
    if block.inputs is not None:
        facts.append(("reads", ", ".join(map(str, block.inputs))))
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
