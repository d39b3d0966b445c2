"""Exploring: what an explorer asks of a living network, in plain values and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from akidlab.errors import DataError
from akidlab.observers.answers import answers
from akidlab.observers.maps import feature_maps, parts
from akidlab.observers.saliency import occlusion, saliency
from akidlab.observers.small import of_maps

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.messages import Picture
    from akidlab.observers.observer import Observer

WHY = {"saliency": saliency, "occlusion": occlusion}
BLOCKS = 32  # whose maps are shown: the first ones
CLASSES = 20  # that are told: the most likely ones


class Exploring:
    """Takes samples through the network of an observer.

    While its kid practises in another thread, that thread does it between two steps.

    Args:
        observer: what is looked at.

    Raises:
        DataError: if there is no sample to begin with.

    Example:
        >>> from akidlab import Observer
        >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
        >>> exploring = Exploring(Observer(module, samples=torch.ones(3, 1, 2, 2)))
        >>> exploring.facts["shape"], list(exploring.look(0)["maps"])
        ([1, 2, 2], ['flatten0', 'linear0'])
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._samples, self._labels = observer._data()
        first = self._samples[:512].float()
        self.low, self.high = float(first.min()), float(first.max())

    @property
    def facts(self) -> dict[str, object]:
        """What there is to explore: the `shape` of a sample, how `many`, its `low` and `high` numbers."""
        return {
            "shape": list(self._samples.shape[1:]), "many": len(self._samples), "low": self.low,
            "high": self.high, "can_draw": self.can_draw,
            "why": list(WHY) if self._is_image else ["saliency"],
        }  # fmt: skip

    @property
    def can_draw(self) -> bool:
        """True if samples are images of one channel, or of three, so that one can be drawn."""
        return self._is_image and self._samples.shape[1] in (1, 3)

    @property
    def _is_image(self) -> bool:
        return self._samples.dim() == 4

    def drawn(self, pixels: Any) -> Tensor:
        """What was drawn, as a sample: strokes are as high as samples are, the ground as low.

        Args:
            pixels: `[height * width]` of 0 to 255.

        Raises:
            DataError: if these are not as many numbers.
        """
        if not self.can_draw:
            raise DataError("This network is given no images, so nothing can be drawn for it.")
        channels, height, width = self._samples.shape[1:]
        try:
            found = np.asarray(pixels, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"A drawing is {height * width} numbers: {error}.") from error
        if found.shape != (height * width,) or not np.isfinite(found).all():
            raise DataError(
                f"A drawing is {height * width} numbers of 0 to 255, found the shape {found.shape}."
            )
        levels = self.low + np.clip(found, 0, 255) / 255 * (self.high - self.low)
        return torch.as_tensor(levels).reshape(1, 1, height, width).repeat(1, channels, 1, 1)

    def look(
        self,
        index: int | None = None,
        *,
        pixels: Any = None,
        why: str | None = None,
        target: int | None = None,
    ) -> dict[str, Any]:
        """Take a sample through the network.

        Args:
            index: which validation sample.
            pixels: a drawing instead, see `drawn`.
            why: `saliency` or `occlusion`, to see what the answer hangs on.
            target: of which class; by default of the most likely one.

        Returns:
            `input` and `maps`, pictures by name; `classes`, their numbers, and `shares`, their
            probabilities; `label`, `step` and `live`; `why`, a picture, if it was asked for; and `note`.

        Raises:
            DataError: if there is no such sample, class or way to tell why.
        """
        if why is not None and why not in WHY:
            raise DataError(f"What an answer hangs on is told by {' or '.join(WHY)}, found {why!r:.40}.")
        sample = self.observer._sample(index or 0) if pixels is None else self.drawn(pixels)
        label = None
        if pixels is None and self._labels is not None and self._labels.dim() == 1:
            label = self._labels[index or 0].item()
        found = self.observer._between(lambda: self._seen(sample, why, target))
        return {**found, "input": _image(sample), "label": label}

    def _seen(self, sample: Tensor, why: str | None, target: int | None) -> dict[str, Any]:
        kid, network = self.observer.kid, self.observer.brain
        maps = feature_maps(network, sample, [*parts(network)][:BLOCKS])
        seen: dict[str, Any] = {
            "maps": {name: of_maps(values[0]) for name, values in maps.items()},
            "classes": [], "shares": [], "note": "",
            "step": None if kid is None else kid.step, "live": kid is not None and kid.practising,
        }  # fmt: skip
        try:
            shares = answers(network, sample).probabilities[0]
        except DataError as error:  # it does not classify: its maps can be seen all the same
            return {**seen, "note": str(error)}
        order = sorted(np.argsort(-shares, kind="stable")[:CLASSES].tolist())
        seen.update(classes=order, shares=[float(shares[number]) for number in order])
        if why is not None:
            found = WHY[why](network, sample, target)
            flat = found if found.ndim == 2 else found[None]
            seen["why"] = of_maps(flat[None])
        return seen


def _image(sample: Tensor) -> Picture:
    values = sample[0].float().cpu().numpy()
    if values.ndim == 1:
        values = values[None, None]
    elif values.ndim == 3 and values.shape[0] == 3:
        values = values.mean(axis=0, keepdims=True)
    return of_maps(values[:1])
