"""Keys looked up lately: what they stand for, for a few seconds. Unknown ones are asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.application.ports.tracking import Standing

KEPT_US = 10_000_000
MAX_KEYS = 200_000


class KnownKeys:
    """A bounded memory of standing; `at` is a monotonic clock."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[Standing, int]] = {}

    def among(self, keys: Iterable[str], *, at: int) -> dict[str, Standing]:
        """Those of the keys that need no look-up."""
        found: dict[str, Standing] = {}
        for key in keys:
            entry = self._keys.get(key)
            if entry is not None and entry[1] > at:
                found[key] = entry[0]
        return found

    def learn(self, standing: Mapping[str, Standing | None], *, at: int) -> None:
        """What the book said."""
        until = at + KEPT_US
        for key, what in standing.items():
            if what is not None:
                self._keys.pop(key, None)
                self._keys[key] = (what, until)
        while len(self._keys) > MAX_KEYS:
            del self._keys[next(iter(self._keys))]
