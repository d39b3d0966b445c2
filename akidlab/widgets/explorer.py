"""The Explorer: a sample, chosen or drawn, on its way through a living network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from akidlab import registry
from akidlab.atlas import Atlas, tiled
from akidlab.errors import AkidlabError
from akidlab.messages.picture import numbers
from akidlab.widgets.questions import Answer
from akidlab.widgets.view import View

if TYPE_CHECKING:
    from akidlab.messages import Picture
    from akidlab.widgets.output import Bundle

ROOM = 60_000  # numbers of the picture that a notebook saves


class Network(Protocol):
    """What is explored: see `akidlab.observers.exploring.Exploring`."""

    @property
    def facts(self) -> dict[str, object]: ...

    def look(
        self,
        index: int | None = None,
        *,
        pixels: Any = None,
        why: str | None = None,
        target: int | None = None,
    ) -> dict[str, Any]: ...


class Explorer(View):
    """Shows a sample, its feature maps, what the network says to it, and what that hangs on.

    Args:
        network: what is explored; `Observer(kid).explore()` makes both.
    """

    kind = "explorer"

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def head(self) -> dict[str, object]:
        return self._network.facts

    def picture(self) -> Bundle:
        """The first sample, and what the first blocks make of it."""
        try:
            seen = self._network.look(0)
        except AkidlabError as error:
            return {"text/plain": f"Explorer: {error}"}
        found = {"system_in": seen["input"], **seen["maps"]}
        sheets, left = {}, ROOM
        for name, one in found.items():
            values = numbers(one)[:, 0]
            sheet = tiled(values, gap=1 if values.shape[1] > 1 else 0)
            left -= sheet.size
            if left < 0:
                break
            sheets[name] = sheet
        said = _said(seen)
        bundle: Bundle = {"text/plain": f"Explorer: {said}"}
        try:
            draw: Any = registry.load("akidlab.backends", "svg")
            bundle["image/svg+xml"] = str(draw.atlas(Atlas("What blocks make of a sample", sheets, said)))
        except AkidlabError:  # the backend is not installed: words must do
            return bundle
        return bundle

    def __repr__(self) -> str:
        facts = self._network.facts
        many, shape = facts["many"], facts["shape"]
        return f"Explorer({many} sample{'' if many == 1 else 's'} of {shape})"

    def ask(self, question: object, asked: object) -> Answer:
        if question != "look" or not isinstance(asked, Mapping):
            return super().ask(question, asked)
        index, target, why = asked.get("index"), asked.get("target"), asked.get("why")
        for name, value in (("index", index), ("target", target)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError(f"`{name}` is a whole number, or nothing; found {value!r:.40}.")
        try:
            seen = self._network.look(index, pixels=asked.get("pixels"), why=why, target=target)
        except AkidlabError as error:
            raise ValueError(str(error)) from error
        except Exception as error:  # a block of the user's: told to who looks, not to the log
            raise ValueError(f"{type(error).__name__}: {error}") from error
        maps = {f"maps/{name}": one for name, one in seen.pop("maps").items()}
        pictures = {"maps/system_in": seen.pop("input"), **maps}
        if "why" in seen:
            pictures["why"] = seen.pop("why")
        told = [_told(name, one, seen["step"] or 0) for name, one in pictures.items()]
        levels = [np.ascontiguousarray(one.levels).tobytes() for one in pictures.values()]
        return Answer({**seen, "pictures": told}, [b"".join(levels), b""])


def _told(name: str, one: Picture, step: int) -> dict[str, object]:
    return {
        "tag": name, "step": step, "shape": list(one.levels.shape), "low": one.low, "high": one.high,
        "biases": False, "total": one.total, "channels": one.channels,
    }  # fmt: skip


def _said(seen: Mapping[str, Any]) -> str:
    if not seen["classes"]:
        return str(seen["note"])
    share, most = max(zip(seen["shares"], seen["classes"], strict=True))
    label = "" if seen["label"] is None else f"Label: {seen['label']}; "
    return f"{label}PL: {most} ({share:.0%})"
