"""Checks of a doctor that look at parameters, their gradients and updates, and at the loss."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from akidlab.guards.finding import Finding
from akidlab.guards.observed import Observed, Sizes
from akidlab.guards.streak import Streak

ROUNDING = 1e-5  # of a gradient beside its weights: below that, it tells nothing


class NoGradient:
    """Parameters to train that got no gradient, while others did: detached from the loss, or not used."""

    STEPS = 3

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        some = {key for (_, key), s in seen.parameters.items() if s.gradients is not None}
        lacking = [
            (family, key)
            for (family, key), s in seen.parameters.items()
            if s.gradients is None and self._trains(seen, family, key)
        ]
        if not some:
            return
        cut = self._cut(seen)
        told = set()
        for family, key in lacking:
            block = block_of(key)
            if not self.streak((family, key), True) or block in told:
                continue
            told.add(block)
            if block not in seen.units:
                yield self._unused(seen, block, f"`{block}` does not run.")
            elif block in seen.passed_back:
                yield self._unused(seen, block, f"`{block}` runs without it.", key, family)
            elif cut is not None and cut != block:
                yield Finding(
                    "detached", cut, seen.step,
                    f"`{cut}` lets no gradient through: `{block}` and whatever else lies before it does not "
                    "learn. Look for `.detach()`, `.data`, `torch.no_grad()`, `.item()`, or numpy in its "
                    "`forward`.",
                )  # fmt: skip
                return
            else:
                yield self._unused(seen, block, "Nothing reads what it emits, or it is detached there.")
        for family, key in seen.parameters:
            if (family, key) not in lacking:
                self.streak((family, key), False)

    def _trains(self, seen: Observed, family: str, key: str) -> bool:
        parameter = parameter_of(seen, family, key)
        return parameter is not None and parameter.requires_grad

    def _cut(self, seen: Observed) -> str | None:
        """The first block through which no gradient comes, after one that should learn."""
        ran, last = list(seen.units), None
        for key in ran:
            if key not in seen.passed_back:
                last = key
        if last is None or not any(key in seen.passed_back for key in ran[ran.index(last) :]):
            return None
        return last

    def _unused(
        self, seen: Observed, block: str, why: str, key: str | None = None, family: str = ""
    ) -> Finding:
        what = f"`{key.partition('.')[2] or family}` of `{block}`" if key else f"`{block}`"
        return Finding(
            "no_gradient", block, seen.step,
            f"{what} got no gradient in the last {self.STEPS} observed steps, so that it does not learn. "
            f"{why} Wire it in, remove it, or freeze it on purpose: `requires_grad_(False)`.",
        )  # fmt: skip


class NotUpdated:
    """Parameters with gradients that no optimiser moves.

    A gradient that is nothing but rounding, such as that of a bias before batch normalisation, need not move
    anything.
    """

    STEPS = 3

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        moved = any(s.updates for s in seen.parameters.values())
        for (family, key), s in seen.parameters.items():
            still = is_told(s) and s.updates == 0.0
            if self.streak((family, key), still and moved and not self._is_moved_later(seen, family, key)):
                yield Finding(
                    "not_updated", block_of(key), seen.step,
                    f"The {family} of `{key}` has gradients but does not change: the optimiser does not hold "
                    "it, or its rate is 0. Make the optimiser of all parameters, after the model is "
                    "complete: `torch.optim.SGD(model.parameters(), ...)`.", value=s.gradients,
                )  # fmt: skip

    def _is_moved_later(self, seen: Observed, family: str, key: str) -> bool:
        """True for what another optimiser holds, whose steps are not looked at."""
        groups = (group["params"] for optimizer in seen.others for group in optimizer.param_groups)
        parameter = parameter_of(seen, family, key)
        return any(parameter is held for parameters in groups for held in parameters)


class GradientsKept:
    """Gradients of the step before that were still there when this one went back."""

    STEPS = 2

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        if self.streak("", seen.uncleared):
            yield Finding(
                "gradients_kept", None, seen.step,
                "Gradients add up from step to step: those of the step before were still there when this one "
                "went back. Call `optimizer.zero_grad()` once a step, before `loss.backward()`.",
            )  # fmt: skip


class Rate:
    """Updates beside the weights they change: about 0.001 is healthy, healthy runs had 0.00002 to 0.1.

    Too large: the median block changes by a tenth at each step, ten observed steps in a row, and the loss
    is no better than at the beginning (large steps that help are no fault, and RMSprop begins with nine that
    do not); or the loss is thrice that, four in a row. Too small: no block changes by a millionth, ten in
    a row.
    """

    LARGE, STEPS, SMALL, LONG = 0.1, 4, 1e-6, 10

    def __init__(self) -> None:
        self.block: str | None = None  # where it was largest when that was told first
        self.large, self.small, self.rising = Streak(self.LONG), Streak(self.LONG), Streak(self.STEPS)
        self.first: float | None = None

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        ratios = seen.ratios
        if self.first is None:
            self.first = seen.loss
        if not ratios:
            return
        middle, most = statistics.median(ratios.values()), max(ratios, key=lambda key: ratios[key])
        begin = math.inf if self.first is None else self.first
        helps = seen.loss is not None and seen.loss < begin
        spoilt = seen.loss is not None and math.isnan(seen.loss)  # the guard tells why
        large = self.large("", self.LARGE < middle < math.inf and not helps and not spoilt)
        rising = self.rising("", seen.loss is not None and seen.loss > 3 * begin + 1)
        if large or rising:
            block = block_of(most)
            loss = "" if seen.loss is None else f"; the loss is {seen.loss:.3g}, it began at {begin:.3g}"
            yield Finding(
                "rate_too_large", block, seen.step,
                f"The learning rate is too large: the weights of `{block}` change by "
                f"{shown(ratios.get(block, middle))} of their size at a step, the median block by "
                f"{shown(middle)} "
                f"(about 0.1% is healthy){loss}. Divide the rate by 10, or set `clip_norm`.", value=middle,
            )  # fmt: skip
        if self.small("", ratios[most] < self.SMALL and self._is_told(seen, most)):
            self.block = block = self.block or block_of(most)
            yield Finding(
                "rate_too_small", block, seen.step,
                f"Nothing learns: even the weights of `{block_of(most)}`, which change most, change by "
                f"{ratios[most]:.1e} of their size at a step (about 1e-3 is healthy). Multiply the rate by "
                "10 until they do.", value=ratios[most],
            )  # fmt: skip

    def _is_told(self, seen: Observed, key: str) -> bool:
        """True if the gradient says where to go: where it is 0, no rate would help."""
        return is_told(seen.sizes("weight", key))


class Unbalanced:
    """Blocks that learn far slower, or far faster, than the others.

    The ratio of update to weight differs over the blocks of a healthy net by up to 40. Vanishing: below
    a two-thousandth of the fastest, and below 1e-5, five observed steps in a row. Exploding: a block changes
    by half of itself and by 20 times more than the median one, two in a row, or at once by twice itself.
    """

    SLOW, LEAST, STEPS = 1 / 2000, 1e-5, 5
    FAST, AT_ONCE, TIMES, SOON = 0.5, 2.0, 20.0, 2  # what explodes is over soon

    def __init__(self) -> None:
        self.slow, self.fast = Streak(self.STEPS), Streak(self.SOON)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        ratios = {key: ratio for key, ratio in seen.ratios.items() if ratio > 0}
        if len(ratios) < 2:
            return
        most, middle = max(ratios.values()), statistics.median(ratios.values())
        told = False
        for key, ratio in ratios.items():
            if self.slow(key, ratio < self.SLOW * most and ratio < self.LEAST) and not told:
                told = True
                yield Finding(
                    "vanishing_gradients", block_of(key), seen.step,
                    f"Gradients vanish on their way to `{key}`: its weights change by {ratio:.1e} of their "
                    f"size at a step, those that change most by {most:.1e}. Use ReLU in place of sigmoid or "
                    "tanh, `he` or `xavier` initial weights, shortcuts, or normalise between blocks.",
                    value=ratio,
                )  # fmt: skip
            large = self.fast(key, ratio > self.FAST and ratio > self.TIMES * middle)
            if large or ratio > max(self.AT_ONCE, self.TIMES * middle):
                yield Finding(
                    "exploding_gradients", block_of(key), seen.step,
                    f"Gradients explode at `{key}`: its weights change by {shown(ratio)} of their size "
                    f"at a step, the median block by {shown(middle)}. Set `clip_norm=1`, or use a smaller "
                    "rate.",
                    value=ratio,
                )  # fmt: skip


class Identical:
    """Units that begin with the same weights learn the same, for ever."""

    STEPS = 2

    def __init__(self) -> None:
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        if self.streak.counts["", "steps"] > 3:  # what was unlike stays so
            return
        self.streak.counts["", "steps"] += 1
        for (family, key), s in seen.parameters.items():
            module = seen.modules.get(block_of(key))
            weight = getattr(module, key.partition(".")[2] or family, None)
            if s.dims < 2 or not isinstance(weight, Tensor) or len(weight) < 2 or not s.weights:
                continue
            if self.streak(key, bool((weight.detach() == weight.detach()[:1]).all())):
                yield Finding(
                    "identical_units", block_of(key), seen.step,
                    f"All {len(weight):,} units of `{key}` have the same weights: they will learn the same, "
                    "as if there were one. Initialise with random numbers, such as `xavier` or `he`.",
                )  # fmt: skip


class Collapsing:
    """Weights that shrink to nothing, as under too strong a decay."""

    SHARE, STEPS = 0.02, 3

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.streak = Streak(self.STEPS)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        for (_, key), s in seen.parameters.items():
            if s.dims < 2 or not s.weights:
                continue
            begin = self.first.setdefault(key, s.weights)
            if self.streak(key, s.weights < self.SHARE * begin):
                yield Finding(
                    "weights_collapse", block_of(key), seen.step,
                    f"The weights of `{key}` have shrunk to {s.weights / begin:.1%} of what they began with: "
                    "the decay of weights outweighs the loss. Use a smaller `weight_decay` or rate.",
                    value=s.weights / begin,
                )  # fmt: skip


class NoInformation:
    """A loss that stays at chance, or labels that are all alike.

    Chance is the entropy of the labels seen so far. The mean of the last ten observed losses is above 97% of
    it after 100 steps, while the answers to different samples differ (by 0.03 and more, 50 observed steps in
    a row): labels and samples have nothing to do with each other. A net on a plateau, which learns
    later, gives nearly the same answer to all (0.0003 to 0.02 where that was measured).
    """

    BEGIN, LOSSES, SHARE, ALIKE = 100, 10, 0.97, 5
    APART, STEPS = 0.03, 50
    ENOUGH = 10_000  # labels that were counted

    def __init__(self) -> None:
        self.apart = Streak(self.STEPS)
        self.losses: deque[float] = deque(maxlen=self.LOSSES)
        self.counts: Tensor | None = None
        self.alike = Streak(self.ALIKE)

    def __call__(self, seen: Observed) -> Iterator[Finding]:
        labels = seen.labels
        if labels is None or labels.is_floating_point() or labels.dim() != 1 or not labels.numel():
            return
        yield from self._same(seen, labels)
        self._count(labels)
        if seen.loss is not None:
            self.losses.append(seen.loss)
        moves = max(seen.ratios.values(), default=0.0) > 1e-5
        answer = seen.answer
        differ = answer is not None and answer.dim() > 1 and len(answer) > 1
        differ = differ and float(answer.detach().float().std(0).mean()) > self.APART  # type: ignore[union-attr]
        if (
            not self.apart("", differ)
            or seen.step < self.BEGIN
            or len(self.losses) < self.LOSSES
            or not moves
        ):
            return
        mean, chance = statistics.fmean(self.losses), self._chance()
        if chance > 0.1 and self.SHARE * chance < mean < 2 * chance:
            yield Finding(
                "no_information", "input_labels", seen.step,
                f"The loss stays at {mean:.4g}, chance is {chance:.4g}: after {seen.step} steps the labels "
                "tell the network nothing. See that samples and labels were not shuffled apart, that the "
                "right columns are wired to the loss, and that the rate is not far too large or small.",
                value=mean,
            )  # fmt: skip

    def _same(self, seen: Observed, labels: Tensor) -> Iterator[Finding]:
        if self.alike("", len(labels) > 4 and bool((labels == labels[0]).all())):
            yield Finding(
                "constant_labels", "input_labels", seen.step,
                f"All labels of the last {self.ALIKE} observed batches are {int(labels[0])}: the network "
                "learns to say so and no more. Shuffle the samples, and see that the labels are read from "
                "the right place.", value=float(labels[0]),
            )  # fmt: skip

    def _count(self, labels: Tensor) -> None:
        if self.counts is not None and float(self.counts.sum()) > self.ENOUGH:
            return
        labels = labels[labels >= 0]
        found = torch.bincount(labels, minlength=0 if self.counts is None else len(self.counts)).float()
        if self.counts is not None:
            found[: len(self.counts)] += self.counts
        self.counts = found

    def _chance(self) -> float:
        if self.counts is None or not float(self.counts.sum()):
            return 0.0
        shares = self.counts[self.counts > 0] / self.counts.sum()
        return float(-(shares * shares.log()).sum())


def block_of(key: str) -> str:
    """The block that a parameter, or one of several calls, belongs to."""
    return key.partition(".")[0].partition(":")[0]


def is_told(sizes: Sizes) -> bool:
    """True if its gradient says where to go, and not only how numbers are rounded."""
    return (sizes.gradients or 0.0) > ROUNDING * (sizes.weights or 0.0)


def parameter_of(seen: Observed, family: str, key: str) -> nn.Parameter | None:
    """The parameter that was told under this key."""
    module = seen.modules.get(block_of(key))
    name = key.partition(".")[2] or family
    return None if module is None else dict(module.named_parameters()).get(name)


def shown(ratio: float) -> str:
    """A share for people, who read no number of a hundred digits."""
    if ratio >= 1e3:
        return "far more than 1,000 times"
    return f"{ratio:.2%}" if ratio < 1 else f"{ratio:.0%}"
