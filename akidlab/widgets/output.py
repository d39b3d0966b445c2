"""An Output: one place in a notebook that shows a mime bundle and can be given another, from any thread."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from IPython.core.getipython import get_ipython

Bundle = dict[str, Any]


class Output:
    """One place in the notebook.

    ipykernel routes what a thread displays in a different way in each version (by thread before 7, by context
    from 7 on, with `set_thread_parent` from 7.2 on). An update carries its own display id, so from a thread
    it is sent straight over the kernel's session, as a child of the request that showed the place.
    """

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.is_shown = False
        self._parent: Bundle = {}

    @property
    def is_live(self) -> bool:
        """True in a Jupyter kernel, where what was shown can change; not in a terminal or a script."""
        return hasattr(getattr(get_ipython(), "display_pub", None), "pub_socket")

    def show(self, bundle: Bundle) -> None:
        """Show `bundle` under the cell that runs now."""
        from IPython.display import display

        display(bundle, raw=True, display_id=self.id)
        publisher = getattr(get_ipython(), "display_pub", None)
        self._parent = dict(getattr(publisher, "parent_header", {}) or {})
        self.is_shown = True

    def update(self, bundle: Bundle) -> None:
        """Show `bundle` instead, wherever the place is shown; nothing happens outside of a kernel."""
        if not (self.is_shown and self.is_live):
            return
        publisher: Any = getattr(get_ipython(), "display_pub", None)
        transient = {"display_id": self.id}
        if threading.current_thread() is threading.main_thread():
            publisher.publish(bundle, {}, transient=transient, update=True)
            return
        publisher.session.send(
            publisher.pub_socket,
            "update_display_data",
            {"data": bundle, "metadata": {}, "transient": transient},
            parent=self._parent,
            ident=publisher.topic,
        )
