"""The builder in a notebook: a brain as a picture that can be changed, with its code beside it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from akidlab.backends import layered
from akidlab.errors import AkidlabError
from akidlab.widgets.questions import Answer
from akidlab.widgets.view import View

if TYPE_CHECKING:
    from akidlab.blocks.workbench import Workbench
    from akidlab.widgets.output import Bundle


class Builder(View):
    """Lets a brain be built with mouse and keyboard; what fits is done to the living brain at once.

    Args:
        bench: the workbench that the brain lies on.

    Example:
        >>> from akidlab import Brain
        >>> builder = Brain(name="small").edit((4,))
        >>> builder.bench.add("InnerProductLayer", out_channel_num=3)
        small: 1 block, added `ip1`
        >>> builder.picture()["text/plain"].splitlines()[0]
        'small: Brain, 1 block, not set up'
    """

    kind = "builder"

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self._cells = _AfterCells(self)
        self._told = self._pictured = bench.draft

    def picture(self) -> Bundle:
        """The brain in words, and as a picture where it is small enough to be saved."""
        graph = self.bench.brain.graph()
        bundle: Bundle = {"text/plain": repr(self.bench.brain)}
        if 0 < len(layered.plan(graph).places) <= layered.ROOM:
            bundle["image/svg+xml"] = graph.svg()
        return bundle

    def ask(self, question: object, asked: object) -> Answer:
        wanted: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
        try:
            if question == "state":
                self.bench.look()
                return Answer(self.state())
            if question == "palette":
                return Answer({"kinds": self.bench.palette()})
            if question == "form":
                return Answer({"options": self.bench.form_of(str(wanted.get("id")))})
            if question == "check":
                options = {str(wanted.get("option")): str(wanted.get("text"))}
                return Answer({"error": self.bench.check(str(wanted.get("id")), **options)})
            if question == "do":
                self._do(str(wanted.get("act")), **wanted.get("arguments", {}))
                return Answer(self.state())
        except (AkidlabError, TypeError) as error:
            raise ValueError(str(error)) from error
        return super().ask(question, asked)

    def _do(self, act: str, **arguments: Any) -> None:
        if act == "remove":
            self.bench.remove(str(arguments.get("path")))
        else:
            self.bench.do(act, **arguments)

    def state(self) -> dict[str, object]:
        """All that the browser shows, but for the forms."""
        bench, code, silent = self.bench, "", ""
        self._told = bench.draft
        try:
            code = str(bench.code)
        except AkidlabError as error:
            silent = str(error)
        return {
            "graph": bench.graph.json, "errors": bench.errors, "said": bench.said, "code": code,
            "silent": silent, "undo": bench.can_undo, "redo": bench.can_redo, "shapes": bench.shapes,
            "settled": bench.brain.is_setup,
        }  # fmt: skip

    def look(self) -> None:
        """Show what cells did to the brain, and let the picture that is saved be of now."""
        if self.bench.look() or self.bench.draft is not self._told:
            self.tell({"kind": "changed"})
        if self.bench.draft is not self._pictured:
            self._pictured = self.bench.draft
            self._output.update(self._bundle())

    def __repr__(self) -> str:
        count = self.bench.count
        return f"Builder({self.bench.brain.name!r}, {count} block{'' if count == 1 else 's'})"

    def show(self) -> None:
        """Show it under the cell that runs now."""
        super().show()
        self._cells.start()

    def close(self) -> None:
        """Take the builder out of every notebook that shows it; the pictures stay."""
        self._cells.stop()
        super().close()


class _AfterCells:
    """Has a builder look after each cell, while there is one."""

    def __init__(self, builder: Builder) -> None:
        self._builder = weakref.ref(builder)
        self._events: Any = None

    def start(self) -> None:
        if self._events is None:
            from IPython.core.getipython import get_ipython

            shell = get_ipython()
            if shell is not None:
                self._events = shell.events
                self._events.register("post_run_cell", self._ran)

    def stop(self) -> None:
        events, self._events = self._events, None
        if events is not None:
            events.unregister("post_run_cell", self._ran)

    def _ran(self, *_: object) -> None:
        builder = self._builder()
        if builder is None:
            self.stop()
        else:
            builder.look()
