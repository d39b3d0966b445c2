"""The workbench: a living brain, changed step by step, and back again."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from akidlab.blocks import chain
from akidlab.blocks.block import Block
from akidlab.blocks.code import Code
from akidlab.blocks.example import made_like
from akidlab.blocks.refit import Held, held
from akidlab.blocks.signal import Shape, Signal, shape_of
from akidlab.blocks.system import System
from akidlab.blocks.wiring import SYSTEM_IN, Wire, wires
from akidlab.blocks.workbench import draft as drafts
from akidlab.blocks.workbench.draft import Draft, Part
from akidlab.blocks.workbench.forms import Option, form, read, text
from akidlab.blocks.workbench.living import arrange, check, keep, stamp
from akidlab.blocks.workbench.palette import kind, palette
from akidlab.blocks.workbench.picture import picture
from akidlab.blocks.workbench.trying import Findings, found, tried
from akidlab.errors import BlockError, unknown
from akidlab.messages.graph import Graph

ACTS = ("add", "remove", "connect", "disconnect", "set", "rename", "move", "undo", "redo", "feed")
DEPTH = 200  # states that can be gone back to


@dataclass(frozen=True)
class _State:
    """A draft, how it came to be, and the tensors that its blocks held."""

    draft: Draft
    act: str
    held: list[tuple[Block, Held]] = field(default_factory=list)


class Workbench:
    """A brain on which one works step by step: what fits is done to the brain, what does not is a draft.

    Each act changes the draft. Where the whole fits, the living brain follows, and weights that fit stay;
    where it does not, the brain is as it was, and `errors` tells at which block what is wrong. Blocks within
    a system are called `outer.inner`. What cells do to the brain is taken over by `look`.

    Args:
        brain: the system to work on.
        shapes: what goes in, as the shapes of one sample, such as `[(1, 28, 28), ()]` for images and labels;
            without them those that the brain was set up with.

    Example:
        >>> bench = Workbench(Brain(name="small"), [(4,)])
        >>> bench.add("InnerProductLayer", out_channel_num="8").add("ReLU")
        small: 2 blocks, added `relu1`
        >>> bench.graph.node("relu1").shape
        [(None, 8)]
        >>> bench.set("ip1", out_channel_num="0").errors
        {'ip1': '`out_channel_num` of `ip1` is a number of 1 or more, found 0.'}
        >>> bench.undo().errors, len(bench.brain)
        ({}, 2)
    """

    def __init__(self, brain: System, shapes: Sequence[Sequence[int]] | None = None) -> None:
        self.brain = brain
        self.example: Signal = None if shapes is None else _signals(shapes)
        self.findings = Findings()
        self._states = [_State(drafts.drafted(brain), "opened", _held(brain))]
        self._at = 0
        self._known: Any = None
        self._fit(self.draft)

    # -- what there is

    @property
    def draft(self) -> Draft:
        """The parts as they are drafted."""
        return self._states[self._at].draft

    @property
    def count(self) -> int:
        """How many blocks are drafted, with those within systems."""
        return sum(1 for _ in drafts.paths(self.draft))

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by the path of the block that causes it; an empty path is the whole."""
        return self.findings.errors

    @property
    def fits(self) -> bool:
        """True where the living brain is what is drafted."""
        return not self.errors

    @property
    def graph(self) -> Graph:
        """The draft as a graph in plain values, with the shapes that are known."""
        return picture(self.brain, self.draft, self.findings)

    @property
    def code(self) -> Code:
        """The brain as code; of a draft that does not fit, the brain as it is.

        Raises:
            BlockError: if it cannot be said; see `System.to_code`.
        """
        return self.brain.to_code()

    @property
    def shapes(self) -> list[Shape] | None:
        """The shapes of one sample of what goes in; None where they are not known."""
        entry = self.example if self.brain._example is None else self.brain._example
        if entry is None:
            return None
        parts = entry if isinstance(entry, list) else [entry]
        return [tuple(shape_of(part) or ())[1:] for part in parts]  # type: ignore[misc]

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at + 1 < len(self._states)

    @property
    def said(self) -> str:
        """What was done last."""
        return self._states[self._at].act

    def form(self, path: str) -> list[tuple[Option, str, str]]:
        """The options of a part, each with its text and what is wrong with that; empty for a default.

        Raises:
            UnknownNameError: if there is no such block.
        """
        part = drafts.at(self.draft, path)
        rows = []
        for option in form(part.cls):
            typed, error = part.typed.get(option.name, ("", ""))
            if not typed and option.name in part.options:
                typed = text(part.options[option.name])
            rows.append((option, typed, error))
        return rows

    def form_of(self, path: str) -> list[dict[str, object]]:
        """What `form` gives, in plain values."""
        return [{**asdict(option), "text": typed, "error": error} for option, typed, error in self.form(path)]

    def palette(self) -> list[dict[str, object]]:
        """The kinds of blocks that `add` knows, in plain values."""
        return [{"name": k.name, "section": k.section, "doc": k.doc, "also": list(k.also)} for k in palette()]

    # -- acts

    def do(self, act: str, **arguments: Any) -> Workbench:
        """An act by its name, as it comes from a picture.

        Raises:
            UnknownNameError: if there is no such act.
        """
        if act not in ACTS:
            raise unknown("act", str(act), ACTS)
        return getattr(self, act)(**arguments)

    def add(
        self,
        kind_name: str,
        *,
        after: str | None = None,
        into: str = "",
        name: str | None = None,
        **options: Any,
    ) -> Workbench:
        """Put a block after another, between that and what reads it; without `after`, before what judges.

        A loss or an evaluation goes beside what there is: it is led to the answer and to the second input,
        which is where labels are, and nothing comes to read it.

        Args:
            kind_name: its class, such as `ConvolutionLayer` or `Conv2D`.
            after: the block before it, or `system_in`; a loss or an evaluation stands for the answer that
                it judges.
            into: the system that it goes into, where that is not told by `after`.
            name: of the block; without it, it is numbered.
            options: what it is made with, as values or as texts.

        Raises:
            UnknownNameError: if there is no such kind, block or option.
            BlockError: if the name cannot be used.
        """
        self.look()
        cls = kind(kind_name).cls
        if after:
            into, _, after = after.rpartition(".")
        parts = self._inside(into)
        if after and after != SYSTEM_IN:
            drafts.at(parts, after)
        name = _free(cls, parts) if name is None else self._checked(name, parts)
        part = self._with(Part(name, cls), options)
        one = self._sequential(into)
        source = drafts.answer(parts, after or None)
        if not drafts.judges(cls):
            after = source
        elif parts and not one:
            part = replace(part, inputs=_judged(cls, source))
        act = f"added `{_joined(into, name)}`"
        return self._act(
            act, into, lambda parts: drafts.inserted(parts, drafts.made(part), after or None, sequential=one)
        )

    def remove(self, *paths: str) -> Workbench:
        """Take blocks out; what read one now reads what it read, or nothing where that is not one value."""
        self.look()
        after = self.draft
        for path in paths:
            outer, _, name = path.rpartition(".")
            drafts.at(after, path)
            one = self._sequential(outer)
            after = drafts.within(
                after, outer, lambda parts, name=name, one=one: drafts.removed(parts, name, sequential=one)
            )
        return self._done("removed " + ", ".join(f"`{path}`" for path in paths), after)

    def connect(
        self, source: str, target: str, *, output: int = 0, at: int | None = None, delay: int = 0
    ) -> Workbench:
        """Let a block read what another emits.

        Args:
            source: the block that emits it, or `system_in`, of the same system.
            target: the block that reads it.
            output: which of the tensors that the source emits.
            at: which of the values that it reads is replaced; without it, one is added, or the only one is
                replaced where the target reads one tensor.
            delay: 1 to read what was emitted one step ago.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if they are not of one system, or that is sequential.
        """
        self.look()
        outer, _, name = target.rpartition(".")
        part = drafts.at(self.draft, target)
        self._check_wired(outer, name)
        around, _, origin = source.rpartition(".")
        if around != outer:
            raise BlockError(
                f"`{target}` reads blocks of the system it is in; `{source}` is not one of them."
            )
        if origin != SYSTEM_IN:
            drafts.at(self.draft, source)
        wire = next(iter(wires([{"name": origin, "idxs": [output], "delay": delay}]) or ()))

        def change(parts: Draft) -> Draft:
            wanted = drafts.reads(parts)
            now = list(wanted[name])
            if part.inputs is None and parts[0].name == name and chain._same(now[0], wire):
                now = []
            if at is not None and at < len(now):
                now[at] = wire
            elif now and not _reads_several(part.cls):
                now = [wire]
            else:
                now.append(wire)
            return drafts.wired(parts, {**wanted, name: tuple(now)}, sequential=False)

        return self._act(f"led `{source}` to `{target}`", outer, change)

    def disconnect(self, source: str, target: str, *, output: int = 0) -> Workbench:
        """Let a block no longer read what another emits.

        Raises:
            UnknownNameError: if there is no such block, or it does not read that.
            BlockError: if the system is sequential.
        """
        self.look()
        outer, _, name = target.rpartition(".")
        drafts.at(self.draft, target)
        self._check_wired(outer, name)
        origin = source.rpartition(".")[2]

        def change(parts: Draft) -> Draft:
            wanted = drafts.reads(parts)
            now = [rest for wire in wanted[name] if (rest := _less(wire, origin, output)) is not None]
            if tuple(now) == wanted[name]:
                raise unknown("wire", origin, [wire.name for wire in now])
            return drafts.wired(parts, {**wanted, name: tuple(now)}, sequential=False)

        return self._act(f"cut `{source}` off from `{target}`", outer, change)

    def set(self, path: str, **options: Any) -> Workbench:
        """Make a block with other options; weights that fit stay.

        Args:
            path: of the block.
            options: values, or texts as one types them; an empty text is the default.

        Raises:
            UnknownNameError: if there is no such block or option.
        """
        self.look()
        part = drafts.made(self._with(drafts.at(self.draft, path), options))
        told = ", ".join(f"{name}={value}" for name, value in options.items())
        return self._done(f"set {told} of `{path}`", drafts.put(self.draft, path, part))

    def check(self, path: str, **options: Any) -> str:
        """What would be wrong with a block if these options were set; empty for nothing.

        Raises:
            UnknownNameError: if there is no such block or option.
        """
        return drafts.made(self._with(drafts.at(self.draft, path), options)).error

    def rename(self, path: str, name: str) -> Workbench:
        """Give a block another name; what reads it follows.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if the name cannot be used.
        """
        self.look()
        outer, _, old = path.rpartition(".")
        drafts.at(self.draft, path)
        if name == old:
            return self
        self._checked(name, self._inside(outer))
        one = self._sequential(outer)

        def change(parts: Draft) -> Draft:
            parts = drafts.renamed(parts, old, name, sequential=one)
            return tuple(drafts.made(part) if part.error and part.name == name else part for part in parts)

        return self._act(f"renamed `{path}` to `{name}`", outer, change)

    def move(self, path: str, after: str | None = None, *, into: str | None = None) -> Workbench:
        """Take a block to another place, also into a system or out of one.

        What read it now reads what it read; at its new place it goes in between.

        Args:
            path: of the block.
            after: the block behind which it goes, or `system_in`; without it, the end.
            into: the system that it goes into, where that is not told by `after`; empty for the outermost.

        Raises:
            UnknownNameError: if there is no such block.
            BlockError: if the name is taken there, or it would go into itself.
        """
        self.look()
        outer, _, name = path.rpartition(".")
        part = drafts.at(self.draft, path)
        target, _, behind = (after or "").rpartition(".")
        target = target if after else outer if into is None else into
        if f"{target}.".startswith(f"{path}.") or after == path:
            raise BlockError(f"`{path}` cannot go into itself.")
        if target != outer:
            self._checked(name, self._inside(target))
        if behind and behind != SYSTEM_IN:
            drafts.at(self._inside(target), behind)
        one, other = self._sequential(outer), self._sequential(target)
        without = drafts.within(self.draft, outer, lambda parts: drafts.removed(parts, name, sequential=one))
        part = replace(part, inputs=None)
        placed = drafts.within(
            without, target, lambda parts: drafts.inserted(parts, part, behind or None, sequential=other)
        )
        return self._done(f"moved `{path}`", placed)

    def feed(self, shapes: Sequence[Sequence[int]] | None) -> Workbench:
        """Say what goes in, as the shapes of one sample; what was set up already keeps its own.

        Raises:
            BlockError: if they are no shapes.
        """
        self.example = None if shapes is None else _signals(shapes)
        self._fit(self.draft)
        return self

    def undo(self) -> Workbench:
        """Go back by one act; weights that had been made anew are those of before.

        Raises:
            BlockError: if nothing was done.
        """
        self.look()
        if not self.can_undo:
            raise BlockError("There is nothing to undo.")
        return self._go(self._at - 1, f"undid: {self.said}")

    def redo(self) -> Workbench:
        """Go forward again by one act.

        Raises:
            BlockError: if nothing was undone.
        """
        self.look()
        if not self.can_redo:
            raise BlockError("There is nothing to do again.")
        return self._go(self._at + 1, f"did again: {self._states[self._at + 1].act}")

    def look(self) -> bool:
        """Take over what was done to the brain elsewhere; True where there was something."""
        if stamp(self.brain) == self._known:
            if self.brain.is_setup == self._was_setup:
                return False
            self._fit(self.draft)
            return True
        self._keep(_State(drafts.drafted(self.brain), "changed by a cell"))
        self._fit(self.draft)
        return True

    # -- how it is done

    def _act(self, act: str, outer: str, change: Callable[[Draft], Draft]) -> Workbench:
        return self._done(act, drafts.within(self.draft, outer, change))

    def _done(self, act: str, after: Draft) -> Workbench:
        self._remember()
        self._keep(_State(after, act))
        self._fit(after, act)
        return self

    def _keep(self, state: _State) -> None:
        self._states = [*self._states[: self._at + 1], state][-DEPTH:]
        self._at = len(self._states) - 1

    def _remember(self) -> None:
        """Note what the blocks hold now: tensors, not copies."""
        self._states[self._at] = replace(self._states[self._at], held=_held(self.brain))

    def _go(self, at: int, act: str) -> Workbench:
        self._remember()
        self._at = at
        self._fit(self.draft, act, self._states[at].held)
        return self

    def _fit(self, draft: Draft, act: str = "", former: Sequence[tuple[Block, Held]] = ()) -> None:
        """Let the brain be what is drafted, if that fits."""
        brain, entry = self.brain, self.example if self.brain._example is None else self._entry()
        try:
            for _, part in drafts.paths(draft):
                if wrong := drafts.wrong(part):
                    raise BlockError(wrong)
            if stamp(brain) != stamp(brain, draft):
                with brain.editing() as under_way:
                    arrange(brain, draft, under_way)
                    check(brain)
                    if former:
                        under_way.fit(None)
                        keep(former)
                    under_way.acts.append(act or "arranged")
                    ready = self._ready()
            else:
                check(brain)
                ready = self._ready()
        except Exception as error:
            self.findings = tried(draft, brain, entry)
            if not self.findings.errors:
                self.findings.errors[_named_in(str(error), draft)] = str(error)
        else:
            self.findings = found(ready)
        self._known, self._was_setup = stamp(brain), brain.is_setup
        self._remember()

    def _ready(self) -> System:
        """The brain, or where it waits for its first input a copy that was given one."""
        brain = self.brain
        if self.example is None or brain.is_empty or brain._example is not None:
            return brain
        return brain.get_clone().setup(*_listed(self.example), seed=0)

    def _entry(self) -> Signal:
        return made_like(self.brain._example, self.brain)

    # -- what acts need

    def _inside(self, path: str) -> Draft:
        if not path:
            return self.draft
        part = drafts.at(self.draft, path)
        if not part.is_system:
            raise BlockError(f"`{path}` is no system: nothing goes into it.")
        return part.inside

    def _sequential(self, path: str) -> bool:
        cls = drafts.at(self.draft, path).cls if path else type(self.brain)
        return not getattr(cls, "WIRED", True)

    def _check_wired(self, outer: str, name: str) -> None:
        if self._sequential(outer):
            raise BlockError(
                f"`{outer or self.brain.name}` is sequential: `{name}` reads the block before. Use a "
                "GraphSystem to wire."
            )

    def _checked(self, name: str, parts: Draft) -> str:
        Block(name=name)  # complains of what is no name
        if name in [part.name for part in parts]:
            raise BlockError(f"There is a block `{name}` already. Give this one another name.")
        return name

    def _with(self, part: Part, options: Mapping[str, Any]) -> Part:
        known = {option.name: option for option in form(part.cls)}
        values, typed = dict(part.options), dict(part.typed)
        for name, value in options.items():
            if name not in known:
                raise unknown(f"option of {part.cls.__name__}", name, list(known))
            typed.pop(name, None)
            if not isinstance(value, str):
                values[name] = value
                continue
            if not value.strip():
                values.pop(name, None)
                continue
            if name in values and value == text(values[name]):
                continue
            try:
                values[name] = read(value, known[name], vars(sys.modules["__main__"]))
            except BlockError as error:
                typed[name] = (value, str(error))
        return replace(part, options=values, typed=typed)

    def __repr__(self) -> str:
        count = self.count
        wrong = "".join(f"\n  {path or self.brain.name}: {error}" for path, error in self.errors.items())
        return f"{self.brain.name}: {count} block{'' if count == 1 else 's'}, {self.said}{wrong}"


