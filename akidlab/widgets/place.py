"""A place: the picture of a past run, over which its dashboard lays itself while there is a kernel."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape


def place(key: str, picture: Mapping[str, str]) -> str:
    """The picture in HTML, under a key by which the widget finds it.

    An output that is a widget reads "model not found" once its kernel is gone; this one is still a picture.

    Args:
        key: the `_key` of the widget.
        picture: a mime bundle with `text/plain` and, if it could be drawn, `image/svg+xml`;
            `text/html`, such as a table, stands below.
    """
    words = escape(picture["text/plain"])
    table = picture.get("text/html", "")
    shown = f"<pre>{words}</pre>"
    if "image/svg+xml" in picture:  # as an image: a notebook that is not trusted shows that, but no SVG
        data = b64encode(picture["image/svg+xml"].encode()).decode()
        shown = f'<img alt="{words}" src="data:image/svg+xml;base64,{data}">'
    if table:
        shown = f"<div>{shown if 'image/svg+xml' in picture else ''}{table}</div>"
    return f'<div data-akidlab="{escape(key)}">{shown}</div>'
