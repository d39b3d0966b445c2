"""The palette: the kinds of blocks that there are to choose from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from akidlab import blocks
from akidlab.blocks.block import Block
from akidlab.blocks.describing import first_line
from akidlab.blocks.layers.activation import ActivationLayer
from akidlab.blocks.layers.evaluation import EvalLayer
from akidlab.blocks.layers.group import GroupProcessingLayer
from akidlab.blocks.layers.loss import LossLayer
from akidlab.blocks.layers.memory import MemoryLayer
from akidlab.blocks.layers.recurrent import RecurrentLayer
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.layers.torch_layer import TorchLayer
from akidlab.blocks.system import System
from akidlab.errors import UnknownNameError

NEAR = 3  # kinds that are named where one is not found
_ABSTRACT = (
    Block, System, SynapseLayer, LossLayer, EvalLayer, ActivationLayer, GroupProcessingLayer, MemoryLayer,
    RecurrentLayer,
)  # fmt: skip
_ORDER = (
    "yours",
    "layers with weights",
    "activations",
    "other layers",
    "losses",
    "evaluations",
    "systems",
    "torch",
)
_SECTIONS: tuple[tuple[str, type], ...] = (
    ("systems", System),
    ("losses", LossLayer),
    ("evaluations", EvalLayer),
    ("layers with weights", SynapseLayer),
    ("activations", ActivationLayer),
    ("torch", TorchLayer),
)


@dataclass(frozen=True)
class Kind:
    """A class of blocks, as one chooses it.

    Args:
        name: of the class.
        section: where it stands; `yours` for those defined in the notebook.
        doc: the first line of its docstring.
        also: other names of it.
        cls: the class itself.
    """

    name: str
    section: str
    doc: str
    also: tuple[str, ...]
    cls: type[Block]


def palette() -> list[Kind]:
    """All kinds of blocks: those that were defined in the notebook, and those of akidlab.

    Example:
        >>> [kind.doc for kind in palette() if kind.name == "ReLULayer"]
        ['What is positive, and zero for the rest.']
    """
    names: dict[type[Block], list[str]] = {}
    for name in blocks.__all__:
        cls = getattr(blocks, name)
        if isinstance(cls, type) and issubclass(cls, Block) and cls not in _ABSTRACT:
            names.setdefault(cls, []).append(name)
    for cls in _of_the_notebook():
        names.setdefault(cls, []).append(cls.__name__)
    kinds = [_kind(cls, also) for cls, also in names.items()]
    return sorted(kinds, key=lambda kind: _ORDER.index(kind.section))


def kind(name: str) -> Kind:
    """The kind called `name`, or also called so.

    Raises:
        UnknownNameError: if there is none.
    """
    kinds = palette()
    for one in kinds:  # what the notebook defines comes first
        if name == one.name or name in one.also:
            return one
    words = {called.lower(): one.name for one in kinds for called in (*one.also, one.name)}
    word = str(name).lower()
    within = [one for one in words if word and word in one]
    near = dict.fromkeys(words[one] for one in [*within, *get_close_matches(word, words, NEAR, 0.5)])
    hint = f" Did you mean {' or '.join(f'`{one}`' for one in [*near][:NEAR])}?" if near else ""
    raise UnknownNameError(
        f"There is no kind of block `{name}`.{hint} `palette()` of the workbench lists all {len(kinds)}."
    )


def _kind(cls: type[Block], names: list[str]) -> Kind:
    also = tuple(name for name in names if name != cls.__name__)
    return Kind(cls.__name__, _section(cls), first_line(cls), also, cls)


def _section(cls: type[Block]) -> str:
    if cls.__module__ == "__main__":
        return "yours"
    return next((name for name, base in _SECTIONS if issubclass(cls, base)), "other layers")


def _of_the_notebook() -> Iterator[type[Block]]:
    for name, value in list(vars(sys.modules["__main__"]).items()):
        if (
            isinstance(value, type)
            and issubclass(value, Block)
            and (value.__module__, value.__name__) == ("__main__", name)
        ):
            yield value
