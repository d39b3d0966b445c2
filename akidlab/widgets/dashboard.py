"""The Dashboard: a run as it learns, with its controls; and the same run a year later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from akidlab import config, registry
from akidlab.errors import AkidlabError, KindError
from akidlab.messages import Command
from akidlab.store import Run, Store
from akidlab.widgets import assets, branching, description
from akidlab.widgets.controls import Controls, to_the_run
from akidlab.widgets.figure import MIME, figure
from akidlab.widgets.follower import Follower
from akidlab.widgets.live import LiveWidget
from akidlab.widgets.meant import meant
from akidlab.widgets.output import Bundle, Output
from akidlab.widgets.place import place
from akidlab.widgets.questions import Answer, answer
from akidlab.widgets.ticker import Ticker

if TYPE_CHECKING:
    from akidlab.kids import Kid

log = logging.getLogger(__name__)

_SNAPSHOTS = frozenset(2**power for power in range(40))  # the ticks at which the whole history is sent


class Dashboard:
    """Shows a run in a notebook: its curves, how far it has come, what it says, and its controls.

    It repaints four times a second from the store, in a thread of its own. When the run has ended, its place
    in the notebook is given a picture that reads without a kernel, as it is of a past run; the dashboard lays
    itself over that while the kernel lives.

    Args:
        run: what to show, live or past: a run, its name or uid, or a kid that has practised.
        others: runs of the same store whose curves are drawn over its own from the start.
        send: gives a command to the run; the second way of the buttons, beside the Jupyter server. By
            default the control socket of the run, whichever process holds it.

    Raises:
        KindError: if it is none of these, or some of the others cannot be drawn over it.
        UnknownNameError: if there is no such run.

    Example:
        >>> dashboard = Dashboard(Store().create("digits"))
        >>> dashboard.is_finished
        False
    """

    def __init__(
        self,
        run: Run | Kid | str,
        *,
        others: Iterable[Run] = (),
        send: Callable[[Command], object] | None = None,
    ) -> None:
        told = meant(run, wanted="A dashboard shows a run, or the name of one")
        self.run = Run(
            Store(told.store.path), told.id, told.uid
        )  # ours, closed when there is no more to read
        self.is_finished = False
        self._others = [self._near(other) for other in others]
        self._controls = Controls(send or to_the_run(self.run))
        self._follower = Follower(self.run)
        self._output = Output()
        self._lock = threading.RLock()
        self._posting = threading.Lock()  # a history is of one moment, between two ticks
        self._widget: LiveWidget | None = None
        self._ticker: Ticker | None = None
        self._was_live = self.run.is_live

    @property
    def widget(self) -> LiveWidget:
        """The widget itself, to put into a layout of your own."""
        with self._lock:
            if self._widget is None:
                self._widget = LiveWidget(
                    "dashboard", self._head(), self._ask, self._hear, placed=self._has_place
                )
                self._ticker = Ticker(self._tick)
                self._ticker.start()
            return self._widget

    def show(self) -> None:
        """Show the dashboard under the cell that runs now."""
        if config.quiet():
            return
        if self.is_finished:
            self._output.show(self._still())
        else:
            self._output.show(self._view() | _picture(self.run))

    def finish(self) -> None:
        """Send what is left, and leave a still picture of the run in the notebook; from any thread, once."""
        with self._lock:
            if self.is_finished:
                return
            self.is_finished = True
        if (ticker := self._ticker) is not None:  # another thread may close it meanwhile
            ticker.stop()
            if (widget := self._widget) is not None:
                widget._placed = not assets.far_from_a_server()
            self._send_rest()
        if self._output.is_shown:
            self._output.update(self._still())
        self._controls.send = to_the_run(self.run)  # what was given may hold a kid
        self.run.store.close()

    def close(self) -> None:
        """Stop following the run and take the widget out of every notebook that shows it."""
        widget, ticker = self._widget, self._ticker
        self._widget = self._ticker = None
        if ticker is not None:
            ticker.stop()
        if widget is not None:
            widget.close()
        self.run.store.close()

    def _tick(self) -> bool:
        """One tick: what is new, and at times all there is; False when nothing will change any more."""
        widget, follower = self._widget, self._follower
        if widget is None:
            return False
        with self._posting:
            widget.post(follower.delta())
            if follower.rewritten or follower.seq in _SNAPSHOTS:
                widget.post(follower.snapshot())
        if not follower.ended:
            return True
        if self._was_live:
            self._finish_later()
        elif follower.seq < 8:  # a past run: until the browser surely listens
            return True
        else:
            self.run.store.close()
        return False

    def _finish_later(self) -> None:
        """The run ended and nobody said so here: its process is another one, or the session is about to."""
        timer = threading.Timer(1.0, self.finish)
        timer.daemon = True
        timer.start()

    def _send_rest(self) -> None:
        with self._posting:
            if (widget := self._widget) is not None:
                widget.post(self._follower.delta())
                widget.head = self._head()

    def _head(self) -> description.Plain:
        now = self.run.look()
        more = {"others": self._others, "parent": now.parent, "kid": branching.variable(self.run)}
        return description.run(now) | {name: value for name, value in more.items() if value}

    def _near(self, other: Run) -> str:
        """The uid of a run that can be drawn over this one.

        Raises:
            KindError: if it is none, or of another store.
        """
        if not isinstance(other, Run):
            raise KindError(f"`others` are runs, found {other!r:.60}. `akidlab.runs()` has them.")
        if other.store.path.resolve() != self.run.store.path.resolve():
            raise KindError(
                f"`{other.name}` lies in `{other.store.path}`, and `{self.run.name}` in "
                f"`{self.run.store.path}`: only runs of one store are drawn over each other."
            )
        return other.uid

    def _ask(self, question: object, asked: object) -> Answer:
        return answer(self.run, question, asked)

    def _hear(self, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        """What the browser says over the comm."""
        widget, kind = self.widget, content.get("kind")
        if kind == "sync":
            with self._posting:
                widget.post(self._follower.snapshot(description.POINTS))
        elif kind == "command":
            widget.send(self._controls.take(content))
            if content.get("action") == "note" and not self.run.is_live:  # no tick tells of it
                self._send_rest()
                self.run.store.close()

    def _view(self) -> Bundle:
        """The live widget, where there is a browser and it was built; a run is trained without it, too."""
        if not self._output.is_live:
            return {}
        try:
            widget = self.widget
        except FileNotFoundError as error:
            log.warning("%s", error)
            return {}
        if self._has_place:
            return {"text/html": place(widget._key, _picture(self.run))}
        return widget.bundle

    @property
    def _has_place(self) -> bool:
        """Of a past run a picture is shown; only a Jupyter server's page lets the widget find that."""
        return not (self._was_live or assets.far_from_a_server())

    def _still(self) -> Bundle:
        """A picture, over which the widget lays itself while its kernel lives; a figure where it cannot."""
        picture, widget = _picture(self.run), self._widget
        if widget is None or assets.far_from_a_server():
            return {MIME: figure(self.run)} | picture
        return {"text/html": place(widget._key, picture)} | picture

    def _ipython_display_(self) -> None:
        self.show()

    def __repr__(self) -> str:
        return f"Dashboard({self.run.name!r})"


def _picture(run: Run) -> Bundle:
    """What reads without a kernel, on GitHub and in every editor."""
    bundle: Bundle = {"text/plain": repr(run)}
    try:
        draw: Any = registry.load("akidlab.backends", "svg")
        bundle["image/svg+xml"] = draw.picture(run)
    except AkidlabError:  # the backend is not installed: words must do
        pass
    return bundle
