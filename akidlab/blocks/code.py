"""Code: a system as the Python text that makes it again."""

from __future__ import annotations

import inspect
import re
import sys
from copy import deepcopy
from keyword import iskeyword
from typing import Any

from torch import Tensor, nn

from akidlab._public import HOMES
from akidlab.blocks.block import Block
from akidlab.blocks.call import Lost
from akidlab.blocks.layout import Row, Text, call, flat, laid, named
from akidlab.blocks.remade import EVERY, told, twin, values_of
from akidlab.blocks.said import Saying, Unsaid
from akidlab.blocks.system import System
from akidlab.blocks.wiring import Wire
from akidlab.errors import BlockError
from akidlab.options import signature

_NO_LIFE = ("__init__", "__doc__", "__module__", "__qualname__", "__annotations__", "NAME", "SETTLED")


class Code(str):
    """Python text that makes a system.

    Args:
        text: the text.
        name: the class, or the function, that it defines.
        given: what text cannot say, such as a lambda, by the argument in which it is to be handed over.
    """

    name: str
    given: dict[str, Any]

    def __new__(cls, text: str, name: str, given: dict[str, Any]) -> Code:
        code = super().__new__(cls, text)
        code.name, code.given = name, given
        return code

    def build(self, **options: Any) -> System:
        """Run the text and make the system; modules of torch that it was given are copied.

        Args:
            options: for the class that the text defines.
        """
        names = {**vars(sys.modules["__main__"]), "__name__": "__main__"}
        exec(compile(self, f"<{self.name}>", "exec"), names)
        given = {k: deepcopy(v) if isinstance(v, nn.Module) else v for k, v in self.given.items()}
        return names[self.name](**given, **options)

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}```"


def to_code(root: System) -> Code:
    """The text that makes `root` again; see `System.to_code`."""
    _check_sharing(root)
    writer = _Writer()
    base = _base(root)
    if base is None:
        return _function(root, writer)
    own = _life(type(root), base)
    if own:
        raise BlockError(
            f"`{root.name}` is a {type(root).__name__} that was edited after it was made, and code could not "
            f"tell what the class does besides ({', '.join(own)}). Make the edits in its constructor."
        )
    return _class(root, base, writer)


def _class(root: System, base: type[System], writer: _Writer) -> Code:
    blocks = [writer.block(block, root, block.name) for block in root.blocks]
    options = [named(f'"{key}": ', text) for key, text in writer.of_root(root, base)]
    parent, saying = writer.saying.name(base), writer.saying
    name = _class_name(root, {*saying.local, *(n for names in saying.imports.values() for n in names)})
    passed = "**options" if not options else f"**{flat(Row('{', tuple(options), '}'))} | options"
    lines = [*saying.lines(), *(["", ""] if saying.imports else []), f"class {name}({parent}):"]
    if root.name != base.NAME:
        lines += [f"    NAME = {flat(saying.said(root.name))}", ""]
    arguments = ", ".join(["self", *(["*", *saying.given] if saying.given else []), "**options"])
    lines += [f"    def __init__({arguments}):", f"        super().__init__({passed})"]
    if blocks:
        lines.append("        " + laid(call("self.attach", blocks), "        "))
    return Code("\n".join(lines) + "\n", name, saying.given)


def _function(root: System, writer: _Writer) -> Code:
    made, saying = writer.made(root, None, root.name), writer.saying
    name = re.sub(r"\W", "_", f"make_{root.name}")
    lines = [*saying.lines(), *(["", ""] if saying.imports else [])]
    lines += [f"def {name}({', '.join(['*', *saying.given] if saying.given else [])}):"]
    lines += ["    return " + laid(made, "    ", after=7)]
    return Code("\n".join(lines) + "\n", name, saying.given)


class _Writer:
    def __init__(self) -> None:
        self.saying = Saying()

    # -- blocks

    def block(self, block: Block, around: System, path: str) -> Text:
        """The expression that makes a block."""
        if not isinstance(block, System) or _as_made(block):
            return self.made(block, around, path)
        base = _base(block)
        assert base is not None
        own = _life(type(block), base)
        if own:
            raise BlockError(
                f"`{path}` is a {type(block).__name__} that was edited after it was made, and code could not "
                f"tell what the class does besides ({', '.join(own)}). Make the edits in its constructor."
            )
        made = call(self.named(base, path), self.options(block, around, path, base))
        inner = [self.block(child, block, f"{path}_{child.name}") for child in block.blocks]
        return call(flat(made) + ".attach", inner) if inner else made

    def made(self, block: Block, around: System | None, path: str) -> Row:
        """The call of the constructor of a block."""
        return call(self.named(type(block), path), self.options(block, around, path, type(block)))

    def options(self, block: Block, around: System | None, path: str, cls: type) -> list[Text]:
        """The arguments of a constructor that differ from its defaults."""
        values, rest = values_of(block)
        parts = [self.value(value, f"{path}_{number}") for number, value in enumerate(rest)]
        known = signature(cls).parameters
        for name, parameter in known.items():
            if name in EVERY or name not in values or parameter.kind in (2, 4):
                continue
            text = self.value(values[name], f"{path}_{name}")
            if parameter.default is parameter.empty or flat(text) != self.default(parameter):
                parts.append(named(f"{name}=", text))
        return [*parts, *self.every(block, around, path, known)]

    def every(
        self, block: Block, around: System | None, path: str, known: Any, *, is_root: bool = False
    ) -> list[Text]:
        """The options that each block takes."""
        said: dict[str, Text] = {}
        if block._name is not None and not is_root:
            said["name"] = self.saying.said(block.name)
        if block.inputs is not None:
            said["inputs"] = self.inputs(block, path)
        if block.call_on_update:
            said["call_on_update"] = "True"
        if block._decay is not None and (around is None or block._decay != around._decay):
            said["moving_average_decay"] = self.saying.said(block._decay)
        said |= {flag: repr(value) for flag, value in block._own_flags.items()}
        if block.bag:
            said["bag"] = self.value(block.bag, f"{path}_bag")
        open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
        for option in said:
            if option not in known and not open_ended:
                raise BlockError(
                    f"`{block.name}` ({type(block).__name__}) takes no option `{option}`, so code cannot "
                    "make it again. Let its `__init__` take `**kwargs`, and pass them on to that of Block."
                )
        return [named(f"{option}=", text) for option, text in said.items()]

    def of_root(self, root: System, base: type) -> list[tuple[str, Text]]:
        """The options of the outermost system that differ from the defaults of `base`."""
        found = []
        values, _ = values_of(root, held=True)
        known = signature(base).parameters
        for name, parameter in known.items():
            if name in values and name not in EVERY and parameter.kind not in (2, 4):
                text = self.value(values[name], f"{root.name}_{name}")
                if parameter.default is parameter.empty or flat(text) != self.default(parameter):
                    found.append((name, text))
        for text in self.every(root, None, root.name, known, is_root=True):
            name, _, rest = (text if isinstance(text, str) else text.opens).partition("=")
            found.append((name, rest if isinstance(text, str) else Row(rest, text.parts, text.closes)))
        return found

    # -- parts

    def inputs(self, block: Block, path: str) -> Text:
        """What `inputs=` says."""
        return Row("[", tuple(self.wire(block, n, w, path) for n, w in enumerate(block.inputs or ())), "]")

    def wire(self, block: Block, number: int, wire: Wire, path: str) -> Text:
        if wire.constant is not None:
            return self.value(block._constant(number), f"{path}_input{number}")
        facts: dict[str, object] = {"name": wire.name}
        for key in ("idxs", "delay", "init", "bptt"):
            value, default = getattr(wire, key), getattr(Wire, key)
            if isinstance(value, Tensor) or value != default:
                facts[key] = list(value) if key == "idxs" else value
        parts = [
            named(f'"{key}": ', self.value(value, f"{path}_input{number}_{key}"))
            for key, value in facts.items()
        ]
        return Row("{", tuple(parts), "}")

    def named(self, cls: type, path: str) -> str:
        """The name of a class; one that no import reaches is handed over as an argument."""
        try:
            return self.saying.name(cls)
        except Unsaid:
            return self.saying.argument(cls, cls.__name__)

    def value(self, value: Any, where: str) -> Text:
        if isinstance(value, Lost):
            raise BlockError(
                f"What `{where}` was made with did not survive being pickled, so code cannot make it again."
            )
        return self.saying.value(value, where)

    def default(self, parameter: inspect.Parameter) -> str | None:
        return None if parameter.default is parameter.empty else told(parameter.default)


def _as_made(system: System) -> bool:
    """True if its constructor attached the blocks, and they are what it attached."""
    other = twin(system)
    if not isinstance(other, System) or other.is_empty:
        return other is not None and system.is_empty
    other._take_decay(system._decay)
    return _blocks_said(other) == _blocks_said(system)


def _blocks_said(system: System) -> list[str]:
    writer = _Writer()
    said = [flat(writer.block(block, system, block.name)) for block in system.blocks]
    return [*said, *(f"{name} {value}" for name, value in writer.saying.given.items())]


def _base(system: System) -> type[System] | None:
    """The class that a class written for `system` begins with; None if only its own class makes it."""
    for cls in type(system).__mro__:
        if not issubclass(cls, System):
            break
        if cls.__module__.startswith("akidlab.blocks."):
            return cls if not _life(type(system), cls) or not _as_made(system) else None
        if _overrides(cls) and _is_bare(cls):
            return cls
    raise AssertionError(type(system))  # System itself is one of akidlab's


def _life(cls: type, base: type) -> list[str]:
    """What the classes from `cls` to `base` do besides attaching blocks."""
    between = cls.__mro__[: cls.__mro__.index(base)]
    return sorted({name for one in between for name in _overrides(one)})


def _overrides(cls: type) -> list[str]:
    """What a class does in its own way, and what it offers besides."""
    ways = (property, classmethod, staticmethod)
    return [
        name
        for name, value in vars(cls).items()
        if name not in _NO_LIFE
        and (inspect.isfunction(value) or isinstance(value, ways))
        and (not name.startswith("_") or any(name in vars(base) for base in cls.__mro__[1:]))
    ]


def _is_bare(cls: type) -> bool:
    """True if the constructor attaches nothing."""
    try:
        return cls().is_empty
    except Exception:  # whatever the constructor of a user's class raises
        return False


def _check_sharing(root: System) -> None:
    owners: dict[int, str] = {}
    for path, module in root.named_modules(remove_duplicate=False):
        if not isinstance(module, Block) or not path:
            continue
        if isinstance(module, System):
            shared: list[object] = [module]
        else:
            constants = [w.constant for w in module.inputs or () if isinstance(w.constant, nn.Parameter)]
            shared = [module, *module.parameters(), *constants]
        for thing in shared:
            other = owners.setdefault(id(thing), path)
            if other != path:
                raise BlockError(
                    f"`{path}` shares parameters with `{other}`, which begins after the set-up, so a "
                    f"constructor cannot say it. Write `{path}` as a block of its own, or share again "
                    f'after the set-up: brain.replace("{path}", brain["{other}"].get_copy()).'
                )


def _class_name(root: System, taken: set[str]) -> str:
    cls = type(root)
    if not cls.__module__.startswith("akidlab.blocks.") and cls.__name__ not in taken:
        return cls.__name__
    words = re.split(r"[\W_]+", root.name)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    while not name.isidentifier() or iskeyword(name) or name in taken or name in HOMES:
        name = f"My{name}"
    return name
