"""Names: what a question may name: blocks, what they hold and emit, and where the training stands."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from akidlab.blocks import Block
from akidlab.errors import AskError, unknown
from akidlab.exporter.tree import called, parts_of, unwrapped, walk

if TYPE_CHECKING:
    from akidlab.asking.bounds import Bounded
    from akidlab.asking.peek import Peek

ROOTS = ("brain", "model")  # names of the whole
PASSES = ("out", "inputs", "input")
LISTED = 30


class Unseen(Exception):
    """A question is about a pass of a module that nobody kept."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__(name)
        self.module, self.name = module, name


@dataclass(frozen=True)
class Named:
    """A module, and what the question calls it."""

    module: nn.Module
    name: str


class Names:
    """Looks names up, in dictionaries alone: no attribute is read, so that no code of anybody runs.

    Args:
        module: the whole.
        values: where the training stands, by name; functions, called when asked.
        peek: what was seen of passes.
        bounds: protects what is handed out.
    """

    def __init__(
        self,
        module: nn.Module,
        values: Mapping[str, Callable[[], object]],
        peek: Peek,
        bounds: Bounded,
    ) -> None:
        self._root = Named(unwrapped(module), "")
        self._values, self._peek, self._bounds = values, peek, bounds

    def value(self, name: str) -> object:
        """What `name` is where it stands alone: a value, else a block."""
        return self._handed(self._values[name]()) if name in self._values else self.block(name)

    def block(self, name: str) -> object:
        """What `name` is before a dot: a block, a parameter of the whole, else a value.

        Raises:
            UnknownNameError: if it is nothing.
        """
        found = self._held(self._root, name)
        found = self._told(self._root, name) if found is None else found
        if found is not None:
            return found
        if name in ROOTS or name == called(self._root.module):
            return self._root
        if name in self._values:
            return self.value(name)
        if name in PASSES:
            return self._passed(self._root, name)
        raise self._unknown(name)

    def member(self, named: Named, name: str | int) -> object:
        """What a module has under `name`: a block within, a parameter, a buffer, or its last pass.

        Raises:
            UnknownNameError: if that is nothing.
        """
        found = self._held(named, str(name))
        found = self._told(named, str(name)) if found is None else found
        found = self._numbered(named, name) if found is None else found
        if found is not None:
            return found
        if name in PASSES:
            return self._passed(named, str(name))
        error = unknown("name", str(name), known_in(named))
        raise type(error)(f"In `{named.name or 'brain'}`: {error}")

    def known(self) -> list[str]:
        """What may stand alone: blocks, what the whole holds, where the training stands."""
        paths = paths_of(self._root.module)
        return list(dict.fromkeys([*_parts(self._root.module), *self._values, *ROOTS[:1], *paths]))

    def gradient(self, tensor: Tensor, told: str) -> Tensor:
        """The gradient of a parameter.

        Raises:
            AskError: if it has none.
        """
        if not tensor.is_leaf or tensor.grad is None:
            raise AskError(
                f"`{told}` has no gradient: it is no parameter that learns, or no step was made yet."
            )
        return self._bounds.protect(tensor.grad)

    def _held(self, named: Named, name: str) -> object:
        module = named.module
        if name.startswith("_"):
            raise AskError(f"`{name}` is private; a question may not look there.")
        child = module._modules.get(name)
        if child is not None:
            return Named(child, f"{named.name}.{name}".lstrip("."))
        tensor = module._parameters.get(name)
        tensor = module._buffers.get(name) if tensor is None else tensor
        if tensor is not None:
            self._bounds.protect(tensor)
            return tensor
        wrapped = module._modules.get("module")  # what a TorchLayer wraps
        return self._held(Named(wrapped, named.name), name) if wrapped is not None else None

    def _told(self, named: Named, name: str) -> Named | None:
        """What an exporter, and so tags and findings, call `name`: `relu0`, or a path such as `mlp/relu0`."""
        module: nn.Module | None = named.module
        for part in name.split("/"):
            module = None if module is None else dict(parts_of(module)).get(part)
        return None if module is None else Named(module, f"{named.name}.{name}".lstrip("."))

    def _numbered(self, named: Named, number: object) -> object:
        """The n-th block; negative ones count from the end."""
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        held = named.module._modules.items()
        names = [name for name, child in held if child is not None and not name.startswith("_")]
        if not -len(names) <= number < len(names):
            raise AskError(f"`{named.name or 'brain'}` has {len(names)} blocks; there is no number {number}.")
        return self._held(named, names[number])

    def _passed(self, named: Named, what: str) -> object:
        seen = self._peek.seen(named.module)
        if seen is not None:
            return self._handed(
                {"out": seen.out, "inputs": seen.inputs, "input": seen.inputs[:1]}[what], what
            )
        kept = named.module._kept[0] if isinstance(named.module, Block) else None
        if what != "out" or kept is None:
            raise Unseen(named.module, named.name or "brain")
        return self._handed(kept)

    def _handed(self, value: object, what: str = "out") -> object:
        if what == "input" and isinstance(value, (list, tuple)) and value:
            value = value[0]
        if isinstance(value, Tensor):
            return self._bounds.protect(value)
        if isinstance(value, (list, tuple)):
            return tuple(self._handed(one) for one in value)
        return value

    def _unknown(self, name: str) -> Exception:
        module = self._root.module
        deeper = [path for path, _ in module.named_modules() if path.endswith(f".{name}")]
        told = [path for path in paths_of(module) if path.endswith(f"/{name}")]
        error = unknown("block or value", name, dict.fromkeys([*self._values, *_parts(module)]))
        hint = f" There is `{written(deeper[0]) if deeper else told[0]}`." if deeper or told else ""
        return type(error)(f"{error}{hint}")


