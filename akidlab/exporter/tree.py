"""The tree of a model: which of its modules are observed, and what they and their parameters are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import type_before_parametrizations

from akidlab.blocks import Block, System

WHOLE = (nn.MultiheadAttention,)  # these never call the modules within them
INSIDE = "parametrizations"


class NamedModule(NamedTuple):
    """A module and what it is called."""

    module: nn.Module
    name: str


class Held(NamedTuple):
    """A place that holds a parameter.

    Args:
        place: the dict of its module.
        name: what it is called there.
        is_bias: True for biases.
        key: what it is called in messages.
    """

    place: dict[str, nn.Parameter | None]
    name: str
    is_bias: bool
    key: str


# The modules within a module, as they were, and how many parameters it had: what a change shows in.
_Seen = tuple[dict[str, "nn.Module | None"], tuple["nn.Module | None", ...], dict[str, Any], int]


class Tree:
    """The modules that are observed, found in models.

    Args:
        depth: how deep to look; -1 for the leaves, 0 for a model as a whole.
        module_filter: classes, or names with wildcards; None keeps all.
    """

    def __init__(self, depth: int = -1, module_filter: Sequence[type | str] | None = None) -> None:
        self.depth = depth
        self.filter = None if module_filter is None else tuple(module_filter)
        self.roots: list[tuple[str, nn.Module, bool]] = []
        self.units: dict[int, NamedModule] = {}
        self.held: list[Held] = []
        self._seen: list[_Seen] = []

    def add(self, module: nn.Module, name: str = "", recursive: bool = True) -> None:
        """Observe a module, or those within it."""
        if not any(root is module for _, root, _ in self.roots):
            self.roots.append((name, module, recursive))
            self._name()

    def refresh(self) -> bool:
        """Name all anew, if modules or parameters came or went; True if they did."""
        for inner, children, parameters, count in self._seen:
            if len(parameters) != count or tuple(inner.values()) != children:
                self._name()
                return True
        return False

    def _look(self) -> list[_Seen]:
        modules = {id(m): m for _, root, _ in self.roots for m in root.modules()}
        return [
            (m._modules, tuple(m._modules.values()), m._parameters, len(m._parameters))
            for m in modules.values()
        ]

    def _name(self) -> None:
        self._seen, self.units, self.held = self._look(), {}, []
        taken: Counter[str] = Counter()
        known: set[int] = set()
        for name, root, recursive in self.roots:
            for module, path, inner in walk(root, name, self.depth if recursive else 0):
                if id(module) in known or not self._keeps(module, path or called(root)):
                    continue
                known.add(id(module))
                key = path or called(root)
                if inner:
                    key = _free(key, taken)
                    self.units[id(module)] = NamedModule(module, key)
                self.held += _held(module, key, inner)
        self.held = _once(self.held)

    def _keeps(self, module: nn.Module, name: str) -> bool:
        return self.filter is None or any(
            fnmatchcase(name, kind) if isinstance(kind, str) else isinstance(module, kind)
            for kind in self.filter
        )


def called(module: nn.Module) -> str:
    """What a module is called that has no name: its class, in lower case, whatever torch made of that.

    Example:
        >>> called(torch.nn.LazyLinear(3))
        'linear'
    """
    kind = type_before_parametrizations(module)
    return (getattr(kind, "cls_to_become", None) or kind).__name__.lower()


def unwrapped(module: nn.Module) -> nn.Module:
    """What is within the wrappers that torch puts around a model, to compile it or to spread it."""
    inner = getattr(module, "_orig_mod", None)
    if inner is None and isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        inner = module.module
    return module if inner is None else unwrapped(inner)


def is_compiled(module: nn.Module) -> bool:
    """True for a model that tells nothing of what passes through it."""
    return hasattr(module, "_orig_mod") or any(m._compiled_call_impl is not None for m in module.modules())


def walk(module: nn.Module, name: str, depth: int) -> Iterator[tuple[nn.Module, str, bool]]:
    """The modules in a tree, with their names, and whether each stands for all within it."""
    parts = [] if depth == 0 else parts_of(module)
    yield module, name, not parts
    for part, child in parts:
        yield from walk(child, f"{name}/{part}" if name else part, depth - 1)


def parts_of(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """What is observed within a module, and what it is called there; for a number stands its class.

    Example:
        >>> [part for part, _ in parts_of(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()))]
        ['linear0', 'relu0']
    """
    parts: list[tuple[str, nn.Module]] = []
    counts: Counter[str] = Counter()
    for child, part in children_of(module):
        if part[:1].isdigit():
            part = called(child)
            counts[part] += 1
            part = f"{part}{counts[part] - 1}"
        parts.append((part, child))
    return parts


def children_of(module: nn.Module) -> list[tuple[nn.Module, str]]:
    """The modules within one that are observed in its place; none for a leaf, and a block is one."""
    if isinstance(module, System):
        return [(block, block.name) for block in module.blocks]
    if isinstance(module, (Block, *WHOLE)):
        return []
    return [(child, name) for name, child in module.named_children() if name != INSIDE]


def _free(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    return name if taken[name] == 1 else _free(f"{name}{taken[name] - 1}", taken)


def _held(module: nn.Module, key: str, inner: bool) -> list[Held]:
    """Where the parameters of a module are; those of all within it, if it stands for them."""
    places = list(module.named_modules()) if inner else [("", module)]
    found = [(path, m._parameters, name) for path, m in places for name in m._parameters]
    ours = Counter(name for _, _, name in found) if isinstance(module, Block) else Counter()
    held = []
    for path, place, name in found:
        plain = name in ("weight", "bias") and (not path or ours[name] == 1)
        inside = f"{path}.{name}" if path else name
        held.append(Held(place, name, "bias" in name, key if plain else f"{key}.{inside}"))
    return held


def _once(held: list[Held]) -> list[Held]:
    """Each place once; what is shared by two modules belongs to the first."""
    places: set[tuple[int, str]] = set()
    return [h for h in held if (id(h.place), h.name) not in places and not places.add((id(h.place), h.name))]


def parameters_of(held: Sequence[Held]) -> list[tuple[bool, str, nn.Parameter]]:
    """The parameters that are there now, each once, with their names."""
    found: dict[int, tuple[bool, str, nn.Parameter]] = {}
    for place, name, is_bias, key in held:
        parameter = place.get(name)
        if parameter is not None and id(parameter) not in found and not is_lazy(parameter):
            found[id(parameter)] = (is_bias, key, parameter)
    return list(found.values())
