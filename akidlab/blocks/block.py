"""The Block: takes inputs, may hold state, emits outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from akidlab.blocks.call import Call
from akidlab.blocks.copies import Copies
from akidlab.blocks.flags import FLAGS, Flags
from akidlab.blocks.refit import Made, recorded
from akidlab.blocks.seed import Seed
from akidlab.blocks.signal import Shape, Signal, found, listed, moved, pack, shape_of
from akidlab.blocks.topdown import TopDown
from akidlab.blocks.trial import trial, whole
from akidlab.blocks.updates import Updates, checked_decay
from akidlab.blocks.wiring import SYSTEM_IN, Wire, wires
from akidlab.errors import AkidlabError, BlockError
from akidlab.options import Signature, unknown_option

if TYPE_CHECKING:
    from typing_extensions import Self

    from akidlab.blocks.eval_blocks import EvalBlock

Hook = Callable[..., object]
F = TypeVar("F", bound=Callable[..., Any])


def _never_traced(function: F) -> F:
    reason = "Set a block up before it is compiled: block.setup(example_input)."
    return torch.compiler.disable(function, reason=reason)  # type: ignore[return-value]


class Block(Copies, Updates, TopDown, Flags, nn.Module):
    """Takes inputs, may hold state, emits outputs; a torch module with a name, wiring and a lifecycle.

    A subclass writes `forward(signal)`, and `_setup(signal, seed)` if it has parameters. Parameters are
    made at the first call, or by `setup`, when the shape of the input is known. Calling a block returns
    its value and keeps it in `data`.

    Args:
        name: unique within its system; without one the system gives it `NAME` and a number.
        inputs: where the values come from, as `[{"name": "conv1", "idxs": [0]}, ...]`; None for what the
            block before emits. `"system_in"` is the input of the system. A tensor is a constant.
        bag: anything you want to keep with the block.
        call_on_update: have `_on_para_update()` called after each update of parameters.
        moving_average_decay: keep moving averages of its parameters, as buffers called `weight_average`
            and so on: `decay` of the average and the rest of the parameter at each update (Polyak &
            Juditsky 1992). Blocks of a system take it over. Validation uses the averages; see `averaged`.
        flags: akid's switches for what is summarised of it; see `set_flag`.

    Raises:
        BlockError: if the name or the inputs cannot be used.

    Example:
        >>> class Double(Block):
        ...     NAME = "double"
        ...     def forward(self, signal):
        ...         return 2 * signal
        >>> Double()(torch.ones(2))
        tensor([2., 2.])
    """

    NAME = "block"
    SETTLED: tuple[str, ...] = ()  # which options of its bases a class decides itself
    __signature__ = Signature()
    _name: str | None = None
    _is_setup = False
    numbered_by_layer = False  # unnamed, it is called after the layer with weights that it belongs to
    _call: Call

    def __new__(cls, *args: Any, **options: Any) -> Self:
        block = super().__new__(cls)
        block.__dict__["_call"] = Call(args, options)
        return block

    def __init__(
        self,
        *,
        name: str | None = None,
        inputs: Sequence[Mapping[str, object] | Tensor] | None = None,
        bag: dict[str, Any] | None = None,
        call_on_update: bool = False,
        moving_average_decay: float | None = None,
        **flags: object,
    ) -> None:
        super().__init__()
        for flag in flags:
            if flag not in FLAGS:
                raise unknown_option(type(self), flag, FLAGS)
        self._start_flags(flags)
        self._name = None if name is None else _checked(name)
        self._wires = self._with_constants(wires(inputs))
        self.bag: dict[str, Any] = {} if bag is None else bag
        self._hooks: tuple[list[Hook], ...] = ([], [], [], [])
        self._kept: list[Signal] = [None, None]  # `data` and `data_g`
        self._compiled: list[bool] = []
        self.call_on_update = call_on_update
        self._decay = checked_decay(moving_average_decay, self.name)
        self._is_setup = self._is_averaged = False
        self._made: Made | None = None
        self.is_shadow = False
        self.in_shape: Shape = None
        self.out_shape: Shape = None

    # -- what it is

    @property
    def name(self) -> str:
        """Its name; `NAME` until a system gave it one."""
        return self._name or self.NAME

    def _rename(self, name: str) -> None:
        self._name = _checked(name)

    @property
    def inputs(self) -> tuple[Wire, ...] | None:
        """Where its values come from; None for what the block before emits."""
        return self._wires

    @property
    def data(self) -> Signal:
        """The value that it emitted last; None before the first pass, and where a compiled pass kept none."""
        return self._kept[0]

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors that it emitted last, in a list; empty before the first pass."""
        return [] if self.data is None else listed(self.data)

    @property
    def var_list(self) -> list[nn.Parameter]:
        """Its parameters: akid's name for `list(block.parameters())`."""
        return list(self.parameters())

    @property
    def loss(self) -> Tensor | None:
        """What it adds to the loss of its brain; a class that has a loss overrides this."""
        return None

    @property
    def evals(self) -> dict[str, Tensor]:
        """Its evaluations of the last pass, by name; computed when asked."""
        return {}

    @property
    def verbose_evals(self) -> dict[str, Any]:
        """Evaluations that are too long for a line, or gathered over a whole validation."""
        return {}

    @property
    def eval_blocks(self) -> dict[str, type[EvalBlock]]:
        """How its evaluations are gathered over batches, by name; those not named are means over samples."""
        return {}

    def _contributes(self) -> bool:
        return type(self).loss is not Block.loss

    # -- hooks: lists of f(block) around the set-up, of f(block, signal) around a pass

    @property
    def pre_setup_hook(self) -> list[Hook]:
        """Functions called with the block before it is set up."""
        return self._hooks[0]

    @property
    def post_setup_hook(self) -> list[Hook]:
        """Functions called with the block after it was set up."""
        return self._hooks[1]

    @property
    def pre_forward_hook(self) -> list[Hook]:
        """Functions called with the block and its input before a pass."""
        return self._hooks[2]

    @property
    def post_forward_hook(self) -> list[Hook]:
        """Functions called with the block and its input after a pass; what one returns replaces the value."""
        return self._hooks[3]

    # -- set-up

    @property
    def is_setup(self) -> bool:
        """True once its parameters exist."""
        return self._is_setup

    @_never_traced
    def setup(self, *inputs: Signal, seed: int | None = None) -> Self:
        """Make what is not there yet, from the shapes of `inputs`; the first call does the same.

        Args:
            inputs: what a call would be given; nothing, where all sizes were written down.
            seed: gives the same parameters each time and leaves torch's global generator alone; without
                it one number is drawn from there, as a layer of torch would.

        Raises:
            BlockError: if the shapes do not fit.
        """
        check_begun(self)
        root = Seed.given(seed)
        held = next(self.parameters(), None)
        signal = pack(inputs) if held is None else moved(pack(inputs), held.device)
        with whole(self), trial(self):
            self._prepare(signal, root)
        return self

    def _prepare(self, signal: Signal, seed: Seed) -> Signal:
        """Set up, and try: what the block makes of `signal`, None where there is no signal."""
        before = None if seed.refit is None else seed.refit.start(self, signal)
        if signal is not None:
            self._check(signal)
        if not self._is_setup:
            self._call_hooks(self.pre_setup_hook)
            with recorded(self):
                self._setup(signal, seed)
            self.eval()  # modules that it made are tried as the rest is; `trial` puts modes back
            self._is_setup = True
            self._call_hooks(self.post_setup_hook)
        if before is not None and seed.refit is not None:
            seed.refit.finish(self, before)
        self._start_averages()
        if signal is None:
            return None
        try:
            value = self.forward(signal)
        except Exception as error:
            self._explain(signal, error)
            raise
        self.in_shape, self.out_shape = shape_of(signal), shape_of(value)
        return value

    def _setup(self, signal: Signal, seed: Seed) -> None:
        """Make the parameters that `signal` asks for; it is None where only written sizes are known."""

    def _check(self, signal: Signal) -> None:
        """Raise a BlockError if `signal` does not fit; called at set-up and to explain a failed pass."""

    def _guess(self, signals: list[Signal], batch: int) -> Signal:
        """A value of the right shape while some of `signals` are None (a feedback not known yet), or None."""
        return None

    def _call_hooks(self, hooks: list[Hook]) -> None:
        for hook in () if self.is_shadow else hooks:
            hook(self)

    # -- a pass

    def __call__(self, *inputs: Signal, **options: Any) -> Signal:
        if not self._is_setup:
            self.setup(*inputs)
        signal = pack(inputs)
        for hook in self._hooks[2]:
            hook(self, signal)
        try:
            value = super().__call__(signal, **options)
        except Exception as error:
            self._explain(signal, error)
            raise
        if not torch.compiler.is_exporting():
            self._kept[0] = value
        for hook in self._hooks[3]:
            changed = hook(self, signal)
            if changed is not None:
                value = self._kept[0] = changed
        return value

    def _explain(self, signal: Signal, error: Exception) -> None:
        """Say which block failed and, where its input does not fit, why."""
        if isinstance(error, AkidlabError) or getattr(error, "_akidlab_told", False):
            return
        try:
            self._check(signal)
        except AkidlabError as known:
            raise known from error
        if hasattr(error, "add_note"):  # Python 3.11 and later
            error.add_note(f"This happened in block `{self.name}`, which was given {found(signal)}.")  # type: ignore[attr-defined]
            error._akidlab_told = True  # type: ignore[attr-defined]

    def compile(self, *args: Any, **options: Any) -> None:
        """Let `torch.compile` speed up the calls of this block, in place."""
        super().compile(*args, **options)
        self._compiled.append(True)

    def __getstate__(self) -> dict[str, Any]:
        # Activations belong to a process: neither copies nor pickles carry them.
        return {**self.__dict__, "_kept": [None, None]}

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        if not self._is_setup:
            keys = [key for key in state_dict if key.startswith(prefix) and "." not in key[len(prefix) :]]
            state = {key[len(prefix) :]: state_dict[key] for key in keys}
            lacking = [name for name in self._parameters_made() if name not in state]
            missing_keys.extend(prefix + name for name in lacking)
            if not lacking:
                with recorded(self):
                    error_msgs.extend(self._adopt(state))
        if self._is_setup:
            self._begin_loaded_averages(state_dict, prefix)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def _parameters_made(self) -> list[str]:
        """The names of the parameters that set-up makes."""
        return []

    def _adopt(self, state: dict[str, Tensor]) -> list[str]:
        """Make the parameters that a state dict is about to fill; returns what does not fit."""
        return []

    def _with_constants(self, found: tuple[Wire, ...] | None) -> tuple[Wire, ...] | None:
        # Buffers, so that `.to` moves them; a parameter stays the very one that its owner trains.
        for number, wire in enumerate(found or ()):
            if wire.constant is not None and not isinstance(wire.constant, nn.Parameter):
                self.register_buffer(f"_constant{number}", wire.constant, persistent=False)
        return found

    def _rewire(self, found: tuple[Wire, ...] | None) -> None:
        for key in [key for key in self._buffers if key.startswith("_constant")]:
            del self._buffers[key]
        self._wires = self._with_constants(found)

    def _constant(self, number: int) -> Tensor:
        assert self._wires is not None
        constant = self._buffers.get(f"_constant{number}")
        return self._wires[number].constant if constant is None else constant  # type: ignore[return-value]

    def __repr__(self) -> str:
        from akidlab.blocks.describe import text

        check_begun(self)
        return text(self)

    def _repr_html_(self) -> str:
        from akidlab.blocks.html import html

        check_begun(self)
        return html(self)

    def _told(self) -> list[tuple[str, str]]:
        """More that is worth telling in a notebook, as names and values."""
        return []

    def extra_repr(self) -> str:
        """What sets this block apart from others of its class, in a few words."""
        return ""


def check_begun(block: Block) -> None:
    """See that the block was made by `Block.__init__`, too.

    Raises:
        BlockError: if its class forgot that.
    """
    if "_hooks" not in block.__dict__:
        name = type(block).__name__
        raise BlockError(
            f"`{name}.__init__` did not begin the block: let it take `**kwargs`, and call "
            f"`super().__init__(**kwargs)` in its first line."
        )


def _checked(name: object) -> str:
    if not isinstance(name, str) or not name or "." in name or name.startswith("_"):
        raise BlockError(
            f"A name is a word without dots that does not begin with an underscore, found {name!r}."
        )
    if name == SYSTEM_IN:
        raise BlockError("`system_in` is the name of a system's input; give the block another.")
    return name
