"""A View: something to look at in a notebook, alive while its kernel lives, and a picture ever after."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from akidlab import config
from akidlab.widgets import assets
from akidlab.widgets.live import LiveWidget
from akidlab.widgets.output import Bundle, Output
from akidlab.widgets.place import place
from akidlab.widgets.questions import Answer

log = logging.getLogger(__name__)


class View:
    """What every widget that is no dashboard of a live run has in common.

    The notebook holds a picture, which reads without a kernel; the widget lays itself over that while its
    kernel lives (see `place`). A view of your own names its `kind`, and says what its `picture` is and what
    it answers.
    """

    kind: ClassVar[str]

    def __init__(self) -> None:
        self._output = Output()
        self._lock = threading.RLock()
        self._widget: LiveWidget | None = None

    def picture(self) -> Bundle:
        """A mime bundle that reads without a kernel: `text/plain`, and `image/svg+xml` where it is drawn."""
        raise NotImplementedError

    def head(self) -> dict[str, object]:
        """What the browser knows from the start; it is saved with the notebook, so let it be small."""
        return {}

    def ask(self, question: object, asked: object) -> Answer:
        """Answer the browser.

        Raises:
            ValueError: if it makes no sense; that is told to who asked.
        """
        raise ValueError(f"Nobody answers {question!r:.40}.")

    def hear(self, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        """Take what the browser says without waiting for an answer."""

    def tell(self, content: dict[str, object], buffers: list[bytes] | None = None) -> None:
        """Say something to every place that shows this; nothing happens where none does."""
        if (widget := self._widget) is not None:
            widget.send(content, buffers)

    @property
    def widget(self) -> LiveWidget:
        """The widget itself, to put into a layout of your own."""
        return self._made(placed=False)

    def show(self) -> None:
        """Show it under the cell that runs now."""
        if not config.quiet():
            self._output.show(self._bundle())

    def close(self) -> None:
        """Take the widget out of every notebook that shows it; the pictures stay."""
        with self._lock:
            widget, self._widget = self._widget, None
        if widget is not None:
            widget.close()

    def _made(self, *, placed: bool) -> LiveWidget:
        with self._lock:
            if self._widget is None:
                self._widget = LiveWidget(self.kind, self.head(), self.ask, self.hear, placed=placed)
            return self._widget

    def _bundle(self) -> Bundle:
        picture = self.picture()
        if not self._output.is_live:
            return picture
        far = assets.far_from_a_server()
        try:
            widget = self._made(placed=not far)
        except FileNotFoundError as error:
            log.warning("%s", error)
            return picture
        if far:
            return picture | widget.bundle
        return picture | {"text/html": place(widget._key, picture)}

    def _ipython_display_(self) -> None:
        self.show()
