"""The meeting of ranks on several hosts, as `torch.distributed` wants it: a store of values under names."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch.distributed import Store  # pyright: ignore[reportPrivateImportUsage]

from akidlab.wire import Connection, Dialer

PAUSE = 0.01  # seconds between two questions for what is not there yet
PATIENCE = timedelta(minutes=10)


class MeetingStore(Store):
    """Asks the meeting that the starter holds, over a line that asks for a key.

    Args:
        place: the private file that says where it is.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self._dialer = Dialer(Connection(**json.loads(Path(place).read_text())["connection"]))
        self._dialer.start()
        self._patience = PATIENCE

    def set(self, key: str, value: str | bytes) -> None:
        self._ask("set", key, value=value.encode() if isinstance(value, str) else bytes(value))

    def get(self, key: str) -> bytes:
        self.wait([key])
        return self._ask("get", key)

    def add(self, key: str, value: int) -> int:
        return int(self._ask("add", key, value=value))

    def compare_set(self, key: str, expected: str | bytes, value: str | bytes) -> bytes:
        known, new = (v.encode() if isinstance(v, str) else bytes(v) for v in (expected, value))
        return self._ask("compare", key, expected=known, value=new)

    def wait(self, keys: list[str], timeout: timedelta | None = None) -> None:
        end = time.monotonic() + (timeout or self._patience).total_seconds()
        while not self.check(keys):
            if time.monotonic() > end:
                raise RuntimeError(f"Nobody told {', '.join(keys)}: another rank is late, or gone.")
            time.sleep(PAUSE)

    def check(self, keys: list[str]) -> bool:
        return all(self._ask("get", key) is not None for key in keys)

    def delete_key(self, key: str) -> bool:
        return bool(self._ask("delete", key))

    def num_keys(self) -> int:
        return int(self._ask("count", ""))

    def set_timeout(self, timeout: timedelta) -> None:
        self._patience = timeout

    def _ask(self, kind: str, key: str, **more: object) -> Any:
        return self._dialer.ask({"kind": kind, "key": key, **more}, timeout=30.0).get("value")
