"""The pictures in a folder that has a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from akidlab.errors import DataError, DataNotFoundError
from akidlab.sources.draws import draws
from akidlab.sources.pictures import SUFFIXES

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Listing:
    """Files, in an order that depends on their names alone, each with the number of its class."""

    folder: Path
    files: list[str]
    labels: Int[Tensor, " files"]

    def __len__(self) -> int:
        return len(self.files)

    def path(self, row: int) -> Path:
        """Where file `row` is."""
        return self.folder / self.files[row]

    def divided(self, held_out: float, seed: int) -> tuple[Listing, Listing]:
        """Two parts, the second with `held_out` of the files, drawn by `seed`; both keep the order."""
        order = draws(seed, 0, torch.arange(len(self)), 1).flatten().argsort()
        kept = len(self) - round(held_out * len(self))
        return self._some(order[:kept]), self._some(order[kept:])

    def _some(self, rows: Tensor) -> Listing:
        rows = rows.sort().values
        return Listing(self.folder, [self.files[row] for row in rows.tolist()], self.labels[rows])


def classes(folder: Path) -> list[str]:
    """The names of the folders in `folder`, sorted: a folder is a class, whose number is its place.

    Raises:
        DataNotFoundError: if there is no such folder.
        DataError: if it has no folders in it.
    """
    if not folder.is_dir():
        raise DataNotFoundError(
            f"There is no folder `{folder}`. Give the folder that has `train/`, `val/` and perhaps `test/`, "
            f"or one with a folder for each class."
        )
    found = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    if not found:
        raise DataError(f"`{folder}` has no folders in it: expected one for each class, with pictures.")
    return found


def listing(folder: Path, known: Sequence[str]) -> Listing:
    """The pictures in the folders of `folder`, however deep.

    Args:
        folder: what has a folder for each class.
        known: the names of the classes, by number.

    Raises:
        DataError: if there is a class that is not known, or there are no pictures.
    """
    numbers = {name: number for number, name in enumerate(known)}
    files: list[str] = []
    labels: list[int] = []
    for name in classes(folder):
        if name not in numbers:
            raise DataError(
                f"`{folder / name}` is no class of the training part, which has {len(known)}: "
                f"{', '.join(known[:10])}{', ...' if len(known) > 10 else ''}."
            )
        inside = _pictures(folder, name)
        files += inside
        labels += [numbers[name]] * len(inside)
    if not files:
        raise DataError(f"There are no pictures in `{folder}`: expected {', '.join(sorted(SUFFIXES))}.")
    return Listing(folder, files, torch.tensor(labels))


def _pictures(folder: Path, name: str) -> list[str]:
    found = [
        os.path.join(os.path.relpath(place, folder), file)
        for place, _, inside in os.walk(folder / name, followlinks=True)
        for file in inside
        if os.path.splitext(file)[1].lower() in SUFFIXES
    ]
    return sorted(found)
