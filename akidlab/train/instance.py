"""An Instance: one point of a grid, which one process trains; and the grid itself."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from akidlab.errors import TuningError

Paras = Mapping[str, Any]


@dataclass(frozen=True)
class Instance:
    """What one process is to train.

    Args:
        index: its place among all, from 0 on.
        repeat: which repetition it is, from 0 on.
        opt_paras: parameters of the optimisation.
        net_paras: parameters of the network.
        seed: what its weights, its data and whatever else is drawn from.
        gpus: how many GPUs (or slots of the CPU) it takes.
        more: plain facts for the configuration of its run.
    """

    index: int
    repeat: int = 0
    opt_paras: Paras = field(default_factory=dict)
    net_paras: Paras = field(default_factory=dict)
    seed: int = 0
    gpus: int = 1
    more: Paras = field(default_factory=dict)

    @property
    def paras(self) -> dict[str, Any]:
        """All parameters by name; one that both have is called `opt_paras.name` and `net_paras.name`."""
        both = set(self.opt_paras) & set(self.net_paras)
        return {
            f"{kind}.{name}" if name in both else name: value
            for kind, paras in (("opt_paras", self.opt_paras), ("net_paras", self.net_paras))
            for name, value in paras.items()
        }

    @property
    def key(self) -> str:
        """What tells it from the others of its tuning, in this kernel and in the next."""
        which = self.index if "trial" in self.more else self.repeat  # a search may try the same twice
        return json.dumps([which, plain(self.opt_paras), plain(self.net_paras)], sort_keys=True)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={short(value)}" for name, value in self.paras.items())
        again = f"repeat {self.repeat}" if self.repeat else ""
        return ", ".join(filter(None, [told, again])) or "no parameters"


def grid(
    opt_paras_list: Sequence[Paras] | Mapping[str, Sequence[Any]] = ({},),
    net_paras_list: Sequence[Paras] | Mapping[str, Sequence[Any]] = ({},),
    repeat_times: int = 1,
    gpu_num_per_instance: int | Sequence[int | None] | None = 1,
    seed: int = 0,
) -> list[Instance]:
    """Every combination, `repeat_times` times: repeats outermost, then optimisation, then network.

    Args:
        opt_paras_list: dicts of parameters; or a dict of lists, which stands for all their combinations.
        net_paras_list: the same, for the network.
        repeat_times: how often each is trained, each time with another seed.
        gpu_num_per_instance: GPUs for each; or a list with a number for every instance.
        seed: that of the first repeat.

    Raises:
        TuningError: if something here makes no sense.

    Example:
        >>> [str(instance) for instance in grid({"lr": [0.1, 0.01]}, [{"width": 8}, {"width": 16}])]
        ['lr=0.1, width=8', 'lr=0.1, width=16', 'lr=0.01, width=8', 'lr=0.01, width=16']
    """
    opts, nets = _points("opt_paras_list", opt_paras_list), _points("net_paras_list", net_paras_list)
    if not isinstance(repeat_times, int) or repeat_times < 1:
        raise TuningError(f"`repeat_times` is a whole number of 1 or more, found {repeat_times!r}.")
    points = list(itertools.product(range(repeat_times), opts, nets))
    gpus = _gpus(gpu_num_per_instance, len(points))
    return [
        Instance(index, repeat, opt, net, seed + repeat, gpus[index])
        for index, (repeat, opt, net) in enumerate(points)
    ]


def _points(name: str, given: Sequence[Paras] | Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    if isinstance(given, Mapping):
        odd = [
            key for key, values in given.items() if isinstance(values, (str, Mapping)) or not _many(values)
        ]
        if odd:
            raise TuningError(
                f"`{name}` is a dict of lists, but `{odd[0]}` is {given[odd[0]]!r}. Write the values to try "
                f"as a list, `{{{odd[0]!r}: [{given[odd[0]]!r}]}}`."
            )
        return [dict(zip(given, values, strict=True)) for values in itertools.product(*given.values())]
    points = list(given)
    if not points or not all(isinstance(point, Mapping) for point in points):
        raise TuningError(
            f"`{name}` is a list of dicts, one at least, `[{{}}]` for nothing to vary; found {given!r:.80}."
        )
    return [dict(point) for point in points]


def _many(values: object) -> bool:
    return hasattr(values, "__iter__") and hasattr(values, "__len__") and len(values) > 0  # type: ignore[arg-type]


def _gpus(given: int | Sequence[int | None] | None, count: int) -> list[int]:
    numbers = [given] * count if given is None or isinstance(given, int) else list(given)
    if len(numbers) != count:
        raise TuningError(
            f"`gpu_num_per_instance` has {len(numbers)} numbers for {count} instances. Give one number for "
            "each, or one for all."
        )
    for number in numbers:
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise TuningError(f"`gpu_num_per_instance` counts GPUs, 0 or more; found {number!r}.")
    return [number or 0 for number in numbers]


def plain(value: Any) -> Any:
    """`value` in plain values, the same in every kernel: what has a name goes by it, no addresses."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy and torch
        return value.tolist()
    name = getattr(value, "__qualname__", None)
    return name if name is not None else re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def short(value: Any, width: int = 40) -> str:
    """`value` as a table shows it.

    Example:
        >>> short(0.001), short([1, 2]), short(dict)
        ('0.001', '[1, 2]', 'dict')
    """
    value = plain(value)
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
