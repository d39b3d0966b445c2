"""An Atlas: named images of numbers, which shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from akidlab import registry
from akidlab.errors import AkidlabError, KindError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Atlas:
    """Images of numbers, such as the filters of each layer; a notebook shows them under the cell.

    Numbers of both signs have colours that part at zero; numbers that have one sign begin at zero. Where an
    image is NaN, nothing is drawn.

    Args:
        title: what stands above.
        arrays: the images by name, float32: `[rows, columns]`, or `[rows, columns, 3]` for colours of 0 to 1.
        note: a line below.
        grey: draw numbers from black to white, as what a camera sees.
        meant: what is drawn, where images are arranged of it: `[filters, channels, height, width]` by name.

    Example:
        >>> Atlas("filters", {"conv1": np.zeros((5, 5), np.float32)})
        Atlas('filters': conv1 5×5)
    """

    title: str
    arrays: Mapping[str, np.ndarray]
    note: str = ""
    grey: bool = False
    meant: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def array(self) -> np.ndarray:
        """The image, where there is one.

        Raises:
            KindError: if there are several, or none: take one of `arrays`.
        """
        if len(self.arrays) != 1:
            known = ", ".join(self.arrays) or "none"
            raise KindError(f"There are {len(self.arrays)} images. Take one by its name: `.arrays`: {known}.")
        return next(iter(self.arrays.values()))

    @property
    def figure(self) -> Figure:
        """It as an interactive plotly figure."""
        return self._backend("plotly").atlas(self)

    def save(self, path: Path | str) -> Path:
        """Write it to a file: `.svg` as shown, `.npz` the numbers, `.png` a pixel for each number.

        Several images become as many `.png`, each with its name behind that of the file.

        Raises:
            KindError: if the name ends otherwise.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".svg":
            path.write_text(str(self._backend("svg").atlas(self, whole=True)))
        elif path.suffix == ".npz":
            named: Any = dict(self.arrays)
            np.savez_compressed(path, **named)
        elif path.suffix == ".png":
            for name, array in self.arrays.items():
                single = path if len(self.arrays) == 1 else path.with_name(f"{path.stem}_{_plain(name)}.png")
                single.write_bytes(self._backend("svg").png(array, grey=self.grey))
        else:
            raise KindError(f"An atlas is saved as .svg, .png or .npz, found `{path.name}`.")
        return path

    def save_each(self, folder: Path, ending: str) -> None:
        """Write each image to `folder` as `<name><ending>`, a pixel for each number."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self.arrays.items():
            (folder / f"{_plain(name)}{ending}").write_bytes(self._backend("svg").png(array, grey=self.grey))

    def _backend(self, name: str) -> Any:
        return registry.load("akidlab.backends", name)

    def __repr__(self) -> str:
        sizes = [f"{name} {'×'.join(map(str, array.shape[:2]))}" for name, array in self.arrays.items()]
        more = f", and {len(sizes) - 12} more" if len(sizes) > 12 else ""
        return f"Atlas({self.title!r}: {', '.join(sizes[:12])}{more})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        with suppress(AkidlabError):  # the backend is not installed: words must do
            bundle["image/svg+xml"] = str(self._backend("svg").atlas(self))
        return bundle


def _plain(name: str) -> str:
    """A name as a file may have it."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
