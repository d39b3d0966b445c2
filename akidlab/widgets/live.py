"""The live widget: one model for all that is shown; what it draws comes in messages, not in its state."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from akidlab.errors import AkidlabError
from akidlab.widgets import assets
from akidlab.widgets.description import Plain
from akidlab.widgets.follower import Packet
from akidlab.widgets.questions import Answer

log = logging.getLogger(__name__)

_VIEW = "application/vnd.jupyter.widget-view+json"

Ask = Callable[[object, object], Answer]
Hear = Callable[[Mapping[str, Any], list[bytes]], None]


class LiveWidget(anywidget.AnyWidget):
    """Carries a few lines that load the real module, and what is known from the start: under 2 kB of state.

    Args:
        kind: which of the module's widgets it is, such as `dashboard`.
        head: what the browser knows from the start.
        ask: answers a question: its name, and what is wanted; a `ValueError` is told to who asked.
        hear: is given every other message of the browser, with its buffers.
        placed: True if it lays itself over the picture that bears its key (see `place`).
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _version = traitlets.Unicode().tag(sync=True)
    _kind = traitlets.Unicode().tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)  # by which all views of one model find each other
    _placed = traitlets.Bool().tag(sync=True)
    head = traitlets.Dict().tag(sync=True)

    def __init__(self, kind: str, head: Plain, ask: Ask, hear: Hear, *, placed: bool = False) -> None:
        key, version = uuid.uuid4().hex, assets.version()
        super().__init__(
            _esm=assets.module(), _version=version, _kind=kind, _key=key, _placed=placed, head=head
        )
        self._ask, self._hear = ask, hear
        self.on_msg(lambda _, content, buffers: self._take(content, buffers))

    @property
    def bundle(self) -> Plain:
        """The mime bundle by which a notebook shows it."""
        return {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}

    def post(self, packet: Packet) -> None:
        """Send a packet to every view."""
        self.send(packet.content, packet.buffers)

    def _take(self, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        kind = content.get("kind")
        if kind == "source":
            self.send({"kind": "source"}, [assets.source()])
        elif kind == "ask":
            said: Plain = {"kind": "answer", "id": content.get("id")}
            try:
                answer = self._ask(content.get("question"), content.get("asked"))
            except (AkidlabError, ValueError) as error:
                self.send(said | {"error": str(error)})
            except Exception as error:  # who asks would wait, and be told that the kernel is busy
                log.warning("A widget could not answer.", exc_info=True)
                self.send(said | {"error": f"{type(error).__name__}: {error}"})
            else:
                self.send(said | {"content": answer.content}, list(answer.buffers))
        else:
            self._hear(content, buffers)
