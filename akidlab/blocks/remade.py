"""Remade: what a block would have to be made with to be as it is now."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from akidlab.blocks.block import Block
from akidlab.blocks.layout import flat
from akidlab.blocks.said import Saying, Unsaid
from akidlab.options import signature

EVERY = ("name", "inputs", "bag", "call_on_update", "moving_average_decay")  # options of each block
_HELD = {"init_para": "initializer", "wd": "_wd", "type": "kind"}  # where layers hold some options


def told(value: Any) -> str:
    """A value on one line, for a comparison; what cannot be said is told from others by its identity."""
    try:
        return flat(Saying().said(value))
    except Unsaid:
        return f"<{id(value)}>"


def values_of(block: Block, *, held: bool = False) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """What the options of a block are now: as given, or as the block holds them where that has changed.

    Args:
        block: the block.
        held: take whatever it holds, also where that is what was given.
    """
    found, rest = block._call.named(type(block))
    other = None if held else twin(block)
    for name in signature(type(block)).parameters:
        kept = _HELD.get(name, name) if _HELD.get(name, name) in vars(block) else name
        if name in EVERY or kept not in vars(block):
            continue
        made = block._made
        now = made.before[kept] if made is not None and kept in made.before else vars(block)[kept]
        if held or (other is not None and kept in vars(other) and _differ(vars(other)[kept], now)):
            found[name] = now
    if isinstance(module := block._modules.get("module"), nn.Module) and "module" in found:
        found["module"] = module
    return found, rest


def _differ(one: Any, other: Any) -> bool:
    texts = told(one), told(other)
    return texts[0] != texts[1] and not (texts[0].startswith("<") and texts[1].startswith("<"))


def twin(block: Block) -> Block | None:
    """Another block, made as this one was; None where that does not work any more."""
    try:
        with torch.random.fork_rng(devices=[]):
            return type(block)(*block._call.args, **block._call.options)
    except Exception:  # whatever the constructor of a user's class raises
        return None


def options_of(block: Block) -> dict[str, Any]:
    """What a block is made with now, by name, where that is not the default."""
    now, _ = values_of(block)
    known = signature(type(block)).parameters
    found = {"call_on_update": block.call_on_update, "moving_average_decay": block.moving_average_decay}
    found |= {name: value for name, value in now.items() if name not in EVERY and name in known}
    return {
        name: value for name, value in found.items() if name in known and not _is_default(known[name], value)
    }


def _is_default(parameter: inspect.Parameter, value: Any) -> bool:
    return parameter.default is not parameter.empty and told(parameter.default) == told(value)
