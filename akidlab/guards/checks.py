"""Checks of a doctor that look at what blocks emit."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from akidlab import blocks
from akidlab.blocks.layers.loss import LossLayer
from akidlab.guards.explain import GREW
from akidlab.guards.finding import Finding
from akidlab.guards.observed import Observed, Units
from akidlab.guards.streak import Streak

RELUS = (nn.ReLU, nn.ReLU6, blocks.ReLULayer)
SIGMOIDS = (nn.Sigmoid, blocks.SigmoidLayer)
TANHS = (nn.Tanh, blocks.TanhLayer)
NORMALISING = ("norm", "standardiz", "lrn", "maxout")  # in the name of a class: it may scale as it likes
LITTLE = 0.1  # a standard deviation below this counts as this
EARLY = 5  # in the first steps, initial weights are to blame, unless they grew
MODAL = (
    nn.modules.dropout._DropoutNd,
    nn.modules.batchnorm._NormBase,
    blocks.DropoutLayer,
    blocks.BatchNormalizationLayer,
)


class DeadReLUs:
    """Units that emitted 0 for all that was looked at, in each of the last observed steps.

    Many units rest on one batch, and in a deep narrow net on a plateau seven of ten on all of several: such
    nets learn. That nine of ten rest on five batches in a row, each of them all the time, was seen in no
    healthy run, while a rate too large or a bias too low gives nearly all.
    """

    SHARE, STEPS = 0.9, 5

    def __init__(self) -> None:
        self.idle: dict[str, Tensor] = {}

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        for key, units in seen.units.items():
            if isinstance(seen.modules.get(key), RELUS):
                idle = (self._before(key, units) + 1) * (units.highest <= 0)
                self.idle[key] = idle
                share = float((idle >= self.STEPS).float().mean())
                if share >= self.SHARE:
                    yield Finding(
                        "dead_relu", key, seen.step,
                        f"{share:.0%} of the {len(idle):,} units of `{key}` are dead: they emitted 0 in the "
                        f"last {self.STEPS} observed steps, so that nothing before them learns. Use a "
                        "smaller rate, initial weights such as `he`, biases of 0, or a LeakyReLULayer.",
                        value=share,
                    )  # fmt: skip

    def _before(self, key: str, units: Units) -> Tensor:
        before = self.idle.get(key)
        return before if before is not None and before.shape == units.highest.shape else units.highest * 0


class Saturated:
    """Units of a sigmoid or tanh that sit at their ends, where gradients are below a fiftieth of the largest.

    Nets that begin well hold a few per cent of their values there. Nine of ten, three observed steps in a
    row, is far from that, and leaves nothing to learn from.
    """

    SHARE, STEPS = 0.9, 3

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        for key, units in seen.units.items():
            module, rows = seen.modules.get(key), units.rows
            if not isinstance(module, (*SIGMOIDS, *TANHS)) or key in seen.answers:
                continue
            centred = rows.abs() if isinstance(module, TANHS) else (2 * rows - 1).abs()
            share = float((centred > 0.99).float().mean())
            if self.streak(key, share >= self.SHARE):
                yield Finding(
                    "saturated", key, seen.step,
                    f"{share:.0%} of what `{key}` emits is at the ends of its range, where gradients vanish. "
                    "Begin with smaller weights (`xavier`), normalise the inputs, or put a "
                    "BatchNormalizationLayer before it.", value=share,
                )  # fmt: skip


class Constant:
    """The first block that emits the same for every sample, though it was given different ones."""

    STEPS = 3

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        if not any(units.is_constant for units in seen.units.values()):
            return self.streak.counts.clear()
        varied = seen.inputs is None or _varies(seen.inputs)
        for key, units in seen.units.items():
            module = seen.modules.get(key)
            constant = not isinstance(module, (LossLayer, *RELUS)) and units.is_constant
            if self.streak(key, constant and varied):
                yield Finding(
                    "constant_output", key, seen.step,
                    f"`{key}` emits the same for every sample: nothing of its input gets through. See that "
                    "its weights are not all 0 (initialise with `xavier` or `he`), and what it is wired to.",
                    value=float(units.highest.abs().max()),
                )  # fmt: skip
            varied = varied and not units.is_constant


class Exploding:
    """Blocks that make what passes much larger, in the first observed steps and later.

    With `he` or `xavier` a block scales by about 1, and the last one of a trained net by 12, as its answers
    grow sure; a factor of 30 in one block, or of 1000 over all so far, is what nobody begins with on
    purpose. Normalisation may, and weights that grew while the loss fell (L-BFGS takes great steps).
    """

    FACTOR, WHOLE, STEPS = 30.0, 1000.0, 2

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)
        self.weights: dict[str, float] = {}  # how large they were when first seen
        self.loss: float | None = None

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        grown = self._grown(seen)
        if grown and seen.loss is not None and self.loss is not None and seen.loss < self.loss:
            return self.streak.counts.clear()
        first = before = None if seen.inputs is None else float(seen.inputs.float().std())
        for key, units in seen.units.items():
            now, kind = units.spread, type(seen.modules.get(key)).__name__.lower()
            if any(word in kind for word in NORMALISING):
                first = None
            elif first is not None and before is not None:
                large = now > self.FACTOR * max(before, LITTLE) or now > self.WHOLE * max(first, LITTLE)
                if self.streak(key, large):
                    yield self._told(seen, key, before, now, grown)
                    return
            first, before = now if first is None else first, now

    def _grown(self, seen: Observed) -> bool:
        """True if weights are far larger than when they were seen first."""
        self.loss = seen.loss if self.loss is None else self.loss
        now = {key: s.weights for (_, key), s in seen.parameters.items() if s.dims > 1 and s.weights}
        return any(size > GREW * self.weights.setdefault(key, size) for key, size in now.items())

    def _told(self, seen: Observed, key: str, before: float, now: float, grown: bool) -> Finding:
        advice = "Its weights begin too large: initialise with `he` or `xavier`, or normalise after it."
        if seen.step > EARLY or grown:
            advice = (
                "Its weights have grown too large: use a smaller rate, `clip_norm`, or normalise after it."
            )
        return Finding(
            "exploding_activations", key, seen.step,
            f"`{key}` emits values of standard deviation {now:.3g}, where {before:.3g} came in: what passes "
            f"explodes with depth. {advice}", value=now,
        )  # fmt: skip


class NotNormalised:
    """Inputs whose values lie far from where initial weights expect them."""

    SIZE, STEPS = (
        20.0,
        2,
    )  # pictures of 0..255 have 100 and more; standardised data have 1, pixels in 0..1 half

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        inputs = seen.inputs
        if inputs is None or seen.count >= self.STEPS:  # they stay as they are
            return
        size = float(inputs.float().square().mean().sqrt())
        if self.streak("", size > self.SIZE):
            yield Finding(
                "inputs_not_normalised", "system_in", seen.step,
                f"What goes in at `system_in` is not normalised: its root mean square is {size:.3g}, its "
                f"range {float(inputs.min()):.3g} to {float(inputs.max()):.3g}. Scale it to about -1 to 1: "
                "pictures by `x / 255`, or with a joker that normalises.",
                value=size,
            )  # fmt: skip


class LeftInEval:
    """Dropout or batch normalisation that was left in eval mode while the rest trains, or all of it."""

    STEPS = 2

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        for key, module in seen.modules.items():
            if isinstance(module, MODAL) and self.streak(key, not module.training):
                yield Finding(
                    "eval_mode", key, seen.step,
                    f"`{key}` (a {type(module).__name__}) is in eval mode while the network trains: it does "
                    "not drop, or uses its running statistics. Call `model.train()` after each evaluation.",
                )  # fmt: skip
                return


class SoftmaxTwice:
    """Probabilities that go into a loss which makes probabilities itself."""

    STEPS = 2

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        answer, judges = seen.answer, (nn.CrossEntropyLoss, blocks.SoftmaxWithLossLayer)
        if seen.count >= self.STEPS:  # it stays as it is
            return
        judged = any(isinstance(module, judges) for module in seen.module.modules())
        if not judged or answer is None or answer.dim() != 2 or answer.shape[1] < 2:
            return
        sums = answer.detach().float().sum(1)
        twice = bool((answer >= 0).all()) and bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
        block = next(iter(seen.answers), None)
        if self.streak("", twice):
            yield Finding(
                "softmax_twice", block, seen.step,
                f"`{block}` emits probabilities (they add up to 1), and the loss takes a softmax of them "
                "again: it can hardly fall. Give the loss the logits: leave that softmax out.",
            )  # fmt: skip


def _varies(tensor: Tensor) -> bool:
    return len(tensor) > 1 and bool((tensor != tensor[:1]).any())
