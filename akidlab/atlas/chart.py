"""A Chart: numbers as lines, bars or stems, which shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab import registry
from akidlab.errors import AkidlabError, KindError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Chart:
    """Numbers that are drawn as `lines`, as `bars`, as a `histogram`, or as `stems` over a plane.

    Args:
        kind: one of these.
        title: what stands above.
        arrays: by name: of lines `[2, points]`, the x and the y; of bars and stems the numbers, stems
            `[rows, columns]`.
        x: what the horizontal axis is.
        y: what the vertical axis is.
        log_x: draw the horizontal axis of lines logarithmically.

    Example:
        >>> Chart("bars", "sparsity", {"relu1": np.array([0.5])}).arrays["relu1"]
        array([0.5])
    """

    kind: str
    title: str
    arrays: Mapping[str, np.ndarray]
    x: str = ""
    y: str = ""
    log_x: bool = False

    @property
    def array(self) -> np.ndarray:
        """The numbers, where there is one name.

        Raises:
            KindError: if there are several, or none: take one of `arrays`.
        """
        if len(self.arrays) != 1:
            known = ", ".join(self.arrays) or "none"
            raise KindError(f"There are {len(self.arrays)} arrays. Take one by name: `.arrays`: {known}.")
        return next(iter(self.arrays.values()))

    @property
    def figure(self) -> Figure:
        """It as an interactive plotly figure."""
        return self._backend("plotly").chart(self)

    def save(self, path: Path | str) -> Path:
        """Write it to a file: `.svg` as shown, or `.npz` the numbers.

        Raises:
            KindError: if the name ends otherwise.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".svg":
            path.write_text(str(self._backend("svg").chart(self)))
        elif path.suffix == ".npz":
            named: Any = dict(self.arrays)
            np.savez_compressed(path, **named)
        else:
            raise KindError(f"A chart is saved as .svg or .npz, found `{path.name}`.")
        return path

    def _backend(self, name: str) -> Any:
        return registry.load("akidlab.backends", name)

    def __repr__(self) -> str:
        return f"Chart({self.title!r}: {self.kind}, {', '.join(self.arrays)})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        with suppress(AkidlabError):  # the backend is not installed: words must do
            bundle["image/svg+xml"] = str(self._backend("svg").chart(self))
        return bundle
