"""Systems: blocks that are made of blocks, wired in a row or as a graph."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from akidlab import registry
from akidlab.blocks import plan as plans
from akidlab.blocks.block import Block, check_begun
from akidlab.blocks.edit import Edit
from akidlab.blocks.editing import Editing, attach
from akidlab.blocks.example import example_of
from akidlab.blocks.feedback import Memory, recur
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.measuring import Measuring
from akidlab.blocks.partial import part
from akidlab.blocks.plan import Plan, Step, trace
from akidlab.blocks.retrieval import Retrieval
from akidlab.blocks.seed import Seed
from akidlab.blocks.shaping import shape
from akidlab.blocks.signal import Signal, pack, shape_of
from akidlab.blocks.underway import UnderWay
from akidlab.errors import BlockError, unknown

if TYPE_CHECKING:
    from typing_extensions import Self

    from akidlab.blocks.code import Code
    from akidlab.messages import Graph


class System(Editing, Measuring, Retrieval, Block):
    """Blocks, attached one after the other, that act as one block.

    Args:
        kwargs: more of `Block`, such as `name` and `inputs`.

    Example:
        >>> from akidlab import GraphSystem, ReLULayer
        >>> system = GraphSystem().attach(ReLULayer(name="first"), ReLULayer(name="second"))
        >>> [block.name for block in system]
        ['first', 'second']
    """

    NAME = "system"
    WIRED: ClassVar[bool] = True  # blocks name what they read

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._order: list[str] = []
        self._plan: Plan | None = None
        self.edits: list[Edit] = []
        self._example: Signal = None
        self._under_way: UnderWay | None = None
        self._above: weakref.ref[System] | None = None

    # -- what it is made of

    @property
    def blocks(self) -> list[Block]:
        """The blocks in the order in which they run."""
        return [self._modules[name] for name in self._order]  # type: ignore[misc]

    def attach(self, *blocks: Block | Iterable[Block]) -> Self:
        """Add blocks, or lists of blocks, at the end; returns the system itself.

        A system that is set up sets them up at once; what changed is the last of `edits`.

        Raises:
            BlockError: if something is not a block, its name is taken, or (where the system is set up) it
                does not fit; a system that is set up has not changed then.
        """
        if blocks:
            attach(self, list(_flat(blocks)))
        return self

    def _attach(self, block: object, at: int | None = None) -> None:
        if not isinstance(block, Block):
            kind = "class" if isinstance(block, type) else type(block).__name__
            raise BlockError(
                f"`{self.name}` can hold blocks, found {block!r} (a {kind}). "
                + (
                    "TorchLayer makes a block of a torch module: attach(TorchLayer(module))."
                    if isinstance(block, nn.Module)
                    else "Attach an instance of a Block."
                )
            )
        check_begun(block)
        if any(block is mine for mine in self.blocks):
            raise BlockError(
                f"`{block.name}` is attached already. To use its parameters twice, attach "
                f'`{block.name}.get_copy(name="another")`.'
            )
        name = block._name or self._free(block)
        if name in self._order:
            raise BlockError(f"`{self.name}` has a block `{name}` already. Give this one another name.")
        block._rename(name)
        block._take_decay(self.moving_average_decay)
        block._take_flags(self.flags)
        if not self.training:
            block.eval()
        at = len(self._order) if at is None else at
        self._modules[name] = block  # not add_module: a block may be called `loss`
        self._arrange([*self._order[:at], name, *self._order[at:]])

    def _detach(self, name: str) -> None:
        del self._modules[name]
        self._arrange([n for n in self._order if n != name])

    def _arrange(self, order: list[str]) -> None:
        """Have parameters come in the order of the blocks, however the system came to be."""
        if order[: len(self._order)] != self._order:
            others = {n: module for n, module in self._modules.items() if n not in order}
            arranged = {n: self._modules[n] for n in order} | others
            self._modules.clear()
            self._modules.update(arranged)
        self._order = order
        self._changed()

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Block) and name in self.__dict__.get("_order", ()):
            value._rename(name)
            self.replace(name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._order:
            self.remove(name)
        else:
            super().__delattr__(name)

    def _free(self, block: Block) -> str:
        number = 1
        if block.numbered_by_layer:
            number = max(1, sum(isinstance(b, SynapseLayer) for b in [*self.blocks, block]))
        while f"{block.NAME}{number}" in self._order:
            number += 1
        return f"{block.NAME}{number}"

    def _changed(self) -> None:
        self._plan, self._is_setup = None, False

    def get_layer_by_name(self, name: str) -> Block:
        """The block called `name`.

        Raises:
            UnknownNameError: if there is none, with the nearest name that there is.
        """
        outer, dot, inner = str(name).partition(".")
        system = self._modules.get(outer)
        if dot and isinstance(system, System):
            return system.get_layer_by_name(inner)
        if name not in self._order:
            raise unknown("block", str(name), self._order)
        return self._modules[name]  # type: ignore[return-value]

    def __getitem__(self, key: str | int) -> Block:
        return self.blocks[key] if isinstance(key, int) else self.get_layer_by_name(key)

    def __contains__(self, name: object) -> bool:
        outer, dot, inner = str(name).partition(".")
        system = self._modules.get(outer)
        return name in self._order or (bool(dot) and isinstance(system, System) and inner in system)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._order)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self._order)

    def __bool__(self) -> bool:  # an empty system is still a system
        return True

    def get_last_layer_name(self) -> str:
        """The name of the block that runs last.

        Raises:
            BlockError: if the system is empty.
        """
        return self._filled()[-1]

    @property
    def is_empty(self) -> bool:
        """True while nothing is attached."""
        return not self._order

    def get_filters(self, names: Iterable[str] | None = None) -> list[nn.Parameter]:
        """The trainable parameters in order, of the named blocks or of all; those of nested systems too."""
        chosen = self._order if names is None else [names] if isinstance(names, str) else list(names)
        found = [p for name in chosen for p in self.get_layer_by_name(name).parameters()]
        return list({id(p): p for p in found if p.requires_grad}.values())

    def num_parameters(self) -> int:
        """How many trainable numbers it holds; on a system not set up, what they will be.

        Raises:
            BlockError: if that depends on the shape of the input, which is not known yet.
        """
        ready = self if self._has_parameters() else self.get_clone().setup(seed=0)
        return sum(p.numel() for p in ready.get_filters())

    def graph(self) -> Graph:
        """Its blocks and those of the systems within, with what flows between them, in plain values.

        Shapes are not known before the set-up.

        Example:
            >>> system = GraphSystem().attach(InnerProductLayer(out_channel_num=3, name="ip"))
            >>> graph = system.setup(torch.ones(2, 4)).graph()
            >>> [(edge.source, edge.target, edge.shape) for edge in graph.edges]
            [('system_in', 'ip', (None, 4))]
        """
        from akidlab.blocks.describing import described

        return described(self)

    def _has_parameters(self) -> bool:
        return all(b._has_parameters() if isinstance(b, System) else b.is_setup for b in self.blocks)

    # -- set-up

    def setup(self, *inputs: Signal, seed: int | None = None) -> Self:
        # Wiring first: a misspelt name is told before anything is made.
        for module in list(self.modules()):
            if isinstance(module, System):
                module.plan()
        return super().setup(*inputs, seed=seed)

    def plan(self) -> Plan:
        """The compiled wiring."""
        if self._plan is None:
            self._filled()
            self._plan = self._compile()
            self._plan.hooks = plans.hooks(self)
            for block in self.blocks:
                if isinstance(block, System):
                    block._above = weakref.ref(self)
            self._plan.judges = [b for b in self.blocks if isinstance(b, System) or b._contributes()]
            if self._plan.delays:
                self._remember(max([self._bptt(), *(delay.wire.bptt for delay in self._plan.delays)]))
            else:
                self._modules.pop("_memory", None)
        return self._plan

    def _remember(self, bptt: int) -> None:
        if bptt > 1 and any(isinstance(m, Memory) for block in self.blocks for m in block.modules()):
            raise BlockError(
                f"Gradients of `{self.name}` cannot flow back through {bptt} steps, since a system within "
                "it has a feedback of its own. Wire both feedbacks in one system, or leave out `bptt`."
            )
        if "_memory" not in self._modules:
            self._modules["_memory"] = Memory(bptt)
            self._modules["_memory"].training = self.training
        self._memory.bptt = bptt

    def _compile(self) -> Plan:
        raise NotImplementedError

    def _bptt(self) -> int:
        return 1

    def _filled(self) -> list[str]:
        if not self._order:
            raise BlockError(f"`{self.name}` is empty. Attach a block first.")
        return self._order

    def _prepare(self, signal: Signal, seed: Seed) -> Signal:
        entry = None if signal is None else self._entry(signal)
        hooked = not self._is_setup
        if hooked:
            self._call_hooks(self.pre_setup_hook)
        values, complete = shape(self.plan(), entry, seed)
        self._is_setup = complete
        if hooked and complete:
            self._call_hooks(self.post_setup_hook)
        value = values[len(self._order)]
        if signal is not None:
            self.in_shape, self.out_shape = shape_of(signal), shape_of(value)
            self._example = example_of(signal)
        return value

    def _load_from_state_dict(self, *args: Any) -> None:
        if self._order:
            self.plan()  # a feedback has a memory to be filled
        super()._load_from_state_dict(*args)

    # -- a pass

    def _entry(self, signal: Signal) -> Signal:
        raise NotImplementedError

    def forward(
        self,
        *inputs: Signal,
        injected_data: Mapping[str, Signal] | None = None,
        start_block: str | None = None,
        end_block: str | None = None,
    ) -> Signal:
        """Run the blocks, or a part of them.

        Args:
            inputs: what goes in: a tensor, a list of them, or several tensors.
            injected_data: values of blocks, by name, that are used in their place; those do not run.
            start_block: the first block that runs; the ones before are read from `injected_data`, else
                from their last pass.
            end_block: the last block that runs.

        Returns:
            What the last block that ran emitted.

        Raises:
            BlockError: if inputs do not fit, or a part needs a value that nobody has.
        """
        if not self._is_setup:
            self.setup(*inputs)
        entry = self._entry(pack(inputs))
        if injected_data is None and start_block is None and end_block is None:
            return self._pass(entry, self.plan().steps)
        steps, values = part(self, entry, dict(injected_data or {}), start_block, end_block)
        return self._pass(entry, steps, values)

    def _pass(self, entry: Signal, steps: Sequence[Step], values: list[Signal] | None = None) -> Signal:
        plan, whole = self._plan or self.plan(), values is None
        values = plan.opened(entry) if values is None else values
        run = trace if torch.compiler.is_compiling() else plans.run
        if plan.delays:
            recur(self._memory, plan, values, lambda values: run(steps, values), replay=whole)
        else:
            run(steps, values)
        return values[steps[-1].slot]

    def _terms(self, terms: list[Tensor]) -> list[Tensor]:
        """Add the losses of the last pass to `terms`, those of nested systems too."""
        for block in self.plan().judges:
            if isinstance(block, System):
                block._terms(terms)
            elif (loss := block.loss) is not None:
                terms.append(loss)
        return terms

    # -- feedback

    def reset_state(self) -> None:
        """Forget what feedbacks carry, here and in nested systems: the next step is a first one."""
        for module in self.modules():
            if isinstance(module, Memory):
                module.clear()

    def window_state(self) -> dict[str, Tensor]:
        """The steps that gradients flow back through (`bptt`), which a resumed training needs.

        It holds the last batches, which are no part of a state dict.
        """
        found = ((path, m) for path, m in self.named_modules() if isinstance(m, Memory))
        return {f"{path}.{name}": value for path, m in found for name, value in m.window_state().items()}

    def load_window_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from the steps that `window_state` gave."""
        device = next((parameter.device for parameter in self.parameters()), None)
        for path, memory in self.named_modules():
            if isinstance(memory, Memory):
                prefix = f"{path}."
                keys = [key for key in state if key.startswith(prefix)]
                memory.load_window_state({k.removeprefix(prefix): state[k].to(device) for k in keys})

    @property
    def _memory(self) -> Memory:
        return self._modules["_memory"]  # type: ignore[return-value]

    def to_code(self) -> Code:
        """Python text with a class that makes this system again, as one would write it by hand.

        It says what blocks there are, what they were made with and what they read; options that were
        changed since count. With one seed, what it makes starts from the same parameters under the same
        names. Hooks, modes and what was learnt are not part of it. What text cannot say (a lambda, a torch
        module with its weights, a class from within a function, a large tensor) is an argument of the class,
        and is found in `given`; `build()` hands it over. A system within that is as its constructor made it
        becomes a call of that; one that was edited is written out.

        Returns:
            The text; print it, paste it into a cell, or `build()` it.

        Raises:
            BlockError: if blocks share parameters, a block takes no `name`, or a class with methods of its
                own was edited after it was made.

        Example:
            >>> brain = Brain(name="small").attach(
            ...     InnerProductLayer(out_channel_num=3, name="ip"),
            ...     ReLULayer(name="relu"),
            ... )
            >>> print(brain.to_code())
            from akidlab import Brain, InnerProductLayer, ReLULayer
            <BLANKLINE>
            <BLANKLINE>
            class Small(Brain):
                NAME = "small"
            <BLANKLINE>
                def __init__(self, **options):
                    super().__init__(**options)
                    self.attach(
                        InnerProductLayer(out_channel_num=3, name="ip"),
                        ReLULayer(name="relu"),
                    )
            <BLANKLINE>
        """
        from akidlab.blocks.code import to_code

        return to_code(self)

    def edit(self, *shapes: Sequence[int]) -> Any:
        """Open it in a notebook as a picture that can be changed with mouse and keyboard, code beside it.

        What fits is done to this very system, and weights that fit stay; what does not is shown at the block
        that causes it.

        Args:
            shapes: of one sample of each value that goes in, such as `(1, 28, 28), ()` for images and labels,
                so that shapes are known before it is set up.

        Returns:
            The builder; its `bench` offers the same acts to Python (see `akidlab.blocks.workbench`).
        """
        from akidlab.blocks.workbench import Workbench

        return registry.load("akidlab.views", "builder")(Workbench(self, shapes or None))  # type: ignore[operator]

    def extra_repr(self) -> str:
        return "1 block" if len(self) == 1 else f"{len(self)} blocks"

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_plan": None, "_under_way": None, "_above": None}


def _flat(blocks: Iterable[object]) -> Iterator[Any]:
    for block in blocks:
        if isinstance(block, (list, tuple)):
            yield from _flat(block)
        else:
            yield block
