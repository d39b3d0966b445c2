"""The live widget: one model for a whole dashboard; what it draws comes in messages, not in its state."""

from __future__ import annotations

import uuid

import anywidget
import traitlets

from akidlab.widgets import assets
from akidlab.widgets.description import Plain
from akidlab.widgets.follower import Packet


class LiveWidget(anywidget.AnyWidget):
    """Carries a few lines that load the real module, and the row of its run: under 2 kB of state.

    Args:
        run: the row of the run when the widget is made.
        placed: True if it lays itself over the picture that bears its key (see `place`).
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _version = traitlets.Unicode().tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)  # by which all views of one model find each other
    _placed = traitlets.Bool().tag(sync=True)
    run = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Plain, *, placed: bool = False) -> None:
        key, version = uuid.uuid4().hex, assets.version()
        super().__init__(_esm=assets.module(), _version=version, _key=key, _placed=placed, run=run)

    def post(self, packet: Packet) -> None:
        """Send a packet to every view."""
        self.send(packet.content, packet.buffers)
