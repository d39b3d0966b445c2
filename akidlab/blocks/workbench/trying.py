"""Trying: a draft run part by part, to tell which of them does not fit, and what the others emit."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch

from akidlab.blocks.block import Block
from akidlab.blocks.refit import Refit
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Shape, Signal, shape_of
from akidlab.blocks.system import System
from akidlab.blocks.trial import trial
from akidlab.blocks.wiring import SYSTEM_IN, Wire
from akidlab.blocks.workbench.draft import Draft, Part, wrong
from akidlab.errors import AkidlabError, BlockError, unknown


class _Open(Exception):
    """A value that cannot be told, since something before is not right yet."""


@dataclass
class Findings:
    """What a trial of a draft found.

    Args:
        errors: what is wrong, by the path of the part that causes it; an empty path is the whole.
        shapes: what each part emits, and what enters a system, as far as that is known.
        blocks: the blocks as they were tried, by path.
    """

    errors: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)


def found(system: System) -> Findings:
    """What is known of a system that fits."""
    findings = Findings()
    for path, module in system.named_modules():
        if isinstance(module, System):
            findings.shapes[f"{path}.{SYSTEM_IN}".lstrip(".")] = module.in_shape
        if path and isinstance(module, Block):
            findings.shapes[path], findings.blocks[path] = module.out_shape, module
    return findings


def tried(draft: Draft, root: System, entry: Signal) -> Findings:
    """What is wrong with a draft that does not fit.

    Args:
        draft: its parts.
        root: the system that it is a draft of.
        entry: what goes in; None where that is not known, and only the wiring can be checked.
    """
    findings = Findings()
    shared: dict[int, Any] = {id(t): t for part in _all(draft) for t in _tensors(part)}
    seed = Seed(0, refit=Refit())
    with torch.no_grad():
        _walk(draft, type(root), _entry(root, entry), "", findings, shared, seed)
    return findings


def _entry(system: System, entry: Signal) -> Signal:
    return None if entry is None else system._entry(entry)


def _walk(
    draft: Draft,
    cls: type,
    entry: Signal,
    prefix: str,
    findings: Findings,
    shared: dict[int, Any],
    seed: Seed,
) -> Signal:
    """Try the parts of a system; returns what the last of them emits."""
    values: dict[str, Signal] = {SYSTEM_IN: entry}
    findings.shapes[prefix + SYSTEM_IN] = shape_of(entry)
    before, names = SYSTEM_IN, [part.name for part in draft]
    if not draft and prefix:
        findings.errors[prefix.rstrip(".")] = f"`{prefix.rstrip('.')}` is empty. Add a block within it."
    for number, part in enumerate(draft):
        path = prefix + part.name
        values[part.name] = None
        try:
            if error := wrong(part):
                raise BlockError(error)
            wired = getattr(cls, "WIRED", True)
            given = _given(part, number, names, values, before) if wired else _known(values[before])
            values[part.name] = _tried(part, given, path, findings, shared, seed.child(part.name))
        except _Open:
            if part.is_system:
                _walk(part.inside, part.cls, None, f"{path}.", findings, shared, seed)
        except AkidlabError as error:
            findings.errors[path] = str(error)
        except Exception as error:  # whatever the forward of a block raises
            findings.errors[path] = f"{type(error).__name__}: {error}"
        findings.shapes.setdefault(path, shape_of(values[part.name]))
        before = part.name
    return values[before]


def _tried(
    part: Part, given: Signal, path: str, findings: Findings, shared: dict[int, Any], seed: Seed
) -> Signal:
    block = part.block
    assert block is not None
    if isinstance(block, System):
        return _walk(part.inside, part.cls, block._entry(given), f"{path}.", findings, shared, seed)
    block = deepcopy(block, dict(shared))
    block._rename(part.name)
    findings.blocks[path] = block
    with trial(block):
        return block._prepare(given, seed)


def _given(part: Part, number: int, names: list[str], values: dict[str, Signal], before: str) -> Signal:
    """What a part reads."""
    wires = (Wire(before),) if part.inputs is None else part.inputs
    for wire in wires:
        if wire.constant is None and wire.name not in (SYSTEM_IN, *names):
            others = [SYSTEM_IN, *(name for name in names if name != part.name)]
            error = unknown("block", wire.name, others)
            raise type(error)(f"`inputs` of `{part.name}`: {error}")
    signals: list[Any] = []
    for wire in wires:
        if wire.constant is not None:
            signals.append(wire.constant)
            continue
        late = wire.delay or (wire.name in names and names.index(wire.name) >= number)
        if late:
            raise _Open
        value = _known(values[wire.name])
        signals += (
            [_element(part, wire, value, index) for index in wire.idxs]
            if isinstance(value, list)
            else [value]
        )
    one = len(wires) == 1 and len(wires[0].idxs) == 1
    return signals[0] if one else signals


def _element(part: Part, wire: Wire, value: list[Any], index: int) -> Any:
    if -len(value) <= index < len(value):
        return value[index]
    if wire.name == SYSTEM_IN:
        raise _Open  # labels are not needed to tell shapes
    raise BlockError(
        f"`{part.name}` reads element {index} of a block that emits {len(value)}. Correct its `idxs`."
    )


def _known(value: Signal) -> Signal:
    if value is None:
        raise _Open
    return value


def _all(draft: Draft) -> list[Part]:
    return [one for part in draft for one in (part, *_all(part.inside))]


def _tensors(part: Part) -> list[torch.Tensor]:
    return [] if part.block is None else [*part.block.parameters(), *part.block.buffers()]