def _signals(shapes: Sequence[Sequence[int]]) -> Signal:
    for shape in shapes:
        if isinstance(shape, (str, int)) or not all(isinstance(n, int) and n > 0 for n in shape):
            raise BlockError(
                "What goes in is told by the shapes of one sample, such as [(1, 28, 28), ()], found "
                f"{shapes!r}."
            )
    # One number for each sample is a label.
    return [torch.zeros(2, *shape) if shape else torch.zeros(2, dtype=torch.int64) for shape in shapes]


def _listed(signal: Signal) -> list[Any]:
    return signal if isinstance(signal, list) else [signal]


def _held(brain: System) -> list[tuple[Block, Held]]:
    return [(m, held(m)) for m in brain.modules() if isinstance(m, Block) and not isinstance(m, System)]


def _free(cls: type[Block], parts: Draft) -> str:
    number, taken = 1, [part.name for part in parts]
    while f"{cls.NAME}{number}" in taken:
        number += 1
    return f"{cls.NAME}{number}"


def _joined(outer: str, name: str) -> str:
    return f"{outer}.{name}" if outer else name


def _reads_several(cls: type[Block]) -> bool:
    """True unless its `forward` asks for one tensor."""
    if issubclass(cls, System):
        return True
    asked = list(inspect.signature(cls.forward).parameters.values())[1:2]
    return not asked or not str(asked[0].annotation).startswith(("Float[", "Int[", "Tensor"))


def _judged(cls: type[Block], answer: str) -> tuple[Wire, ...]:
    """What a loss or an evaluation reads: an answer, and the labels where it compares two values."""
    asked = list(inspect.signature(cls.forward).parameters.values())[1:2]
    compares = bool(asked) and str(asked[0].annotation).startswith("list")
    return (Wire(answer), Wire(SYSTEM_IN, (1,))) if compares else (Wire(answer),)


def _less(wire: Wire, name: str, output: int) -> Wire | None:
    if wire.constant is not None or wire.name != name or output not in wire.idxs:
        return wire
    rest = tuple(index for index in wire.idxs if index != output)
    return replace(wire, idxs=rest) if rest else None


def _named_in(message: str, draft: Draft) -> str:
    """The path of the first block that a message names; empty where it names none."""
    known = dict(drafts.paths(draft))
    names = {path.rpartition(".")[2]: path for path in known} | {path: path for path in known}
    return next((names[word] for word in message.split("`")[1::2] if word in names), "")
