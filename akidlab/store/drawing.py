"""How runs are drawn: scalars over each other, distributions side by side, by the backend asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from akidlab import registry
from akidlab.errors import KindError, UnknownNameError, unknown
from akidlab.store import titles

if TYPE_CHECKING:
    from akidlab.store.pulse import Pulse
    from akidlab.store.run import Run


def figure(
    runs: Sequence[tuple[Run, Pulse]], tags: Sequence[str], backend: str, *, name: str = "", **look: Any
) -> Any:
    """A figure of those of the tags that the runs have; `name` is that of the run if it is one alone.

    Raises:
        UnknownNameError: if no such backend is installed.
        KindError: if some tags are scalars and some are distributions.
    """
    draw: Any = registry.load("akidlab.backends", backend)
    if not hasattr(draw, "figure"):  # it writes files
        able = [name for name in registry.names("akidlab.backends") if name not in (backend, "tensorboard")]
        raise unknown("backend that draws figures", backend, able)
    there = [(run, tag, known) for run, known in runs for tag in tags if _has(known, tag)]
    lines = [tag for _, tag, known in there if tag in known.tags]
    bands = [tag for _, tag, known in there if tag not in known.tags]
    title = ": ".join(filter(None, [name, titles.subject(tags)]))
    if not bands:
        series = [run.scalars(tag, points=2000).held(known.now.step) for run, tag, known in there]
        return draw.figure(series, title=title, **look)
    if lines:
        raise KindError(
            f"`{lines[0]}` is a scalar and `{bands[0]}` a distribution. Draw them in two figures."
        )
    if name and len(tags) > 1:
        title = name  # each chart says its tag
    return draw.bands([run.percentiles(tag, points=500) for run, tag, _ in there], title=title, **look)


def missing(tag: str, known: Iterable[Pulse]) -> UnknownNameError:
    """The error for a tag that no run has."""
    known = list(known)
    bands = dict.fromkeys(name for pulse in known for name in pulse.distributions)
    lines = dict.fromkeys(name for pulse in known for name in pulse.tags)
    if "/" in tag and bands:
        return unknown("scalar or distribution", tag, {**bands, **lines})
    return unknown("scalar", tag, lines)


def _has(known: Pulse, tag: str) -> bool:
    return tag in known.tags or tag in known.distributions
