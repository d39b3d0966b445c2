"""The graph of any module: what it calls in one pass, and which tensors go from where to where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from akidlab.blocks.block import Block
from akidlab.blocks.describing import Counted, described, first_line, sizes
from akidlab.blocks.system import System
from akidlab.blocks.wiring import SYSTEM_IN
from akidlab.errors import AkidlabError, BlockError, KindError
from akidlab.messages.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from akidlab.messages.graph import Role, Sizes

_LOSSES = (nn.modules.loss._Loss,)
_LEAVES = (Block, nn.MultiheadAttention)  # these never call the modules within them


def graph(module: nn.Module, *example: Any) -> Graph:
    """The graph of any module: its modules, the functions of torch called between them, and what flows there.

    A system tells its wiring. Of another module one pass is made, in evaluation mode and without gradients:
    edges are the tensors that were seen to go from one to the next. What is not seen: branches that this
    input does not take, functions within a module that holds no others, values that leave torch (`.item()`,
    numpy) and come back, tensors that are made of no input. A module that is called twice is two nodes, the
    second of them tied to the first.

    Args:
        module: of which the graph is wanted.
        example: what it is called with; a system needs none.

    Raises:
        KindError: if `module` is none, or no example is given where one is needed.
        BlockError: if the module, or one within, cannot be called with what it is given.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
        >>> [(edge.source, edge.target, edge.shape) for edge in graph(model, torch.ones(2, 4)).edges]
        [('system_in', '0', (None, 4)), ('0', '1', (None, 3))]
    """
    if isinstance(module, System):
        return described(module.setup(*example) if example else module)
    if not isinstance(module, nn.Module):
        has_brain = isinstance(getattr(module, "brain", None), System)
        hint = " Draw its brain: graph(kid.brain)." if has_brain else ""
        raise KindError(f"A graph is that of a module, found {type(module).__name__}.{hint}")
    if not example:
        kind = type(module).__name__
        raise KindError(f"What `{kind}` does is seen in a pass. Give an example: graph(module, example).")
    return _Trace(module).run(example)


class _Scope:
    """A call of a module that calls others: what its tensors are called there.

    Args:
        path: of the node; empty for the outermost.
        above: the scope around.
    """

    def __init__(self, path: str, above: _Scope | None) -> None:
        self.path, self.above = path, above
        self.known: dict[int, tuple[str, int]] = {}  # id of a tensor: who emits it, and as its how manieth
        self.entries: list[Sizes | None] = []
        self.names: Counter[str] = Counter()

    def under(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


class _Trace:
    """One pass of a module, as it is seen from outside."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.scope = _Scope("", None)
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[Edge] = []
        self.paths: dict[int, str] = {}  # the first node of a module
        self.names = {id(m): name.rpartition(".")[2] for name, m in module.named_modules()}
        self.alive: list[Tensor] = []  # or another tensor would be given the id of one that is gone
        self.inside = 0  # leaves that are being called
        self.calls: list[tuple[nn.Module, Any]] = []  # what is called, and with what; the innermost last

    def run(self, example: tuple[Any, ...]) -> Graph:
        training = {m: m.training for m in self.module.modules()}
        hooks = []
        for inner in self.module.modules():
            hooks.append(inner.register_forward_pre_hook(self._enter, with_kwargs=True))
            hooks.append(inner.register_forward_hook(self._leave, with_kwargs=True))
        try:
            self.module.eval()
            with torch.no_grad(), _Functions(self._function):
                self.module(*example)
        except AkidlabError:
            raise
        except Exception as error:
            raise BlockError(self._refused(error, example)) from error
        finally:
            for hook in hooks:
                hook.remove()
            for inner, mode in training.items():
                inner.training = mode
        return self._graph()

    def _refused(self, error: Exception, example: tuple[Any, ...]) -> str:
        module, given = self.calls[-1] if self.calls else (self.module, example)
        path = next((name for name, one in self.module.named_modules() if one is module), "")
        name = f"`{path}`, a {type(module).__name__}," if path else f"`{type(module).__name__}`"
        found, told = ", ".join(map(_look, given)), str(error).rstrip(".")
        return f"{name} refused {found}: {told}. Give an example that it can be called with."

    # -- modules

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        self.calls.append((module, (*args, *kwargs.values())))
        inputs = list(_tensors((args, kwargs)))
        if module is self.module:
            self.scope.entries = [sizes(tuple(tensor.shape)) for tensor in inputs]
            for at, tensor in enumerate(inputs):
                self._name(tensor, SYSTEM_IN, at)
        if self.inside or self._is_leaf(module):
            self.inside += 1
            return
        if module is self.module:
            return
        path = self._node(module, "system")
        self.scope = _Scope(path, self.scope)
        for tensor in inputs:
            self._source(tensor, self.scope)

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, value: Any) -> None:
        self.calls.pop()
        if self.inside > 1 or (self.inside and not self._is_leaf(module)):
            self.inside -= 1
            return
        if self.inside:
            self.inside = 0
            role: Role = "loss" if isinstance(module, _LOSSES) else "block"
            path = self._node(module, role)
            self._read(path, _tensors((args, kwargs)))
        elif module is self.module:
            return
        else:
            path, above = self.scope.path, self.scope.above
            assert above is not None
            self.nodes[path]["entries"] = self.scope.entries
            self.scope = above
        self._emit(path, value)

    def _is_leaf(self, module: nn.Module) -> bool:
        if isinstance(module, _LEAVES):
            return True
        holds = module is not self.module or next(module.parameters(), None) is not None
        return holds and next(module.children(), None) is None

    # -- functions between modules

    def _function(self, name: str, given: Any, value: Any) -> None:
        outputs = list(_tensors(value))
        if self.inside or not outputs:
            return
        inputs = [tensor for tensor in _tensors(given) if self._source(tensor, self.scope) is not None]
        returned = all(any(one is other for other in inputs) for one in outputs)
        if not inputs or (returned and not name.endswith("_")):  # it did nothing; `add_` did, in place
            return
        path = self._free(name.strip("_"))
        self.nodes[path] = {"kind": name.strip("_"), "role": "block", "doc": "A function of torch."}
        self._read(path, inputs)
        self._emit(path, value)

    # -- nodes and edges

    def _node(self, module: nn.Module, role: Role) -> str:
        path = self._free(self.names.get(id(module)) or type(module).__name__.lower())
        first = self.paths.setdefault(id(module), path)
        self.nodes[path] = {"module": module, "kind": type(module).__name__, "role": role}
        self.nodes[path]["tied"] = None if first == path else first
        return path

    def _free(self, name: str) -> str:
        self.scope.names[name] += 1
        number = self.scope.names[name]
        return self.scope.under(name if number == 1 else f"{name}:{number}")

    def _read(self, path: str, inputs: Any) -> None:
        part = sum(edge.target == path for edge in self.edges)
        for tensor in inputs:
            found = self._source(tensor, self.scope)
            if found is not None:
                self.edges.append(Edge(found[0], path, found[1], sizes(tuple(tensor.shape)), part=part))
                part += 1

    def _emit(self, path: str, value: Any) -> None:
        emitted = list(_tensors(value))
        self.nodes[path]["shape"] = [sizes(tuple(tensor.shape)) for tensor in emitted]
        for at, tensor in enumerate(emitted):
            self._name(tensor, path, at)

    def _name(self, tensor: Tensor, path: str, at: int) -> None:
        self.alive.append(tensor)
        source = path if path != SYSTEM_IN else self.scope.under(SYSTEM_IN)
        self.scope.known[id(tensor)] = (source, at)

    def _source(self, tensor: Tensor, scope: _Scope) -> tuple[str, int] | None:
        """Who emits a tensor; one from further out comes in by the systems around."""
        if id(tensor) in scope.known or scope.above is None:
            return scope.known.get(id(tensor))
        found = self._source(tensor, scope.above)
        if found is None:
            return None
        entry, shape = len(scope.entries), sizes(tuple(tensor.shape))
        scope.entries.append(shape)
        self.edges.append(Edge(found[0], scope.path, found[1], shape, part=entry))
        scope.known[id(tensor)] = (scope.under(SYSTEM_IN), entry)
        return scope.known[id(tensor)]

    # -- what it comes to

    def _graph(self) -> Graph:
        systems = {path.rpartition(".")[0] for path in self.nodes}
        self._count(systems)
        nodes = [_input("", self.scope.entries)]
        for path, facts in self.nodes.items():
            nodes.append(_told(path, facts, path in systems))
            if path in systems:
                nodes.append(_input(path, facts["entries"]))
        kind = type(self.module).__name__
        return Graph(kind, kind, nodes, self.edges)

    def _count(self, systems: set[str]) -> None:
        counted, held = Counted(), [path for path, facts in self.nodes.items() if "module" in facts]
        leaves = [path for path in held if path not in systems]
        around = [path for path in reversed(held) if path in systems]  # the inner ones first
        for path in [*leaves, *around]:
            facts = self.nodes[path]
            number, learned, tied = counted.count(path, facts["module"])
            facts["tied"] = facts["tied"] or (None if path in systems else tied)
            for system in [path, *_around(path)]:
                known = self.nodes[system]
                known["parameters"] = known.get("parameters", 0) + number
                known["trainable"] = known.get("trainable", 0) + learned


