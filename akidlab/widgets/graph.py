"""The graph of a brain in a notebook: to walk through while there is a kernel, and a picture ever after."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from akidlab import config
from akidlab.backends import layered
from akidlab.errors import AkidlabError
from akidlab.messages import Graph
from akidlab.widgets.questions import Answer
from akidlab.widgets.view import View

if TYPE_CHECKING:
    from akidlab.widgets.output import Bundle


class Drawable(Protocol):
    """What a living brain offers to be shown."""

    def graph(self) -> Graph: ...
    def look_into(self, block: str) -> dict[str, Any]: ...
    def measured(self, what: str) -> dict[str, float]: ...


class GraphView(View):
    """Shows how a brain is built: its blocks, what flows between them, how large they are.

    Systems fold and unfold, a block that is chosen tells its parameters as they are now, and colours tell
    how much of a block is silent, how large its gradients are, or how long it takes.

    Args:
        shown: a brain or another system, or the `Graph` of one.

    Example:
        >>> from akidlab import Brain, ReLULayer
        >>> GraphView(Brain(name="small").attach(ReLULayer(name="relu"))).picture()["text/plain"]
        'small: Brain, 1 block, not set up\\n  relu  ReLULayer()  ← system_in'
    """

    kind = "graph"

    def __init__(self, shown: Drawable | Graph) -> None:
        super().__init__()
        self.graph = shown if isinstance(shown, Graph) else shown.graph()
        self._words = repr(shown)
        self._html = shown._repr_html_() if hasattr(shown, "_repr_html_") else None  # type: ignore[attr-defined]
        # A widget lives as long as its kernel; a brain should not, with all its weights.
        self._brain = (lambda: None) if isinstance(shown, Graph) else weakref.ref(shown)

    def picture(self) -> Bundle:
        """The graph in words, as a table that unfolds, and drawn where that is small enough to be saved."""
        seen = layered.plan(self.graph)
        bundle: Bundle = {"text/plain": self._words}
        if 0 < len(seen.places) <= layered.ROOM:
            bundle["image/svg+xml"] = self.graph.svg()
        if self._html is not None:
            bundle["text/html"] = self._html
        return bundle

    @property
    def bundle(self) -> Bundle:
        """What a notebook that is live is shown; empty elsewhere."""
        return self._bundle() if self._output.is_live and not config.quiet() else {}

    def ask(self, question: object, asked: object) -> Answer:
        wanted = asked if isinstance(asked, Mapping) else {}
        brain: Any = self._brain()
        if question == "graph":
            if brain is not None:
                self.graph = brain.graph()
            measures = [] if brain is None else list(brain.MEASURES)
            return Answer({"graph": self.graph.json, "measures": measures})
        if brain is None:
            raise ValueError("The brain is gone: nobody holds it any more. Show it again.")
        try:
            if question == "block":
                return Answer(brain.look_into(str(wanted.get("id"))))
            if question == "values":
                return Answer({"values": brain.measured(str(wanted.get("by")))})
        except AkidlabError as error:
            raise ValueError(str(error)) from error
        return super().ask(question, asked)
