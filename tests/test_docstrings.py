"""Every example in a docstring runs and shows what it says."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import akidlab

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _examples() -> Iterator[doctest.DocTest]:
    """The examples of all modules that can be imported here (a rank's need Horovod, say)."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(akidlab.__path__, "akidlab."):
        if not found.name.endswith("__main__"):
            with contextlib.suppress(ModuleNotFoundError):
                yield from finder.find(importlib.import_module(found.name))


EXAMPLES = sorted((example for example in _examples() if example.examples), key=lambda example: example.name)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_the_example_runs(example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy
    import torch

    monkeypatch.chdir(tmp_path)
    public = {name: getattr(akidlab, name) for name in akidlab.__all__}
    example.globs = {**public, "torch": torch, "np": numpy, "Path": Path, **example.globs}
    said: list[str] = []

    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append, clear_globs=False)

    assert not said, "".join(said)