def paths_of(module: nn.Module) -> list[str]:
    """What tags and findings call the modules that are deeper within, such as `encoder/relu0`."""
    return [path for _, path, _ in walk(unwrapped(module), "", -1) if "/" in path]


def known_in(named: Named) -> list[str]:
    """What may stand behind a module and a dot."""
    return [*_parts(named.module), *PASSES]


def written(path: str) -> str:
    """A path of module names, as a question writes it.

    Example:
        >>> written("net.0.weight")
        'net[0].weight'
    """
    parts = (
        f".{p}" if p.isidentifier() else f"[{p}]" if p.isdigit() else f"[{p!r}]" for p in path.split(".")
    )
    return "".join(parts).lstrip(".")


def described(module: nn.Module, name: str) -> str:
    """A module in a few lines: what it is, and what may be asked of it."""
    lines = [f"`{name or 'brain'}`: {type(module).__name__}"]
    for name, tensor in {**module._parameters, **module._buffers}.items():
        if tensor is not None and not name.startswith("_"):
            lines.append(f"  .{name}  {tuple(tensor.shape)}")
    for name, child in _children(module).items():
        lines.append(f"  {written(f'x.{name}')[1:]}  {type(child).__name__}")
    more = [f"  and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    return "\n".join([*lines[:LISTED], *more, "  .out, .inputs  of its last pass"])


def _parts(module: nn.Module) -> list[str]:
    """The names of its blocks, parameters and buffers, and of those of what it wraps."""
    own = [*_children(module), *_numbers(module)]
    wrapped = module._modules.get("module")
    return own if wrapped is None else list(dict.fromkeys([*own, *_parts(wrapped)]))


def _children(module: nn.Module) -> dict[str, nn.Module]:
    """The modules within, as tags and findings call them; others by their own names."""
    told = {id(child): part for part, child in parts_of(module)}
    held = module._modules.items()
    own = {name: child for name, child in held if child is not None and not name.startswith("_")}
    return {told.get(id(child), name) if name.isdigit() else name: child for name, child in own.items()}


def _numbers(module: nn.Module) -> list[str]:
    held = {**module._parameters, **module._buffers}
    return [name for name, tensor in held.items() if tensor is not None and not name.startswith("_")]


def said(node: ast.AST) -> str:
    """A part of a question, as it is quoted in complaints."""
    return ast.unparse(node)[:80]