class _Functions(TorchFunctionMode):
    """Tells of each function of torch that is called, but not of those that it calls itself."""

    def __init__(self, tell: Callable[[str, Any, Any], None]) -> None:
        super().__init__()
        self.tell = tell

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        value = func(*args, **(kwargs or {}))
        name = func.__name__ if func.__name__ != "__get__" else getattr(func.__self__, "__name__", "get")
        self.tell(name, (args, kwargs or {}), value)
        return value


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a nest of lists, tuples and mappings, parameters left out."""
    if isinstance(value, Tensor):
        if not isinstance(value, nn.Parameter):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)


def _look(value: Any) -> str:
    """What a value looks like to whom it is given."""
    return f"a tensor of {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _around(path: str) -> Iterator[str]:
    while path := path.rpartition(".")[0]:
        yield path


def _input(path: str, entries: list[Sizes | None]) -> Node:
    id = f"{path}.{SYSTEM_IN}" if path else SYSTEM_IN
    return Node(id, SYSTEM_IN, "Input", "input", path or None, shape=list(entries))


def _told(path: str, facts: dict[str, Any], is_system: bool) -> Node:
    parent, _, name = path.rpartition(".")
    module = facts.get("module")
    role: Role = "block" if facts["role"] == "system" and not is_system else facts["role"]
    details = "" if module is None or is_system else module.extra_repr()
    size = facts.get("parameters", 0), facts.get("trainable", 0)
    doc = facts.get("doc") or first_line(type(module))
    shape, tied = facts.get("shape"), facts.get("tied")
    return Node(path, name, facts["kind"], role, parent or None, *size, shape, doc, details, tied)
