"""A Seal: objects that travel between ranks as pickles, and are opened only if one of the ranks sent them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import cloudpickle

from akidlab.errors import DispatchError

SIGNATURE = hashlib.sha256().digest_size


class Seal:
    """Signs with a key that only the ranks have, together with the place of the object in their talk.

    A byte that was changed, an object of a stranger, one that was said before or by another rank: none of
    them is opened.

    Args:
        key: the secret of the ranks.

    Example:
        >>> seal = Seal(b"secret")
        >>> seal.open(seal.close({"step": 3}, b"1"), b"1")
        {'step': 3}
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, value: object, place: bytes) -> bytes:
        """The bytes of `value`, signed."""
        data: bytes = cloudpickle.dumps(value)
        return self._sign(data, place) + data

    def open(self, sealed: bytes, place: bytes) -> Any:
        """The value in these bytes.

        Raises:
            DispatchError: if no rank closed them for this place.
        """
        signature, data = sealed[:SIGNATURE], sealed[SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(data, place)):
            raise DispatchError(
                "What arrived from another rank was not sent by it, or not now: a stranger talks on the line"
                " of the ranks, or one of them is at another place of the program. It was not opened."
            )
        return cloudpickle.loads(data)

    def _sign(self, data: bytes, place: bytes) -> bytes:
        return hmac.digest(self._key, len(place).to_bytes(8, "big") + place + data, "sha256")
