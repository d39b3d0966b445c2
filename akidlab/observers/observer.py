"""The Observer: looks at a kid, a brain or a torch module on demand, and shows what it sees."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from akidlab import registry
from akidlab.atlas import Atlas, Chart, tiled
from akidlab.errors import DataError, KindError
from akidlab.observers.answers import answers
from akidlab.observers.chosen import are_names, is_place, place_of, tensor_of
from akidlab.observers.filters import filter_norms, filters, picture_of
from akidlab.observers.filters import layers as having_filters
from akidlab.observers.maps import feature_maps, relu_sparsity
from akidlab.observers.passing import samples_for

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.kids import Kid

LAYOUT = {"type": "normal", "num": 1}


class Observer:
    """Looks at what a kid has learnt, and shows it under the cell.

    What it shows has its numbers in `.array` or `.arrays`, a plotly figure in `.figure`, and `.save(path)`.
    Nothing is written unless a `folder` is named; `True` stands for akid's place, `visualization` in the
    folder of the kid's run. A kid that practises in another thread is looked at between two steps.

    Args:
        kid: a kid, a brain, or any torch module.
        samples: `[samples, ...]` to look at; by default the validation samples of a kid.
        labels: `[samples]`, what they are.

    Raises:
        KindError: if this is nothing to look at, or samples are no numbers.
        DataError: if these are no samples, or no labels.

    Example:
        >>> from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu, Observer
        >>> from akidlab.models.brains import OneLayerBrain
        >>> kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), record=False)
        >>> Observer(kid).visualize_filters("conv1", {"type": "normal", "num": 4})
        Atlas('Filters': conv1 47×31)
    """

    def __init__(self, kid: Kid | nn.Module, samples: Any = None, labels: Any = None) -> None:
        self.kid: Kid | None = None
        if isinstance(kid, nn.Module):
            self._module = kid
        elif isinstance(getattr(kid, "brain", None), nn.Module):
            self.kid = kid
        else:
            raise KindError(f"An Observer looks at a kid, a brain or a torch module, found {kid!r:.60}.")
        self._samples = None if samples is None else tensor_of("Samples are", samples, "[samples, ...]", 2)
        self._labels = None if labels is None else tensor_of("Labels are", labels, "[samples]", 1)

    @property
    def brain(self) -> nn.Module:
        """What it looks at, set up."""
        if self.kid is None:
            return self._module
        self.kid.setup()
        return self.kid.brain

    # -- filters

    def visualize_filters(
        self,
        layers: Iterable[str] | str | None = None,
        layout: str | Mapping[str, object] = LAYOUT,
        big_resolution: bool = True,
        *,
        folder: Path | str | bool = False,
    ) -> Atlas:
        """The filters of each layer as one image, with their biases at the right end.

        Args:
            layers: names of layers; all of them if left out.
            layout: `normal` with `num` columns, `inverse` with `num` filters in a column, `dynamic`, nearly
                square, or `square`: all channels of all filters in the squarest grid (see `atlas.grid`).
            big_resolution: akid's; images are as sharp as can be.
            folder: where to write `<layer>_para.png`, if anywhere.

        Raises:
            UnknownNameError: if there is no such layer or layout.
            KindError: if the layout makes no sense.
            DataError: if no layer is named, or none has filters.
        """
        found = self._between(lambda: filters(self.brain, layers))
        self._check_some(found)
        sheets = {name: picture_of(one, layout) for name, one in found.items()}
        meant = {name: one.weights for name, one in found.items()}
        shown = Atlas("Filters", sheets, _told(found), meant=meant)
        return self._written(shown, folder, "_para.png")

    def do_stat_on_filters(self, layers: Iterable[str] | str | None = None) -> Chart:
        """How large filters are: a histogram of their L2 norms for each layer.

        Raises:
            UnknownNameError: if there is no such layer.
            DataError: if no layer is named, or none has filters.
        """
        found = self._between(lambda: filter_norms(self.brain, layers))
        self._check_some(found)
        return Chart("histogram", "Norms of filters", found, "L2 norm", "filters")

    # -- what passes through

    def visualize_activation(
        self,
        samples: Any = 0,
        layers: Iterable[str] | str | None = None,
        *,
        folder: Path | str | bool = False,
    ) -> Atlas:
        """What each block emits of a sample: its channels tiled in the squarest grid.

        Args:
            samples: the index of a validation sample, -1 for the last, or a sample itself. Names of blocks
                are taken as `layers`, of the first sample: `visualize_activation("conv1")`.
            layers: names of blocks; all of them if left out.
            folder: where to write `<block>_fmap.png`, if anywhere.

        Raises:
            UnknownNameError: if there is no such block.
            DataError: if there is no such sample.
            KindError: if this is no sample, or these are no names.
        """
        if layers is None and are_names(samples):
            samples, layers = 0, samples
        sample = self._sample(samples)
        found = self._between(lambda: feature_maps(self.brain, sample, layers))
        maps = {name: values[0] for name, values in found.items()}
        sheets = {name: sheet_of(values) for name, values in maps.items()}
        title = "Feature maps"
        if is_place(samples):
            title += f" of sample {place_of(samples, len(self._data()[0]))}"
        return self._written(Atlas(title, sheets, meant=maps), folder, "_fmap.png")

    def visualize_classifying(
        self,
        name: str | None = None,
        idxs: Sequence[int] | None = None,
        *,
        folder: Path | str | bool = False,
    ) -> Atlas:
        """Validation samples, each with its label and the predicted one: `12 Label: 3; PL: 5`.

        Args:
            name: the block that tells, of logits or probabilities; by default what the last loss judges.
            idxs: which samples, -1 for the last; the first sixteen if left out.
            folder: where to write `classifying_<...>.png`, if anywhere.

        Raises:
            UnknownNameError: if there is no such block.
            DataError: if there is no such sample, or samples are no images.
            KindError: if `name` is no name, or `idxs` are no whole numbers.
        """
        samples, labels = self._data()
        rows = _places(idxs, len(samples))
        if is_place(name):
            raise KindError(f"A block is chosen by its name, samples by `idxs=[{name}]`; found {name}.")
        chosen = samples[rows]
        said = self._between(lambda: answers(self.brain, chosen, name)).classes
        titles = [
            f"{row} " + ("" if labels is None else f"Label: {int(labels[row])}; ") + f"PL: {told}"
            for row, told in zip(rows, said.tolist(), strict=True)
        ]
        images = {
            title: image_of(image) for title, image in zip(titles, chosen.float().cpu().numpy(), strict=True)
        }
        return self._written(Atlas("What it takes samples for", images, grey=True), folder, ".png")

    def plot_relu_sparsity(self, run: Any = None, samples: int = 100) -> Chart:
        """How much of what each ReLU emits is zero: over the steps of a run, or now, of some samples.

        Args:
            run: one that recorded the metric `sparsity:activations`; None to measure now.
            samples: of how many validation samples it is measured now.

        Raises:
            DataError: if the run recorded no sparsity, or there is no ReLU.
            KindError: if this is no run.
        """
        if run is None:
            data = self._data()[0][:samples]
            found = self._between(lambda: relu_sparsity(self.brain, data))
            bars = {name: np.array([share]) for name, share in found.items()}
            return Chart("bars", "Sparsity of ReLUs", bars, "", "share of zeros")
        if not hasattr(run, "tags"):
            raise KindError(
                f"Sparsity over steps is told by a run, such as `akidlab.runs()[0]`, found {run!r:.60}. "
                "Give none to measure it now: `plot_relu_sparsity()`."
            )
        tags = [tag for tag in run.tags() if "sparsity" in tag.split("/")[0]]
        if not tags:
            raise DataError(
                f"The run `{run.name}` recorded no sparsity. Record it with "
                '`kid.watch(metrics=("sparsity:activations",))`, or measure it now: `plot_relu_sparsity()`.'
            )
        taken = {tag.partition("/")[2] or tag: run.scalars(tag) for tag in tags}
        lines = {name: np.stack([one.steps.astype(float), one.values]) for name, one in taken.items()}
        return Chart("lines", "Sparsity of ReLUs", lines, "step", "share of zeros")

    def stem3_data(self, sample: Any = 0) -> Chart:
        """A grey sample as stems over a plane, a stem for each pixel.

        Raises:
            DataError: if there is no such sample, or it is no image.
        """
        found = self._sample(sample)[0].float().cpu().numpy()
        if found.ndim != 3:
            raise DataError(f"Stems stand on the pixels of an image, found a sample of {found.shape}.")
        return Chart("stems", "A sample", {"input": found.mean(axis=0)})

    def line_plot(
        self,
        x_axis: Sequence[float],
        y_axis: Sequence[float],
        x_label: str = "",
        y_label: str = "",
        title: str = "",
        log_x: bool = False,
    ) -> Chart:
        """Numbers as a line.

        Raises:
            DataError: if there are not as many of one as of the other.
        """
        if len(x_axis) != len(y_axis):
            raise DataError(f"A line has an x for each y, found {len(x_axis)} and {len(y_axis)}.")
        line = np.array([x_axis, y_axis], np.float64)
        return Chart("lines", title, {title or "line": line}, x_label, y_label, log_x)

    def explore(self) -> Any:
        """A widget: choose a sample, or draw one, and see it go through the network.

        It shows the feature maps of each block, the probabilities of classes, and on demand what the answer
        hangs on. It works while the kernel is idle, also when a training goes on in the background.

        Raises:
            DataError: if there is no sample to begin with: give `samples`.
        """
        from akidlab.observers.exploring import Exploring

        explorer: Any = registry.load("akidlab.views", "explorer")
        return explorer(Exploring(self))

    # -- what it looks at

    def _between(self, function: Any) -> Any:
        return function() if self.kid is None else self.kid.between_steps(function)

    def _check_some(self, found: Mapping[str, Any]) -> None:
        """An empty picture would say nothing."""
        if found:
            return
        known = ", ".join(having_filters(self.brain))
        if known:
            raise DataError(f"No layer is named. Name some, or leave them out for all: {known}.")
        raise DataError(
            f"No block of {self!r} has filters: weights of two dimensions or more, as convolutions have. "
            "`visualize_activation` shows what blocks emit."
        )

    def _data(self) -> tuple[Tensor, Tensor | None]:
        """Samples and their labels."""
        if self._samples is None and self.kid is not None:
            kid = self.kid
            part = self._between(lambda: _validation(kid))
            self._samples = part[0]
            if len(part) > 1 and self._labels is None:
                self._labels = part[-1]
        if self._samples is None:
            raise DataError("There are no samples to look at. Give some: `Observer(brain, samples=images)`.")
        return self._samples, self._labels

    def _sample(self, wanted: Any) -> Tensor:
        """A batch of one: the sample of an index, or the one given."""
        if is_place(wanted):
            samples = self._data()[0]
            row = place_of(wanted, len(samples))
            return samples[row : row + 1]
        if wanted is None or np.isscalar(wanted):
            raise KindError(
                "A sample is chosen by its index, a whole number such as 0, or given itself, as an array or "
                f"a tensor; found {wanted!r:.60}."
            )
        given = tensor_of("A sample is", wanted, "[channels, height, width] or [numbers]", 1)
        return samples_for(self.brain, given[None] if given.dim() in (1, 3) else given[:1])

    def _written(self, shown: Atlas, folder: Path | str | bool, ending: str) -> Atlas:
        if folder is not False:
            shown.save_each(self._place() if folder is True else Path(str(folder)), ending)
        return shown

    def _place(self) -> Path:
        found = None if self.kid is None else self.kid.folder
        if found is None:
            raise KindError('There is no folder of a run here. Name one: `folder="visualization"`.')
        return found / "visualization"

    def __repr__(self) -> str:
        return f"Observer({getattr(self.kid, 'name', type(self.brain).__name__)})"


def sheet_of(values: np.ndarray) -> np.ndarray:
    """What a block emits of one sample as one image: `[rows, columns]`.

    Args:
        values: `[channels, height, width]`, `[numbers]`, or `[rows, columns]`.

    Example:
        >>> sheet_of(np.zeros((4, 2, 2))).shape, sheet_of(np.zeros(10)).shape
        ((5, 5), (1, 10))
    """
    values = np.asarray(values, np.float32)
    if values.ndim == 3:
        return tiled(values)
    if values.ndim != 1:
        return values.reshape(len(values), -1)
    if len(values) <= 64:
        return values[None]
    return tiled(values[:, None, None], gap=0)


def image_of(sample: np.ndarray) -> np.ndarray:
    """A sample as an image: `[rows, columns]`, or `[rows, columns, 3]` of colours from 0 to 1."""
    if sample.ndim == 3 and sample.shape[0] == 3:
        low, high = float(sample.min()), float(sample.max())
        return np.moveaxis((sample - low) / ((high - low) or 1.0), 0, -1)
    if sample.ndim == 3:
        return sample[0]
    side = math.isqrt(sample.size)
    return sample.reshape(side, side) if side * side == sample.size else sample.reshape(1, -1)


def _validation(kid: Kid) -> list[Tensor]:
    """All validation samples where they lie in memory, else a batch of them, else of training."""
    sensor = kid.sensor
    for batches in (sensor.validation_batches, sensor.test_batches):
        try:
            parts: list[list[Tensor]] = []
            for batch in batches():
                parts.append(batch)
                if sum(len(part[0]) for part in parts) >= 2000 or batch[0].numel() > 5_000_000:
                    break
            if parts:
                return [torch.cat(list(column)) for column in zip(*parts, strict=True)]
        except (DataError, ValueError):
            continue
    return sensor.batch()


def _places(idxs: Any, count: int) -> list[int]:
    if idxs is None:
        return list(range(min(16, count)))
    if isinstance(idxs, str) or not isinstance(idxs, Iterable):
        raise KindError(f"`idxs` is a list of indices of samples, such as [0, 5], found {idxs!r:.60}.")
    return [place_of(row, count) for row in idxs]


def _told(found: Mapping[str, Any]) -> str:
    cut = [f"{name}: {len(one)} of {one.total}" for name, one in found.items() if len(one) < one.total]
    return ", ".join(cut)
